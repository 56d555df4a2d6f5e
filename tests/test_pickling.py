"""Every estimator survives a pickle, a copy and joblib, fitted or not, and scores the same elsewhere."""

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import densimeter as dm

X = np.random.default_rng(0).normal(size=(60, 2))
MODELS = {
    "GaussianMixture": dm.GaussianMixture(2, random_state=0),
    "BayesianGaussianMixture": dm.BayesianGaussianMixture(n_components=2, random_state=0),
    "KernelDensity": dm.KernelDensity(),
    "EnergyModel": dm.EnergyModel(
        "gaussian", hidden=(8,), max_steps=100, n_folds=2, log_z_width=0.5, random_state=0
    ),
    "ScipyDensity": dm.ScipyDensity("t"),
    "PipelineDensity": dm.PipelineDensity(make_pipeline(StandardScaler(), dm.GaussianMixture(1))),
    "FlowDensity": dm.FlowDensity(n_layers=1, width=4, max_steps=100, random_state=0),
}


@pytest.fixture(scope="module")
def fitted():
    pytest.importorskip("flowjax")
    return {name: model.fit(X) for name, model in MODELS.items()}


def test_no_estimator_is_left_out():
    public = {
        name
        for name in dm.__all__
        if isinstance(getattr(dm, name), type) and issubclass(getattr(dm, name), BaseEstimator)
    }
    assert public == set(MODELS)


ELSEWHERE = """
import pickle, sys
models, X = pickle.load(open(sys.argv[1], "rb"))
pickle.dump({name: model.score_samples(X) for name, model in models.items()}, open(sys.argv[2], "wb"))
"""


def test_fitted_models_score_the_same_in_a_process_that_never_saw_them(fitted, tmp_path):
    (tmp_path / "models").write_bytes(pickle.dumps((fitted, X)))
    command = [sys.executable, "-c", ELSEWHERE, tmp_path / "models", tmp_path / "scores"]
    subprocess.run(command, check=True, timeout=300)
    elsewhere = pickle.loads((tmp_path / "scores").read_bytes())
    for name, model in fitted.items():
        np.testing.assert_array_equal(elsewhere[name], model.score_samples(X), err_msg=name)


def _drawn(model):
    drawn = model.sample(3, random_state=0)
    return drawn[0] if isinstance(drawn, tuple) else drawn


@pytest.mark.parametrize("name", MODELS)
def test_copies_and_files_score_the_same_and_draw_the_same(name, fitted, tmp_path):
    model = fitted[name]
    joblib.dump(model, tmp_path / "model")
    for again in (copy.deepcopy(model), copy.copy(model), joblib.load(tmp_path / "model")):
        np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
        np.testing.assert_array_equal(_drawn(again), _drawn(model))
    unfitted = type(model)(**model.get_params(deep=False))
    assert pickle.loads(pickle.dumps(unfitted)).get_params().keys() == unfitted.get_params().keys()
