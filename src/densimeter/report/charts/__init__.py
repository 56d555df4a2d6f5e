"""Charts in Vega-Lite, written with Altair: from arrays to a specification.

The story: palette (each model's colour and dash, the same in every chart) -> style (the house's look) ->
contours (regions of highest density as lines) -> views (each model's density in one or two columns) ->
intervals, lines, curves, densities, calibration, marginals (the charts) -> render (as a page needs them).
"""
