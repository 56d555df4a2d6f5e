"""Results to one self-contained HTML page.

The story: formulas (TeX to MathML) -> parts (what a page is made of) -> page (the HTML).
"""
