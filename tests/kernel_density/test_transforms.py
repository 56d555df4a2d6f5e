"""Both kinds of transform against the sums they stand for, written out."""

from __future__ import annotations

import numpy as np
import pytest

from densimeter.kernel_density.accuracy import FINE
from densimeter.kernel_density.transforms import (
    FinufftTransform,
    TaylorTransform,
    transform_at,
)


def frequencies(n_modes):
    return np.arange(-(n_modes // 2), n_modes // 2 + 1)


def angles_with_the_ends(n_points, seed=0):
    angles = np.random.default_rng(seed).uniform(-np.pi, np.pi, n_points)
    angles[:4] = [-np.pi, np.pi, 0.0, np.nextafter(np.pi, 0)]
    return angles


TRANSFORMS = {
    "taylor": TaylorTransform,
    "finufft": lambda angles, n_modes: FinufftTransform([angles], (n_modes,)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize(("n_points", "n_modes"), [(4, 3), (50, 11), (500, 301), (20_000, 101)])
def test_both_types_are_the_sums_written_out(name, n_points, n_modes):
    angles, k = angles_with_the_ends(n_points), frequencies(n_modes)
    weights = np.random.default_rng(1).random(n_points)
    weights /= weights.sum()
    waves = np.exp(1j * np.outer(k, angles))
    transform = TRANSFORMS[name](angles, n_modes)
    coefficients = transform.coefficients(weights)
    assert np.abs(coefficients - waves @ weights).max() < FINE.transform_error
    dampings = [np.exp(-0.5 * (k * width) ** 2) for width in (0.1, 0.2, 0.5)]
    dampings = [damping / damping.sum() for damping in dampings]
    for damping, sums in zip(dampings, transform.sums(coefficients, dampings), strict=True):
        expected = ((coefficients * damping) @ np.conj(waves)).real
        assert np.abs(sums - expected).max() < FINE.transform_error


def test_no_single_point_breaks_the_bound_of_the_taylor_series():
    # linear in the weights: what holds for each point holds for all sets of them
    k = frequencies(201)
    for angle in np.concatenate([angles_with_the_ends(40), np.linspace(-0.01, 0.01, 41)]):
        found = TaylorTransform(np.array([angle]), 201).coefficients(np.ones(1))
        assert np.abs(found - np.exp(1j * k * angle)).max() < FINE.transform_error / 2


def test_the_taylor_series_is_for_many_points_in_one_column():
    angles = angles_with_the_ends(1000)
    assert isinstance(transform_at([angles], (101,)), TaylorTransform)
    assert isinstance(transform_at([angles], (1001,)), FinufftTransform)
    assert isinstance(transform_at([angles, angles], (11, 11)), FinufftTransform)
