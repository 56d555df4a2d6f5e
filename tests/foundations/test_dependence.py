"""Relations between columns; the numbers that made the columns are the reference."""

import warnings

import numpy as np
import pandas as pd
import pytest

import densimeter as dm
from densimeter.foundations.dependence import find_relations

A, B, C = np.random.default_rng(0).normal(size=(3, 200)) * [[1.0], [100.0], [1e-3]]

CASES = {
    "twice": ([A, B, A], "c = a in every row"),
    "total": ([A, B, A + B], "c = a + b in every row"),
    "difference": ([A, B, A - B], "c = a - b in every row"),
    "celsius and fahrenheit": ([A, 32 + 1.8 * A], "b = 1.8 a + 32 in every row"),
    "thirds": ([A, B, (A + 2 * B) / 3], "c = 1/3 a + 2/3 b in every row"),
    "small unit": ([A, C, A + C], "c = a + b in every row"),
    "opposite": ([A, -A], "b = -a in every row"),
    "an offset far away": ([A, A + 1e6], "b = a + 1e+06 in every row"),
}


@pytest.mark.parametrize("scale", [1.0, 2.0**300, 2.0**-300])
@pytest.mark.parametrize("case", ["twice", "total", "difference", "opposite"])
def test_relations_are_found_at_every_scale(case, scale):
    columns, told = CASES[case]
    found = find_relations(np.column_stack(columns) * scale)
    assert [one.describe("abc") for one in found] == [told]


@pytest.mark.parametrize("case", CASES)
def test_relations_are_told(case):
    columns, told = CASES[case]
    assert [one.describe("abc") for one in find_relations(np.column_stack(columns))] == [told]


@pytest.mark.parametrize("decimals", [2, 3, 6])
def test_shares_that_add_to_one_within_rounding(decimals):
    shares = np.random.default_rng(1).dirichlet([4, 3, 2, 1], size=300).round(decimals)
    (found,) = find_relations(shares)
    assert found.describe("abcd") == "d = -a - b - c + 1 in every row, within rounding"


@pytest.mark.parametrize("seed", range(20))
def test_no_false_alarm(seed):
    generator = np.random.default_rng(seed)
    base = generator.normal(size=(60, 5))
    near = base[:, :1] + 1e-6 * generator.normal(size=(60, 1))  # narrow, yet a density
    counts = generator.poisson([1, 5, 50], size=(60, 3))
    rounded = base.round(1)
    for rows in (
        np.column_stack([base, near]),
        counts.astype(float),
        rounded,
        base[:8],
        np.repeat(base[:2], 30, axis=0),
    ):
        assert find_relations(rows) == []


def test_wide_tables_tell_each_relation():
    rows = np.random.default_rng(2).normal(size=(2000, 58))
    rows = np.column_stack([rows, rows[:, 3] + rows[:, 50], rows[:, 7] * 2])
    names = [f"x{j}" for j in range(60)]
    assert [one.describe(names) for one in find_relations(rows)] == [
        "x58 = x3 + x50 in every row",
        "x59 = 2 x7 in every row",
    ]


# What estimators say

ESTIMATORS = {
    "mixture": lambda: dm.GaussianMixture(1),
    "bayesian": lambda: dm.BayesianGaussianMixture(n_components=1),
    "kernel": lambda: dm.KernelDensity(bandwidth=0.5),
    "energy": lambda: dm.EnergyModel(
        base="gaussian", hidden=[2], n_frequencies=0, max_steps=1, n_proposals=64, random_state=0
    ),
}


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return ESTIMATORS[request.param]()


def heard(fit, *given, **more):
    """What `fit` says with a `DensimeterWarning` of relations."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(*given, **more)
    return [one for one in caught if "in every row" in str(one.message)]


def test_estimators_tell_a_relation_once_by_the_places_of_columns(estimator):
    (one,) = heard(estimator.fit, np.column_stack([A, C, A + C]))
    assert issubclass(one.category, dm.DensimeterWarning)
    assert str(one.message) == (
        "column 2 = column 0 + column 1 in every row: there is no density\n"
        "leave out columns that others determine"
    )
    assert one.filename == __file__


def test_estimators_tell_a_relation_by_the_names_of_a_frame():
    frame = pd.DataFrame({"rent": A, "food": B, "spent": A + B, "twice": 2 * A})
    (one,) = heard(dm.GaussianMixture(1).fit, frame)
    assert str(one.message).startswith(
        "spent = rent + food in every row, and 1 more relation: there is no density\n"
    )


@pytest.mark.parametrize(
    "rows",
    [
        np.column_stack([A, B, A + B + C]),
        np.column_stack([A, B, A + B])[:12],
        np.random.default_rng(0).normal(size=(10, 30)),
        np.column_stack([A]),
        np.column_stack([A, np.full_like(A, 0.1)]),
    ],
    ids=["noisy", "few rows", "wide", "alone", "constant"],
)
def test_estimators_are_silent_without_a_relation(rows):
    assert heard(dm.KernelDensity(bandwidth=0.5).fit, rows) == []


def test_a_relation_that_one_row_of_many_breaks_is_none():
    a, b = np.random.default_rng(0).normal(size=(2, 50_000))
    rows = np.column_stack([a, b, a + b])
    assert len(heard(dm.GaussianMixture(1).fit, rows)) == 1
    rows[12_347, 2] += 1  # not among the rows of the first glance
    assert heard(dm.GaussianMixture(1).fit, rows) == []


def test_rows_with_missing_cells_and_of_weight_zero_are_not_looked_at():
    rows = np.column_stack([A, B, A + B])
    rows[3, 2], rows[5, 2] = np.nan, 7.0
    weights = np.where(np.arange(len(A)) == 5, 0.0, 1.0)
    assert len(heard(dm.GaussianMixture(1).fit, rows, sample_weight=weights)) == 1
    assert heard(dm.GaussianMixture(1).fit, rows) == []


def test_partial_fits_and_choices_of_components_say_nothing():
    rows = np.column_stack([A, C, A + C])
    assert heard(dm.GaussianMixture(1).partial_fit, rows) == []
    assert heard(dm.KernelDensity(bandwidth=0.5).partial_fit, rows) == []
    assert heard(dm.mixture.select_components, rows, 2, random_state=0) == []


def test_long_relations_are_cut():
    parts = np.random.default_rng(0).normal(size=(12, 100))
    (found,) = find_relations(np.column_stack([*parts, parts.sum(axis=0)]))
    assert found.describe("abcdefghijklm") == "m = a + b + c + d + e + f + g + h + 4 more terms in every row"


def test_relations_among_many_columns_of_whole_numbers_end_soon():
    rows = np.random.default_rng(0).poisson(3, size=(2000, 300)).astype(float)
    rows[:, 299] = rows[:, :299].sum(axis=1)
    (found,) = find_relations(rows)
    assert found.column == 299
    assert set(found.coefficients.values()) == {1.0}
