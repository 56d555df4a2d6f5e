"""The whole job on models that are cheap or exactly known."""

import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.signal import lfilter
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import densimeter as dm
from densimeter.evaluation.comparison import compare
from densimeter.evaluation.results import Unranked
from densimeter.foundations.errors import DataError, DensimeterWarning, FitError, SettingError
from densimeter.report.wording import describe_heavy_tails, describe_verdict


class Known(DensityMixin, BaseEstimator):
    """A normal density with a fixed mean: what it scores can be worked out by hand."""

    def __init__(self, mean=0.0):
        self.mean = mean

    def fit(self, X, y=None):
        self.rows_seen_ = np.array(X)
        return self

    def score_samples(self, X):
        return -((np.asarray(X) - self.mean) ** 2).sum(axis=1) / 2 - X.shape[1] * np.log(2 * np.pi) / 2


class Remembering(Known):
    """The rows it was asked to score."""

    calls: list = []  # noqa: RUF012

    def score_samples(self, X):
        self.calls.append(np.array(X))
        return super().score_samples(X)


class WithLogZ(Known):
    @property
    def log_normalizer_(self):
        return dm.Estimate(0.0, -0.5, 0.5, 0.999, "made up")


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(400, 2))


def test_ranks_best_first_and_pairs_the_differences(rows):
    result = compare(rows, {"far": Known(2.0), "right": Known(0.0)}, random_state=1)
    assert [model.name for model in result.models] == ["right", "far"]
    right, far = result.models
    assert right.difference_to_best == dm.Estimate.exact(0.0, "the best itself")
    assert far.difference_to_best.value == pytest.approx((far.scores - right.scores).mean())
    unpaired = np.hypot(far.log_likelihood.half_width, right.log_likelihood.half_width)
    assert far.difference_to_best.half_width != pytest.approx(unpaired, rel=1e-3)


def test_test_rows_are_scored_once_and_never_fitted(rows):
    Remembering.calls = []
    result = compare(rows, {"one": Remembering()}, test_fraction=0.25, random_state=0)
    tested = {tuple(row) for row in result.held_out.rows}
    fitted = {tuple(row) for row in result.best.estimator.rows_seen_}
    assert len(tested) == 100
    assert not tested & fitted
    # the check of the claim to be a density scores rows, too: none of these is a test row
    assert sum(not tested.isdisjoint(map(tuple, call)) for call in Remembering.calls) == 1


def test_shapes_of_the_json_and_of_the_frame(rows):
    result = compare(rows, {"a": Known(), "b": Known(1.0)}, random_state=0)
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert set(data) == {"data", "models", "oracle", "indistinguishable", "unranked", "effective_rows"}
    for model in data["models"]:
        assert set(model["log_likelihood"]) == {"value", "lower", "upper", "confidence", "method"}
        assert {"name", "log_likelihood", "difference_to_best", "fit_seconds", "settings"} <= set(model)
    assert data["oracle"] is None
    frame = result.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.index) == ["a", "b"]
    assert (frame["lower"] < frame["log_likelihood"]).all()


def test_oracle_and_gaps(rows):
    class Truth:
        def log_prob(self, X):
            return Known().score_samples(np.asarray(X))

    result = compare(rows, {"right": Known(), "far": Known(1.0)}, density=Truth(), random_state=0)
    assert result.oracle is not None
    assert result.oracle.value == pytest.approx(result.best.log_likelihood.value)
    assert result.best.gap_to_oracle.value == pytest.approx(0.0)
    assert result.models[1].gap_to_oracle.lower > 0


def test_uncertainty_of_log_z_enters_every_interval(rows):
    sure = compare(rows, {"a": Known(), "b": Known(0.1)}, random_state=0)
    unsure = compare(rows, {"a": WithLogZ(), "b": Known(0.1)}, random_state=0)
    for one, other in zip(sure.models, unsure.models, strict=True):
        if other.name == "a":
            assert other.log_likelihood.half_width > one.log_likelihood.half_width + 0.4
    assert unsure.models[1].difference_to_best.half_width > 0.5


def test_same_seed_same_result(rows):
    first = compare(rows, ["kernel"], random_state=5)
    second = compare(rows, ["kernel"], random_state=5)
    assert first.best.log_likelihood == second.best.log_likelihood
    assert first.best.settings == second.best.settings
    assert compare(rows, ["kernel"], random_state=6).best.log_likelihood != first.best.log_likelihood


@pytest.mark.parametrize("models", [[], "kernel", ["kernel", "kernel"], ["kernle"], {"x": object()}])
def test_wrong_models_are_refused(rows, models):
    with pytest.raises(SettingError):
        compare(rows, models)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_wrong_confidence_is_refused(rows, confidence):
    with pytest.raises(SettingError, match="confidence"):
        compare(rows, {"a": Known()}, confidence=confidence)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_log_densities_are_refused(rows, bad):
    class Broken(Known):
        def score_samples(self, X):
            return np.full(len(X), bad)

    with pytest.raises(FitError, match="no log-densities"):
        compare(rows, {"broken": Broken()}, random_state=0)


def test_a_model_that_excludes_a_row_comes_last_and_its_mean_is_no_number(rows):
    class Excluding(Known):
        def score_samples(self, X):
            scores = super().score_samples(X)
            scores[0] = -np.inf
            return scores

    result = compare(rows, {"excluding": Excluding(), "far": Known(3.0)}, random_state=0)
    assert [model.name for model in result.models] == ["far", "excluding"]
    assert result.models[1].log_likelihood.value == -np.inf
    json.dumps(result.to_dict(), allow_nan=False)


def test_rounded_columns_are_warned_of(rows):
    with pytest.warns(DensimeterWarning, match="lattice"):
        result = compare(np.round(rows, 1), {"a": Known()}, random_state=0)
    assert any("lattice" in note.text for note in result.data.notes)


def test_dequantised_columns_are_told(rows):
    result = compare(np.round(rows, 1), {"a": Known()}, dequantize=True, random_state=0)
    assert any("dequantised" in note.text for note in result.data.notes)


def test_duplicates_across_the_splits_are_left_out_and_said(rows):
    rows = np.concatenate([rows, rows[:100]])
    result = compare(rows, {"a": Known()}, test_fraction=0.2, random_state=0)
    assert result.data.n_train + result.data.n_validation + result.data.n_test < 500
    assert any("equal rows cannot be chance" in note.text for note in result.data.notes)


def test_equal_rows_of_counts_are_kept_unless_told_otherwise():
    """As many doctor visits and illnesses as in a survey: nearly every row equals another."""
    counts = np.random.default_rng(0).poisson([0.3, 1.4], size=(2000, 2)).astype(float)
    with pytest.warns(DensimeterWarning, match="lattice"):
        kept = compare(counts, {"a": Known()}, random_state=0)
    assert (kept.data.n_test, kept.data.protocol.duplicates) == (400, "keep")
    assert any("equal another and were kept" in note.text for note in kept.data.notes)
    with pytest.raises(DataError, match="duplicates left out"):
        compare(counts, {"a": Known()}, duplicates="drop", random_state=0)
    with pytest.raises(DataError, match="3 different rows among 2,000"):
        compare(np.minimum(counts[:, :1], 2), {"a": Known()}, random_state=0)


def test_equal_rows_that_cannot_be_chance_are_kept_where_the_user_says_so(rows):
    rows = np.concatenate([rows, rows[:100]])
    kept = compare(rows, {"a": Known()}, duplicates="keep", random_state=0)
    assert (kept.data.n_test, kept.data.notes) == (500, ())
    with pytest.raises(SettingError, match="duplicates"):
        compare(rows, {"a": Known()}, duplicates="maybe")


def test_nan_cells_are_refused_by_name(rows):
    rows[3, 1] = np.nan
    with pytest.raises(DataError, match="'x1' has 1 missing"):
        compare(rows, {"a": Known()})
    assert compare(rows, {"a": Known()}, missing="drop", random_state=0).data.n_test > 0


def test_html_escapes_names(rows):
    html = compare(rows, {"<b>": Known()}, source="<script>", random_state=0)._repr_html_()
    assert "<script>" not in html
    assert "&lt;b&gt;" in html


def test_plot_draws_every_model(rows):
    figure = compare(rows, {"a": Known(), "b": Known(1.0)}, random_state=0).plot()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["a", "b"]


def test_progress_never_goes_back_and_ends_full(rows):
    seen = []
    compare(
        rows,
        {"a": Known(), "b": Known(1.0)},
        random_state=0,
        progress=lambda done, total, message="": seen.append(done / total),
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.slow
def test_the_yardstick():
    """Ring, K=10, radius 10, 1,000 training rows: the figures of the study, and no model above the oracle."""
    ring = dm.datasets.RingOfGaussians(10, 10.0)
    result = compare(ring.sample(12_500, random_state=0), test_fraction=0.9, density=ring, random_state=0)
    score = {model.name: model.log_likelihood.value for model in result.models}
    assert result.oracle.value == pytest.approx(-5.13, abs=0.03)
    assert score["mixture"] > -5.18
    assert score["kernel"] == pytest.approx(-5.20, abs=0.03)
    assert score["energy"] > -5.19
    assert score["energy"] > score["kernel"]
    assert all(model.gap_to_oracle.upper > 0 for model in result.models)


def test_what_models_say_in_fitting_becomes_sentences(rows):
    class Talking(Known):
        def fit(self, X, y=None):
            warnings.warn(DensimeterWarning("of 1024 draws 5 counted", "use base='mixture'"), stacklevel=1)
            warnings.warn(UserWarning("two", "things"), stacklevel=1)
            return super().fit(X)

    notes = compare(rows, {"talking": Talking()}, random_state=0).data.notes
    assert [note.text for note in notes] == [
        "talking: of 1024 draws 5 counted; use base='mixture'",
        "talking: two",
    ]


def test_a_model_that_fails_stands_apart_with_its_reason(rows):
    class Broken(Known):
        def fit(self, X, y=None):
            raise RuntimeError("no\nluck")

    result = compare(rows, {"broken": Broken(), "a": Known()}, random_state=0)
    assert [model.name for model in result.models] == ["a"]
    assert result.unranked == (Unranked("broken", "RuntimeError: no"),)
    with pytest.raises(FitError, match="no model is left: one: RuntimeError: no; two: RuntimeError: no"):
        compare(rows, {"one": Broken(), "two": Broken()}, random_state=0)


def test_scores_that_are_no_density_stand_apart(rows):
    class Unnormalised(Known):
        def score_samples(self, X):
            return super().score_samples(X) + 2

    result = compare(rows, {"boast": Unnormalised(), "modest": Known()}, random_state=0)
    assert [model.name for model in result.models] == ["modest"]
    assert result.unranked[0].name == "boast"
    assert "not a density" in result.unranked[0].reason
    with pytest.raises(FitError, match="boast: not a density"):
        compare(rows, {"boast": Unnormalised()}, random_state=0)


def test_steps_of_a_pipeline_are_counted(rows):
    scaled = make_pipeline(StandardScaler(), Known())
    result = compare(100 * rows, {"pipeline": scaled}, random_state=0)
    assert result.best.log_likelihood.value == pytest.approx(-2.84 - 2 * np.log(100), abs=0.2)


def test_a_mean_that_hangs_on_few_rows_has_a_robust_one_beside_it():
    rows = np.random.default_rng(0).standard_t(2, size=(4000, 2))
    result = compare(rows, {"normal": Known()}, random_state=0)
    tail = result.best.tail
    assert tail.heavy
    assert tail.trimmed_mean.half_width < result.best.log_likelihood.half_width
    (line,) = describe_heavy_tails(result)
    assert line.startswith("normal: the lower tail")
    assert line in result._repr_html_()
    light = compare(np.random.default_rng(1).normal(size=(4000, 2)), {"normal": Known()}, random_state=0)
    assert describe_heavy_tails(light) == []


def test_scipys_families_join_by_name(rows):
    result = compare(rows, ["scipy:norm", "scipy:laplace"], random_state=0)
    assert [model.name for model in result.models] == ["scipy:norm", "scipy:laplace"]
    with pytest.raises(SettingError, match="no variant 'nrom'"):
        compare(rows, ["scipy:nrom"])


def test_a_family_goes_by_the_name_that_it_is_given(rows):
    assert compare(rows, {"mine": "kernel"}, random_state=0).best.name == "mine"


def test_diagnostics_name_rows_of_the_source(rows):
    rows[17] = [40.0, 40.0]
    result = compare(rows, {"a": Known(), "b": Known(0.5)}, test_fraction=0.9, random_state=0)
    found = result.diagnose()
    assert found.unexplained[0].index == 17
    assert found.separating[0].index == 17
    assert found.separated == ("a", "b")
    assert set(json.loads(json.dumps(found.to_dict(), allow_nan=False))["models"]) == {"a", "b"}


def test_models_that_cannot_be_told_apart_are_named(rows):
    models = {"a": Known(0.0), "b": Known(0.001), "far": Known(3.0)}
    result = compare(rows, models, random_state=0)
    assert [set(run) for run in result.indistinguishable] == [{"a", "b"}]
    assert result.best.p_value is None
    near, far = result.models[1:]
    assert near.p_value > 0.05 > far.p_value


def test_repeated_splits_have_the_corrected_interval(rows):
    once = compare(rows, {"a": Known(), "b": Known(0.3)}, test_fraction=0.2, random_state=0)
    result = compare(rows, {"a": Known(), "b": Known(0.3)}, repeats=6, random_state=0)
    model = result.models[1]
    assert len(model.repeated) == 6
    assert model.log_likelihood.value == pytest.approx(np.mean(model.repeated))
    assert model.log_likelihood.method == "corrected resampled t"
    share = result.data.n_test / (result.data.n_train + result.data.n_validation)
    gaps = np.subtract(model.repeated, result.best.repeated)
    half = stats.t.ppf(0.975, 5) * np.sqrt((1 / 6 + share) * np.var(gaps, ddof=1))
    assert model.difference_to_best.half_width == pytest.approx(half)
    assert len(set(model.repeated)) == 6
    assert once.models[1].repeated == ()


def test_bootstrap_intervals(rows):
    models = {"a": Known(), "b": Known(0.3)}
    result = compare(rows, models, interval="bca", test_fraction=0.2, random_state=0)
    assert {model.log_likelihood.method for model in result.models} == {"BCa bootstrap"}
    low, high = result.best.log_likelihood.lower, result.best.log_likelihood.upper
    theirs = stats.bootstrap((result.best.scores,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    np.testing.assert_allclose([low, high], theirs, atol=0.03 * (high - low))


@pytest.mark.parametrize("family", ["mixture", "kernel"])
def test_cross_validated_settings_and_a_fit_on_all_rows_but_the_test(rows, family):
    result = compare(rows, [family], folds=3, random_state=0)
    assert result.data.protocol.folds == 3
    if family == "kernel":
        assert len(result.best.settings["bandwidth"]) == 2
    assert result.best.log_likelihood.value == pytest.approx(-2.84, abs=0.25)


@pytest.mark.parametrize("folds", [None, 3])
def test_a_kernel_lies_along_the_covariance_of_columns_that_hang_together(folds):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(600, 2)) @ [[1.0, 0.98], [0.0, 0.05]]
    result = compare(rows, ["kernel"], folds=folds, random_state=0)
    assert result.best.settings["shape"] == "along the covariance"
    assert np.shape(result.best.estimator.bandwidth_) == (2, 2)
    truth = stats.multivariate_normal(cov=np.cov(rows.T)).logpdf(result.held_out.rows).mean()
    assert truth - result.best.log_likelihood.value < 0.15
    scan = result.best.scan
    assert max(scan.scores) == pytest.approx(result.best.log_likelihood.value, abs=0.4)


def test_an_estimator_sees_validation_rows_only_when_settings_are_cross_validated(rows):
    one = compare(rows, {"a": Known()}, random_state=0).best.estimator
    other = compare(rows, {"a": Known()}, folds=4, random_state=0).best.estimator
    assert (len(one.rows_seen_), len(other.rows_seen_)) == (256, 320)


def test_groups_and_time_are_respected(rows):
    frame = pd.DataFrame(rows, columns=["x", "y"])
    frame["who"] = np.arange(400) // 10
    by_group = compare(frame, {"a": Known()}, group="who", random_state=0)
    assert by_group.data.columns == ("x", "y")
    held_out = set(by_group.held_out.numbers // 10)
    assert len(held_out) * 10 == len(by_group.held_out.numbers)
    frame["when"] = np.arange(400)[::-1]
    by_time = compare(frame.drop(columns="who"), {"a": Known()}, time="when", random_state=0)
    np.testing.assert_array_equal(np.sort(by_time.held_out.numbers), np.arange(80))
    np.testing.assert_array_equal(by_time.held_out.rows, rows[by_time.held_out.numbers])


@pytest.mark.parametrize(
    "wrong", [{"folds": 1}, {"repeats": 0}, {"interval": "bca?"}, {"repeats": 2, "time": "x0"}]
)
def test_protocols_without_sense_are_refused(rows, wrong):
    with pytest.raises(SettingError):
        compare(rows, {"a": Known()}, **wrong)


@pytest.mark.parametrize("folds", [None, 3])
def test_what_was_tried_for_a_setting_is_kept(folds):
    X, _ = dm.datasets.make_ring(400, n_components=3, random_state=0)
    found = compare(X, models=["mixture", "kernel"], folds=folds, test_fraction=0.2, random_state=0)
    for model in found.models:
        scan = model.scan
        assert scan.chosen == scan.tried[int(np.argmax(scan.scores))]
        assert list(scan.tried) == sorted(scan.tried)
        # held-out rows of the same table: the best of the scan comes near the test score, in the same unit
        assert max(scan.scores) == pytest.approx(model.log_likelihood.value, abs=0.3)


def test_rows_of_a_small_table_are_test_rows_once(rows):
    Remembering.calls = []
    result = compare(rows, {"one": Remembering(), "off": Known(0.4)}, random_state=0)
    assert result.data.protocol.test_folds == 5
    np.testing.assert_array_equal(np.sort(result.held_out.numbers), np.arange(400))
    np.testing.assert_array_equal(result.held_out.rows, rows[result.held_out.numbers])
    np.testing.assert_allclose(result.models[0].scores, Known().score_samples(result.held_out.rows))
    tested = [call for call in Remembering.calls if len(call) == 80 and call[0] in rows]
    assert len({tuple(row) for call in tested for row in call}) == 400
    unseen = {tuple(row) for row in result.held_out.rows[result.held_out.first]}
    assert len(unseen) == 80
    assert not unseen & {tuple(row) for row in result.best.estimator.rows_seen_}


def test_the_interval_of_folds_is_corrected_for_what_they_share(rows):
    """Nadeau and Bengio's factor, 1/5 + 80/320 in place of 1/5, on the variance of a fold's mean."""
    result = compare(rows, {"a": Known(), "b": Known(0.3)}, random_state=0)
    gaps = result.models[1].scores - result.models[0].scores
    error = np.sqrt((1 / 5 + 80 / 320) * gaps.var(ddof=1) / 80)
    difference = result.models[1].difference_to_best
    assert difference.value == pytest.approx(gaps.mean())
    assert difference.half_width == pytest.approx(stats.t.ppf(0.975, 399) * error)
    p_value = 2 * stats.t.sf(abs(gaps.mean()) / error, 399)
    assert result.models[1].p_value == pytest.approx(p_value)
    assert result.effective_rows == pytest.approx(400 / 2.25)


@pytest.mark.parametrize(
    "options", [{"test_fraction": 0.2}, {"repeats": 2}, {"time": "when"}], ids=["fraction", "repeats", "time"]
)
def test_who_asks_for_another_protocol_gets_it(rows, options):
    frame = pd.DataFrame(rows, columns=["x", "y"])
    frame["when"] = np.arange(400)
    result = compare(frame, {"a": Known()}, columns=["x", "y"], random_state=0, **options)
    assert result.data.protocol.test_folds is None
    assert result.data.n_test == 80


def test_few_test_rows_give_no_verdict():
    rows = np.random.default_rng(0).normal(size=(60, 1))
    result = compare(rows, {"right": Known(), "far": Known(3.0)}, random_state=0)
    assert result.effective_rows == pytest.approx(60 / 2.25)
    assert describe_verdict(result) == (
        "Too few rows to tell: the 60 test rows are worth 27 independent ones, and a verdict needs 30."
    )
    more = compare(np.random.default_rng(0).normal(size=(70, 1)), {"right": Known(), "far": Known(3.0)})
    assert describe_verdict(more).startswith("Believe right")
    assert describe_verdict(compare(rows, {"right": Known()})) == "right is the only model ranked."


def test_rows_that_hang_together_widen_every_interval_and_p_value():
    generator = np.random.default_rng(1)
    storms = np.repeat(np.arange(60), 10)
    frame = pd.DataFrame({"x": generator.normal(size=60)[storms] + 0.1 * generator.normal(size=600)})
    frame["storm"] = storms
    models = {"a": Known(), "b": Known(0.3)}
    with pytest.warns(DensimeterWarning, match="score alike .* say so with --group or --time"):
        alone = compare(frame, models, columns=["x"], random_state=0)
    grouped = compare(frame, models, group="storm", random_state=0)
    for model in grouped.models:
        one = next(other for other in alone.models if other.name == model.name)
        assert model.log_likelihood.half_width > 2 * one.log_likelihood.half_width
    assert grouped.models[1].difference_to_best.half_width > 2 * alone.models[1].difference_to_best.half_width
    assert grouped.models[1].p_value > alone.models[1].p_value
    assert "cluster-robust" in grouped.best.log_likelihood.method
    assert grouped.effective_rows < 60
    resampled = compare(frame, models, group="storm", interval="bca", random_state=0)
    assert resampled.best.log_likelihood.half_width == pytest.approx(
        grouped.best.log_likelihood.half_width, rel=0.3
    )


def test_series_have_intervals_robust_to_autocorrelation():
    series = lfilter([1.0], [1.0, -0.9], np.random.default_rng(2).normal(size=1500)) / 2
    frame = pd.DataFrame({"x": series, "month": np.arange(1500)})
    plain = compare(frame, {"a": Known()}, columns=["x"], test_fraction=0.2, source="x", random_state=0)
    in_time = compare(frame, {"a": Known()}, time="month", random_state=0)
    assert "autocorrelation-robust" in in_time.best.log_likelihood.method
    assert in_time.best.log_likelihood.half_width > 2 * plain.best.log_likelihood.half_width
    assert any("score alike" in note.text for note in plain.data.notes)
    with pytest.raises(SettingError, match="bootstrap"):
        compare(frame, {"a": Known()}, time="month", interval="bca")
