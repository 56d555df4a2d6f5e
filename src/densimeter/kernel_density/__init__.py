"""Kernel density estimates: exact where it counts, linear in the rows, every error bounded.

The story, each file standing on those before it::

    profiles        the kernels: radial profile, normaliser, radii of random draws
    columns       passes over tables of few columns
    bandwidth     what one bandwidth unit is: a number, one per column, a full matrix
    kernel_sum    weighted rows, a bandwidth, a kernel: the function that every engine computes
    exponentials  a fast power of two for the inner loop
    pairs         the compiled inner loops over blocks of pairs
    direct        the blocked exact sum; every other engine is measured against it
    blocks        rows in k-d order, cut into boxes
    tree          the sum over the boxes that matter
    neighbours    the sum over each query's nearest rows
    accuracy      where a Fourier series is cut off, and the error that is left
    transforms    non-uniform Fourier transforms
    fourier       the sum by Fourier series, linear in rows and queries
    costs         predicted times
    patches       where a Fourier series is worth its grid
    fourier_engine  the series patch by patch
    planner       which engine answers
    gradients     of the Gaussian's log-density
    stream        rows seen once and not kept
    rules         bandwidths from a formula
    scans         sums for many bandwidths in one pass
    selectors     bandwidths chosen from candidates
    estimator     the scikit-learn face
"""
