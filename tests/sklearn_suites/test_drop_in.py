"""Every estimator stands where one of scikit-learn's would: routed weights, searches in parallel, frames."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from densimeter import (
    BayesianGaussianMixture,
    EnergyModel,
    GaussianMixture,
    KernelDensity,
    PipelineDensity,
    ScipyDensity,
)

SEARCHES = {
    "mixture": (GaussianMixture(random_state=0), {"n_components": [1, 2]}),
    "bayesian": (BayesianGaussianMixture(n_components=2, random_state=0), {"reg_covar": [1e-6, 1.0]}),
    "kernel": (KernelDensity(), {"bandwidth": [0.3, 3.0]}),
    "energy": (
        EnergyModel(hidden=(4,), max_steps=20, n_folds=2, random_state=0),
        {"base": ["gaussian", "mixture"]},
    ),
    "scipy": (ScipyDensity(), {"distribution": ["norm", "laplace"]}),
    "pipeline": (
        PipelineDensity(make_pipeline(StandardScaler(), KernelDensity(bandwidth=1.0))),
        {"pipeline__kerneldensity__bandwidth": [0.3, 3.0]},
    ),
}
"""An estimator and two values of a parameter that tell them apart."""
NAMES = list(SEARCHES)


def columns(n=40):
    """A small table in which the two halves of the rows are from different places."""
    rng = np.random.default_rng(0)
    return np.where(np.arange(n) % 2, 3.0, -1.0)[:, None] + rng.normal(size=(n, 2))


def searched(name, X, n_jobs=None):
    model, grid = SEARCHES[name]
    return GridSearchCV(clone(model), grid, cv=KFold(2), n_jobs=n_jobs).fit(X)


@pytest.fixture(scope="module")
def one_by_one():
    """The mean scores of every search without parallel jobs."""
    X = columns()
    return {name: searched(name, X).cv_results_["mean_test_score"] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_searches_tell_settings_apart(name, one_by_one):
    first, second = one_by_one[name]
    assert np.isfinite([first, second]).all()
    assert first != second


@pytest.mark.parametrize("name", NAMES)
def test_a_search_in_threads_finds_what_one_by_one_finds(name, one_by_one):
    with joblib.parallel_backend("threading"):
        search = searched(name, columns(), n_jobs=2)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], one_by_one[name], rtol=1e-6)


def test_searches_in_processes_find_what_one_by_one_finds(one_by_one):
    with joblib.parallel_backend("loky", n_jobs=2):
        for name in NAMES:
            search = searched(name, columns(), n_jobs=2)
            scores = search.cv_results_["mean_test_score"]
            np.testing.assert_allclose(scores, one_by_one[name], rtol=1e-6, err_msg=name)
            assert np.isfinite(search.best_estimator_.score_samples(columns(6))).all()


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_routed_to_fit_and_score(name):
    """A row of weight zero is not there, in the training folds and in the test folds of a search.

    Only the even rows, all in one place, have a weight: the scores are those of a search without the others.
    """
    X = columns()
    present = np.arange(len(X)) % 2 == 0
    with sklearn.config_context(enable_metadata_routing=True):
        model = clone(SEARCHES[name][0])
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(model, SEARCHES[name][1], cv=KFold(2))
        routed = search.fit(X, sample_weight=present.astype(float))
    alone = searched(name, X[present])
    np.testing.assert_allclose(
        routed.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], rtol=1e-5
    )
    np.testing.assert_allclose(
        routed.best_estimator_.score_samples(X), alone.best_estimator_.score_samples(X), rtol=1e-5
    )


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_nobody_asked_for_are_refused(name):
    X = columns()
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(clone(SEARCHES[name][0]), SEARCHES[name][1], cv=KFold(2))
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            search.fit(X, sample_weight=np.ones(len(X)))


def test_weights_pass_through_a_pipeline_of_scikit_learn():
    X = columns()
    weights = np.where(np.arange(len(X)) % 2, 0.0, 2.0)
    with sklearn.config_context(enable_metadata_routing=True):
        last = KernelDensity(bandwidth=0.5).set_fit_request(sample_weight=True)
        last.set_score_request(sample_weight=True)
        steps = make_pipeline(FunctionTransformer(), last)
        told = cross_validate(steps, X, cv=KFold(2), params={"sample_weight": weights})
    for (train, test), score in zip(KFold(2).split(X), told["test_score"], strict=True):
        kept = KernelDensity(bandwidth=0.5).fit(X[train][weights[train] > 0])
        assert score == pytest.approx(kept.score(X[test][weights[test] > 0]), rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_a_frame_are_kept_and_held_against_later_frames(name):
    frame = pd.DataFrame(columns(), columns=["height", "width"])
    model = clone(SEARCHES[name][0]).fit(frame)
    check_is_fitted(model)
    assert list(model.feature_names_in_) == ["height", "width"]
    assert model.n_features_in_ == 2
    with pytest.raises(ValueError, match="feature names"):
        model.score_samples(frame.rename(columns={"width": "depth"}))
    assert not hasattr(clone(model).fit(columns()), "feature_names_in_")


@pytest.mark.parametrize("name", NAMES)
def test_no_density_transforms_so_none_has_an_output_to_set(name):
    """As scikit-learn's mixtures and kernel estimates, which have neither of these."""
    model = SEARCHES[name][0]
    for absent in ("transform", "set_output", "get_feature_names_out"):
        assert not hasattr(model, absent), absent


@pytest.mark.parametrize("name", NAMES)
def test_a_density_ends_a_pipeline_whose_steps_give_frames(name):
    frame = pd.DataFrame(columns(), columns=["height", "width"])
    steps = make_pipeline(StandardScaler(), clone(SEARCHES[name][0])).set_output(transform="pandas")
    steps.fit(frame)
    assert list(steps[-1].feature_names_in_) == ["height", "width"]
    np.testing.assert_array_equal(
        steps.score_samples(frame), steps[-1].score_samples(steps[:-1].transform(frame))
    )
