"""The slow and obvious twin of the E- and M-step, one row and one component at a time."""

import numpy as np
from scipy.stats import multivariate_normal


def em_step(X, w, weights, means, covariances, floor):
    """One EM step for full covariances and rows with gaps, by the formulas of Ghahramani and Jordan (1994).

    Returns the mean log-likelihood of the old parameters and the new parameters.
    """
    n, d = X.shape
    k = len(means)
    counts, first, second = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
    log_likelihood = 0.0
    for i in range(n):
        o = np.flatnonzero(~np.isnan(X[i]))
        m = np.flatnonzero(np.isnan(X[i]))
        joint = np.array(
            [
                weights[j]
                * multivariate_normal(means[j][o], covariances[j][np.ix_(o, o)], allow_singular=True).pdf(
                    X[i, o]
                )
                for j in range(k)
            ]
        )
        log_likelihood += w[i] * np.log(joint.sum())
        for j in range(k):
            r = w[i] * joint[j] / joint.sum()
            x, extra = X[i].copy(), np.zeros((d, d))
            if len(m):
                slope = covariances[j][np.ix_(m, o)] @ np.linalg.inv(covariances[j][np.ix_(o, o)])
                x[m] = means[j][m] + slope @ (X[i, o] - means[j][o])
                extra[np.ix_(m, m)] = covariances[j][np.ix_(m, m)] - slope @ covariances[j][np.ix_(o, m)]
            counts[j] += r
            first[j] += r * x
            second[j] += r * (np.outer(x, x) + extra)
    new_means = first / counts[:, None]
    new = [second[j] / counts[j] - np.outer(new_means[j], new_means[j]) for j in range(k)]
    return log_likelihood / w.sum(), (counts / counts.sum(), new_means, np.stack(new) + np.diag(floor))


def restrict(family, weights, covariances):
    """Full covariances replaced by the nearest of a family, as its M-step does."""
    d = covariances.shape[-1]
    if family == "tied":
        return np.einsum("k,kij->ij", weights, covariances)
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    return {"full": covariances, "diag": variances, "spherical": variances.sum(1) / d}[family]
