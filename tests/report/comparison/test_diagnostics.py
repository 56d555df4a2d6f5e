"""The sections on diagnostics, made from real ones."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from densimeter.evaluation.diagnostics import NotAvailable, diagnose, separating_rows, unexplained_rows
from densimeter.report.charts.palette import Palette
from densimeter.report.comparison.columns import columns
from densimeter.report.comparison.fit import fit
from densimeter.report.comparison.single_rows import single_rows


@pytest.fixture(scope="module")
def diagnostics(five):
    rows, numbers = five.held_out.rows, five.held_out.numbers
    first, second = five.models
    return SimpleNamespace(
        separated=(first.name, second.name),
        separating=separating_rows(first.scores, second.scores, numbers, n_rows=3),
        unexplained=unexplained_rows({model.name: model.scores for model in five.models}, numbers, n_rows=4),
        models={
            model.name: diagnose(
                model.estimator, rows, model.scores, five.data.columns, n_draws=500, random_state=0
            )
            for model in five.models
        },
    )


@pytest.fixture
def palette(five):
    return Palette.of([model.name for model in five.models])


def test_rows_are_named_by_their_place_in_the_source_with_their_values(five, diagnostics):
    separating, unexplained = single_rows(five, diagnostics).tables
    assert [row[0].number for row in separating.rows] == [row.index for row in diagnostics.separating]
    lowest = diagnostics.unexplained[0]
    assert unexplained.rows[0][0].text == f"{lowest.index:,}"
    values = [cell.number for cell in unexplained.rows[0][3:]]
    assert values == five.held_out.rows[lowest.position].tolist()


def test_one_model_is_separated_from_none(five, diagnostics):
    alone = SimpleNamespace(separated=(), separating=(), unexplained=diagnostics.unexplained)
    (table,) = single_rows(five, alone).tables
    assert "no model explains" in table.caption
    assert single_rows(five, SimpleNamespace(separated=(), separating=(), unexplained=())) is None


def test_each_column_has_its_marginal_its_calibration_and_its_distances(five, diagnostics, palette):
    section = columns(diagnostics, palette)
    assert len(section.charts) == 2 * len(five.data.columns)
    (table,) = section.tables
    assert [row[0].text for row in table.rows] == list(five.data.columns)
    for place, model in enumerate(five.models, 1):
        told = [row[place].number for row in table.rows]
        assert told == [fitted.distance for fitted in diagnostics.models[model.name].marginals]


def test_coverage_samples_and_tails_of_every_model_are_told(five, diagnostics, palette):
    section = fit(five, diagnostics, palette)
    curves = section.charts[0].spec["datasets"]["curves"]
    assert [curve["name"] for curve in curves] == [model.name for model in five.models]
    two_samples, tails = section.tables
    assert [row[0].model for row in two_samples.rows] == [model.name for model in five.models]
    assert [row[0].model for row in tails.rows] == [model.name for model in five.models]


def test_a_model_without_samples_is_told_apart_with_the_reason(five, diagnostics, palette):
    no = NotAvailable("the model cannot be sampled")
    first, second = five.models
    silent = replace(diagnostics.models[first.name], columns=no, coverage=no, marginals=no, two_sample=no)
    only = SimpleNamespace(models={first.name: silent, second.name: diagnostics.models[second.name]})
    section = fit(five, only, palette)
    assert (
        f"{first.name} could not be held against its own samples: the model cannot be sampled."
        in section.words
    )
    assert len(section.tables[0].rows) == 1
    nobody = SimpleNamespace(models={first.name: silent})
    assert columns(nobody, palette) is None
    assert fit(five, nobody, palette).charts == []
