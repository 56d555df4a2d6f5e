"""Results in words, and as one self-contained HTML page.

The story: wording (results in sentences) -> formulas (TeX to MathML) -> parts, page (what the tour is made of
and its HTML) -> charts (what Vega-Lite draws) -> comparison (the page of a comparison).
"""
