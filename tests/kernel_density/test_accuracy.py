"""The search for the worst single row. The error is linear in the weights: no set of rows is worse."""

from __future__ import annotations

import numpy as np
import pytest

from densimeter.kernel_density import transforms
from densimeter.kernel_density.accuracy import FINE, LEAN
from densimeter.kernel_density.fourier import FourierBox, FourierSummary
from densimeter.kernel_density.scans import WIDEST_GROUP

WIDTHS = (1.0, 1.3, WIDEST_GROUP)
SEARCHES = {
    "finufft": [(1, 3.0, 20), (1, 3000.0, 5), (2, 5.0, 10), (2, 60.0, 3), (3, 3.0, 2)],
    "the faster": [(1, 3.0, 20), (1, 3000.0, 5)],  # in one column many points go to the Taylor series
}


def errors_of_single_rows(box, extent, n_rows):
    """The largest error for each of `n_rows` random rows and each width, at 3000 queries around the row."""
    rng = np.random.default_rng(0)
    n_features = len(box.n_modes)
    for _ in range(n_rows):
        row = rng.uniform(-extent, extent, size=(1, n_features))
        queries = np.concatenate([row, row + rng.normal(size=(3000, n_features)) * 4])
        queries = np.clip(queries, -box.query_extent, box.query_extent)
        sums = FourierSummary.of(box, row, np.ones(1)).sums(queries, WIDTHS)
        squared = ((queries - row) ** 2).sum(axis=1)
        for width, found in zip(WIDTHS, sums, strict=True):
            yield np.abs(found - np.exp(-0.5 * squared / width**2)).max()


@pytest.mark.parametrize("margin", [0.0, 3.0])
@pytest.mark.parametrize("accuracy", [FINE, LEAN], ids=["fine", "lean"])
@pytest.mark.parametrize(("way", "search"), [(way, search) for way in SEARCHES for search in SEARCHES[way]])
def test_no_single_row_breaks_the_bound(way, search, accuracy, margin, monkeypatch):
    n_features, extent, n_rows = search
    if way == "finufft":
        monkeypatch.setattr(transforms, "POINTS_PER_MODE", np.inf)
    box = FourierBox.around(np.full(n_features, extent), max(WIDTHS), accuracy, margin)
    worst = max(errors_of_single_rows(box, extent, n_rows))
    assert worst < box.accuracy.absolute_error(box.row_extent, 1)


@pytest.mark.parametrize("accuracy", [FINE, LEAN], ids=["fine", "lean"])
def test_the_transforms_have_a_factor_to_spare(accuracy):
    box = FourierBox.around(np.full(2, 10.0), max(WIDTHS), accuracy, 0.0)
    assert max(errors_of_single_rows(box, 10.0, 10)) < accuracy.transform_error / 2


def test_the_lean_series_needs_less_than_half_of_the_grid():
    boxes = [FourierBox.around(np.full(2, 50.0), accuracy=accuracy) for accuracy in (FINE, LEAN)]
    fine, lean = (box.n_coefficients * box.accuracy.upsampling**2 for box in boxes)
    assert lean < fine / 2
