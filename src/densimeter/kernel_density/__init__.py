"""Kernel density estimates: exact where it counts, every error bounded.

The story, each file standing on those before it::

    profiles      the kernels: radial profile, normaliser, radii of random draws
    bandwidth     what one bandwidth unit is: a number, one per column
    rows          distinct rows with their weights; tied rows are one row
    direct        the blocked exact sum; every other engine is measured against it
    selectors     the bandwidth chosen on the likelihood of held-out or left-out rows
    estimator     the scikit-learn face
"""
