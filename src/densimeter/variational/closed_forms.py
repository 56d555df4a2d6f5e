"""Divergences of two Gaussians and of two beta distributions, exactly."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.special import betaln, digamma

from densimeter.foundations.errors import SettingError
from densimeter.variational.densities import Beta, Normal


def gaussian_kl(p: Normal, q: Normal) -> float:
    r"""KL(p || q), nats.

    .. math:: \tfrac12 [\mathrm{tr}(\Sigma_q^{-1} \Sigma_p) + \|\mu_q - \mu_p\|^2_{\Sigma_q^{-1}}
        - d - \log |\Sigma_p| + \log |\Sigma_q|]

    Source: Cover and Thomas, "Elements of information theory" (2006), example 9.5.1 and exercise 8.7.
    """
    of_p, of_q = _factor(p), _factor(q)
    ratio = solve_triangular(of_q, of_p, lower=True)
    shift = solve_triangular(of_q, q.mean - p.mean, lower=True)
    # tr(M) - d - log|M| as a sum over the squared singular values s of the ratio: each s - 1 - log s is >= 0
    spectrum = np.linalg.svd(ratio, compute_uv=False) ** 2
    return 0.5 * float((spectrum - 1 - np.log(spectrum)).sum() + shift @ shift)


def gaussian_renyi(p: Normal, q: Normal, alpha: float) -> float:
    r"""Renyi divergence of order alpha, nats; inf where the integral diverges.

    .. math:: \frac\alpha2 \|\mu_p - \mu_q\|^2_{\Sigma^{-1}}
        - \frac{1}{2(\alpha - 1)} \log \frac{|\Sigma|}{|\Sigma_p|^{1-\alpha} |\Sigma_q|^\alpha},
        \qquad \Sigma = \alpha \Sigma_q + (1 - \alpha) \Sigma_p

    Source: Gil, Alajaji and Linder, "Renyi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249 (2013), table 2; the divergence is infinite unless Sigma is
    positive definite.
    """
    of_p, of_q = _factor(p), _factor(q)
    mixed = alpha * q.covariance + (1 - alpha) * p.covariance
    try:
        factor = cholesky(mixed, lower=True)
    except LinAlgError:
        return math.inf
    shift = solve_triangular(factor, p.mean - q.mean, lower=True)
    volume = _log_volume(factor) - (1 - alpha) * _log_volume(of_p) - alpha * _log_volume(of_q)
    return max(0.5 * alpha * float(shift @ shift) - volume / (alpha - 1), 0.0)


def beta_kl(p: Beta, q: Beta) -> float:
    r"""KL(p || q) of beta distributions on one interval, nats.

    .. math:: \log \frac{B(a_q, b_q)}{B(a_p, b_p)} + (a_p - a_q) \psi(a_p) + (b_p - b_q) \psi(b_p)
        + (a_q - a_p + b_q - b_p) \psi(a_p + b_p)

    Source: Gil, Alajaji and Linder (2013), table 1.
    """
    first, second = p.a - q.a, p.b - q.b
    mean_logs = first * digamma(p.a) + second * digamma(p.b) - (first + second) * digamma(p.a + p.b)
    return max(float(betaln(q.a, q.b) - betaln(p.a, p.b) + mean_logs), 0.0)


def beta_renyi(p: Beta, q: Beta, alpha: float) -> float:
    r"""Renyi divergence of order alpha of beta distributions on one interval, nats; inf where it diverges.

    .. math:: \frac{1}{\alpha - 1} \log \frac{B(a_\alpha, b_\alpha)}{B(a_p, b_p)^\alpha
        B(a_q, b_q)^{1 - \alpha}}, \qquad a_\alpha = \alpha a_p + (1 - \alpha) a_q

    Source: Gil, Alajaji and Linder (2013), table 2.
    """
    a, b = alpha * p.a + (1 - alpha) * q.a, alpha * p.b + (1 - alpha) * q.b
    if a <= 0 or b <= 0:
        return math.inf
    log_integral = betaln(a, b) - alpha * betaln(p.a, p.b) - (1 - alpha) * betaln(q.a, q.b)
    return max(float(log_integral / (alpha - 1)), 0.0)


def _factor(normal: Normal) -> np.ndarray:
    try:
        return np.asarray(cholesky(normal.covariance, lower=True))
    except LinAlgError:
        raise SettingError(
            "a covariance is not positive definite", "give Gaussians that have a density"
        ) from None


def _log_volume(factor: np.ndarray) -> float:
    """Half the log determinant of the covariance."""
    return float(np.log(np.diag(factor)).sum())
