"""Gaussian mixtures, fitted by expectation-maximisation.

The story, file by file:

`linalg`             the factorisations everything needs
`families`           what EM asks of a covariance family: features, natural parameters, M-step
`matrix_families`    full and tied covariances
`variance_families`  diagonal and spherical ones
`catalogue`          the four, by name
`gaps`               the E-step over rows with missing cells
`sources`            rows laid out for the compiled step, grouped by what they miss
`frame`              centred and scaled coordinates in which EM runs, and the way back
`span`               fewer rows than columns: the few directions in which the fit takes place
`statistics`         expected sums, mergeable
`workers`            work spread over all processors
`estep`              the E-step, compiled for a piece of rows and spread over all
`acceleration`       the loop over rows with missing cells, extrapolated
`em`                 the loop, for several restarts at once
`density`            the log-density in the user's coordinates
`missing`            expectations of missing cells
`starts`             where EM begins
`moves`              merge and split moves out of poor optima
`tournament`         short runs of many starts, and of the best one's moves
`fitting`            a whole fit, from batches of rows to the best restart
`online`             stepwise EM, for batches seen once
`conditioning`       what is left when some columns are known
`fitted`             what can be asked of any fitted mixture
`arguments`          checks of the arrays that estimators are given
`iterated`           what estimators fitted by iterations share
`streaming`          fits to batches of rows
`estimator`          `GaussianMixture`, the scikit-learn face
`priors`             what variational Bayes believes before it sees rows
`bayesian_updates`   its two steps, made of EM's
`bayesian_bound`     its bound on the log evidence
`bayesian_ascent`    its loop
`bayesian_fitting`   its whole fit
`bayesian`           `BayesianGaussianMixture`
`selection`          how many components: `select_components`
`bounds`             the evidence lower bound for any distribution over components: `component_elbo`
`matching`           how far a fitted mixture is from a known one: `match_components`
"""

from densimeter.mixture.bayesian import BayesianGaussianMixture
from densimeter.mixture.bounds import component_elbo, elbo
from densimeter.mixture.conditioning import ConditionalMixtures
from densimeter.mixture.estimator import GaussianMixture
from densimeter.mixture.matching import ComponentMatch, match_components
from densimeter.mixture.selection import ComponentSelection, select_components

__all__ = [
    "BayesianGaussianMixture",
    "ComponentMatch",
    "ComponentSelection",
    "ConditionalMixtures",
    "GaussianMixture",
    "component_elbo",
    "elbo",
    "match_components",
    "select_components",
]
