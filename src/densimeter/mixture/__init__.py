"""Gaussian mixtures, fitted by expectation-maximisation.

The story, file by file:

`families`   the four covariance families: features, natural parameters, M-step
`frame`      centred and scaled coordinates in which EM runs, and the way back
`starts`     where EM begins
`em`         the compiled loop over blocks of rows, for several restarts at once
`estimator`  `GaussianMixture`, the scikit-learn face
`selection`  how many components: `select_components`
"""

from densimeter.mixture.estimator import GaussianMixture
from densimeter.mixture.selection import ComponentSelection, select_components

__all__ = ["ComponentSelection", "GaussianMixture", "select_components"]
