"""Results in words, and as one self-contained HTML page.

The story: wording (results in sentences) -> formulas (TeX to MathML) -> parts (what a page is made of) -> page
(the HTML of the tour) -> charts (what Vega-Lite draws) -> comparison (the page of a comparison).
"""
