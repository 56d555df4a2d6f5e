import numpy as np
import pytest

import densimeter as dm
from densimeter.evaluation.families.contract import FittedFamily
from densimeter.evaluation.families.energy import EnergyFamily
from densimeter.evaluation.intervals import mean_interval
from densimeter.evaluation.single import fit_one
from densimeter.foundations.errors import DataError, FitError, SettingError

X, _ = dm.datasets.make_ring(300, n_components=3, random_state=0)


def test_the_mixture_is_fitted_to_all_rows_with_the_components_chosen():
    found = fit_one(X, "mixture", random_state=0)
    assert found.settings["components"] == found.estimator.n_components == 3
    assert (found.n_train, found.n_validation, found.n_rows) == (240, 60, 300)
    # at the optimum of EM for all rows, the mean of the mixture is that of all rows
    mean = found.estimator.weights_ @ found.estimator.means_
    np.testing.assert_allclose(mean, X.mean(axis=0), atol=0.05)


def test_the_kernel_estimate_keeps_all_rows_and_the_bandwidth_chosen():
    found = fit_one(X, "kernel", random_state=0)
    assert found.n_rows == 300
    np.testing.assert_array_equal(found.estimator.bandwidth_, found.settings["bandwidth"])
    again = dm.KernelDensity(found.settings["bandwidth"]).fit(X)
    np.testing.assert_array_equal(found.estimator.score_samples(X), again.score_samples(X))


def test_the_log_likelihood_is_that_of_rows_which_the_fit_did_not_see():
    found = fit_one(X, "kernel", random_state=0)
    generator = np.random.default_rng(0)
    validation, train = np.split(generator.permutation(300), [60])
    held_out = dm.KernelDensity(found.settings["bandwidth"]).fit(X[train]).score_samples(X[validation])
    expected = mean_interval(held_out, 0.95)
    assert found.log_likelihood.value == pytest.approx(expected.value, abs=1e-5)
    assert found.log_likelihood.half_width == pytest.approx(expected.half_width, abs=1e-4)


def test_no_validation_row_equals_a_training_row():
    found = fit_one(np.concatenate([X, X[:100]]), "kernel", random_state=0)
    assert found.n_train == 320
    assert found.n_validation < 80


def test_the_energy_model_stays_as_its_validation_rows_left_it(monkeypatch):
    small = dm.EnergyModel("gaussian", hidden=(4,), max_steps=100, log_z_width=0.2)

    def fit(self, parts, seed, progress):
        return FittedFamily(small.set_params(random_state=seed).fit(parts.train, X_val=parts.validation))

    monkeypatch.setattr(EnergyFamily, "fit", fit)
    found = fit_one(X, "energy", random_state=0)
    assert found.estimator is small
    assert found.n_rows == found.n_train == 240


def test_what_is_wrong_is_told():
    with pytest.raises(SettingError, match="did you mean 'mixture'"):
        fit_one(X, "mixtrue")
    with pytest.raises(SettingError, match="confidence"):
        fit_one(X, confidence=1.0)
    with pytest.raises(DataError, match="11 rows leave 9 for training and 2 for validation"):
        fit_one(X[:11])
    with pytest.raises(DataError, match="2 different rows among 100"):
        fit_one(np.repeat(X[:2], 50, axis=0))


def test_a_failure_of_the_fit_is_raised(monkeypatch):
    def fail(self, parts, seed, progress):
        raise ZeroDivisionError("of nothing")

    monkeypatch.setattr("densimeter.evaluation.families.kernel.KernelFamily.fit", fail)
    with pytest.raises(FitError, match="kernel failed: ZeroDivisionError: of nothing"):
        fit_one(X, "kernel")
