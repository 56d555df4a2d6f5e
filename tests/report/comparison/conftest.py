import numpy as np
import pytest
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.mixture import GaussianMixture

import densimeter as dm
from densimeter.evaluation.comparison import compare

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


class Broken(DensityMixin, BaseEstimator):
    """Fails, with words that must not become tags."""

    def fit(self, X, y=None):
        raise ValueError(HOSTILE)

    def score_samples(self, X):
        return X[:, 0]


def _mixtures(**more):
    small, large = (GaussianMixture(k, random_state=0) for k in (1, 4))
    return {"one hill": small, "four hills": large, **more}


@pytest.fixture(scope="session")
def ring():
    X, _ = dm.datasets.make_ring(500, n_components=4, random_state=0)
    density = dm.datasets.RingOfGaussians(4)
    return compare(
        X, _mixtures(kernel="kernel", broken=Broken()), density=density, source="ring", random_state=0
    )


@pytest.fixture(scope="session")
def line():
    x = np.random.default_rng(0).normal(size=(300, 1))
    return compare(x, _mixtures(), random_state=0)


@pytest.fixture(scope="session")
def five():
    X = np.random.default_rng(0).normal(size=(300, 5))
    X[:, 1] += X[:, 0] ** 2
    return compare(X, _mixtures(), random_state=0)


@pytest.fixture(scope="session")
def hostile():
    import pandas as pd

    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=[HOSTILE, "b & <i>b</i>"])
    models = {HOSTILE: GaussianMixture(1, random_state=0), "b": GaussianMixture(2, random_state=0)}
    return compare(X, {**models, "broken": Broken()}, source=HOSTILE, random_state=0)


@pytest.fixture(scope="session")
def pages(tmp_path_factory, ring, line, five, hostile):
    """A folder with the page of each comparison under its name."""
    folder = tmp_path_factory.mktemp("pages")
    for name, comparison in {"ring": ring, "line": line, "five": five, "hostile": hostile}.items():
        (folder / f"{name}.html").write_text(comparison.to_html(), encoding="utf-8")
    return folder
