"""Relations between columns; the numbers that made the columns are the reference."""

import numpy as np
import pytest

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
