import io
import json
import warnings

import numpy as np
import pytest

import densimeter as dm
from densimeter.energy.density import TiltedDensity
from densimeter.energy.kernel_base import KernelBase
from densimeter.energy.stacked_base import StackedBase
from densimeter.storage import container


def rows(n=60, d=2):
    return np.random.default_rng(d).normal(size=(n, d)) * np.arange(1, d + 1) + 5


TINY = dict(hidden=(4,), n_frequencies=2, max_steps=100, log_z_width=0.2, random_state=0)  # noqa: C408

X = rows()


def energy_on_a_stack():
    """A model whose base is a mixture and a kernel estimate, put together by hand: a fit would take long."""
    model = dm.EnergyModel("gaussian", **TINY).fit(X)
    mixture, tilt = model.density_.base, model.density_.tilt
    stack = StackedBase(mixture, KernelBase.of(model.scaling_.apply(X[:20]), np.array([0.1, 0.2])), 0.4)
    model.density_ = TiltedDensity(stack, tilt).in_double_precision()
    return model


MODELS = {
    "mixture": lambda: dm.GaussianMixture(2, random_state=0).fit(X),
    "tied": lambda: dm.GaussianMixture(2, covariance_type="tied", random_state=0).fit(X),
    "diagonal": lambda: dm.GaussianMixture(3, covariance_type="diag", means_init=X[:3]).fit(X),
    "spherical": lambda: dm.GaussianMixture(2, covariance_type="spherical", random_state=0).fit(X),
    "single precision": lambda: dm.GaussianMixture(2, random_state=0).fit(X.astype(np.float32)),
    "given mixture": lambda: dm.GaussianMixture.from_parameters([1.0], [[5, 6]], [np.eye(2)]),
    "online mixture": lambda: dm.GaussianMixture(2, random_state=0).partial_fit(X).partial_fit(X + 1),
    "selected mixture": lambda: dm.select_components(X, [1, 2], random_state=0).model,
    "bayesian": lambda: dm.BayesianGaussianMixture(n_components=2, max_iter=500, random_state=0).fit(X),
    "bayesian tied": lambda: dm.BayesianGaussianMixture(
        n_components=2,
        covariance_type="tied",
        weight_concentration_prior_type="dirichlet_distribution",
        max_iter=500,
        random_state=0,
    ).fit(X.astype(np.float32)),
    "kernel": lambda: dm.KernelDensity().fit(X),
    "kernel of validation rows": lambda: dm.KernelDensity().fit(X[:40], X_val=X[40:]),
    "kernel by rule": lambda: dm.KernelDensity("scott", kernel="epanechnikov").fit(X),
    "kernel of one width": lambda: dm.KernelDensity(0.5, algorithm="tree").fit(X),
    "kernel of candidates": lambda: dm.KernelDensity(candidates=[0.5, 1.0]).fit(X),
    "kernel of a matrix": lambda: dm.KernelDensity([[1.0, 0.2], [0.2, 2.0]]).fit(X),
    "weighted kernel": lambda: dm.KernelDensity([0.5, 1.0]).fit(X, sample_weight=np.arange(1, 61)),
    "streamed kernel": lambda: dm.KernelDensity(1.0).partial_fit(X[:50]).partial_fit(X[50:] + 30),
    "energy": lambda: dm.EnergyModel("gaussian", **TINY).fit(X),
    "textbook energy": lambda: dm.EnergyModel(
        "gaussian", tilt_bound=None, **{**TINY, "n_frequencies": 0, "hidden": [3, 4]}
    ).fit(X),
    "energy on a mixture": lambda: dm.EnergyModel(
        dm.GaussianMixture(2, random_state=0).fit(rows(80)), **TINY
    ).fit(X),
    "energy on a stack": energy_on_a_stack,
}

_kept = {}


def _fitted(name):
    if name not in _kept:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that so few rows leave a width of log Z unreached
            _kept[name] = MODELS[name]()
    return _kept[name]


def _scores(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.score_samples(np.concatenate([X, X[:5] + 3]))


def _opened(content):
    return container.unpack(io.BytesIO(content), len(content))


def _resealed(content, change):
    parts = _opened(content)
    document, arrays = json.loads(json.dumps(dict(parts.document))), dict(parts.arrays)
    change(document, arrays)
    return container.pack(container.Content(document, arrays))


@pytest.fixture(params=MODELS)
def model(request):
    return _fitted(request.param)


@pytest.fixture(scope="session")
def fitted():
    """Gives a model of `MODELS` by its name, fitted once."""
    return _fitted


@pytest.fixture(scope="session")
def scores():
    """Log-densities of some rows near and far, whatever is said of the far ones."""
    return _scores


@pytest.fixture(scope="session")
def opened():
    """What a file with these bytes holds."""
    return _opened


@pytest.fixture(scope="session")
def resealed():
    """The file with its document and arrays changed by a function, and a digest that fits again."""
    return _resealed


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.dm"
