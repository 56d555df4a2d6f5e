"""The floor of covariances, and the default start, against mclust's converged fits and closed forms.

The figures of mclust are those of version 6.0.0 under R with `emControl(tol=1e-10)`, models EEE and VVV. Its
diabetes data are Reaven and Miller's (1979) with row 104 corrected; acidity are Crawford et al.'s (1992).
"""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from densimeter.foundations.errors import DensimeterWarning
from densimeter.foundations.lattice import column_resolution
from densimeter.mixture import GaussianMixture, select_components
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.linalg import lifted

DATA = Path(__file__).parent / "data"
CONVERGED = {"tol": 1e-6, "max_iter": 2000}


def table(name):
    return load_iris().data if name == "iris" else np.loadtxt(DATA / f"{name}.csv", delimiter=",", ndmin=2)


PUBLISHED = [
    ("iris", 2, "full", -214.355, 574.018),
    ("faithful", 3, "tied", -1126.316, 2314.296),
    ("faithful", 2, "full", -1130.264, 2322.192),
    ("acidity", 2, "tied", -185.949, 392.072),
    ("diabetes", 3, "full", -2295.093, 4734.512),
]


@pytest.mark.parametrize(("name", "k", "family", "log_likelihood", "bic"), PUBLISHED)
def test_the_published_fit_is_reached(name, k, family, log_likelihood, bic):
    X = table(name)
    model = GaussianMixture(k, covariance_type=family, random_state=0, **CONVERGED).fit(X)
    assert model.score(X) * len(X) > log_likelihood - 1e-3
    assert model.bic(X) == pytest.approx(bic, abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 10))
@pytest.mark.parametrize(("name", "k", "family", "log_likelihood", "bic"), PUBLISHED)
def test_the_published_fit_is_reached_from_every_seed(seed, name, k, family, log_likelihood, bic):
    X = table(name)
    model = GaussianMixture(k, covariance_type=family, random_state=seed, **CONVERGED).fit(X)
    assert model.score(X) * len(X) > log_likelihood - 1e-3


def test_the_default_leaves_next_to_nothing_to_be_gained():
    """Old Faithful creeps: EM changes the likelihood by less than `tol` long before it stands."""
    X = table("faithful")
    for seed in range(10):
        model = GaussianMixture(3, covariance_type="tied", random_state=seed).fit(X)
        assert model.score(X) * len(X) > -1126.316 - 1e-3


def test_rounding_makes_no_needles_of_irises():
    chosen = select_components(load_iris().data, range(1, 5), random_state=0)
    assert chosen.n_components == 2
    assert chosen.best.criterion == pytest.approx(574.02, abs=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "faithful", "acidity", "diabetes"])
def test_the_published_winner_wins(name):
    X = table(name)
    families = list(FAMILIES) if X.shape[1] > 1 else ["full", "tied"]
    found = select_components(X, range(1, 7), covariance_type=families, random_state=0, **CONVERGED).best
    k, family, bic = next((k, family, bic) for n, k, family, _, bic in PUBLISHED if n == name)
    assert (found.n_components, found.covariance_type) == (k, family)
    assert found.criterion == pytest.approx(bic, abs=2e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_clusters_tight_against_the_spread_keep_their_width(family):
    rng = np.random.default_rng(0)
    sites = np.array([[48.85, 2.35], [40.71, -74.0], [-33.87, 151.2]])
    X, T = (np.repeat(sites, 200, 0) + 1e-4 * rng.normal(size=(600, 2)) for _ in range(2))
    truth = -np.log(3) - np.log(2 * np.pi) - 1 - 2 * np.log(1e-4)
    model = GaussianMixture(3, covariance_type=family, random_state=0).fit(X)
    assert model.score(T) == pytest.approx(truth, abs=0.15)
    assert not model.on_floor_.any()


def test_a_component_of_one_repeated_value_ends_on_the_floor_and_says_so():
    X = np.repeat([0.0, 1.0], [500, 500])[:, None]
    model = GaussianMixture(2, random_state=0).fit(X)
    assert model.on_floor_.all()
    np.testing.assert_allclose(model.weights_, 0.5, atol=1e-2)
    np.testing.assert_allclose(model.covariances_.ravel(), 1 / 12, rtol=1e-6)


def test_a_lifted_covariance_is_the_likeliest_on_the_floor():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3)) * [1.0, 0.1, 1e-3]
    given, least = root @ root.T, np.array([0.05, 0.01, 0.02])

    def cost(covariance):
        return np.linalg.slogdet(covariance)[1] + np.trace(np.linalg.solve(covariance, given))

    made = lifted(given, least)
    scale = np.sqrt(least[:, None] * least)
    assert np.linalg.eigvalsh(made / scale).min() > 1 - 1e-9
    for _ in range(200):
        other = lifted(made + 1e-3 * (lambda a: a @ a.T - 0.5 * np.eye(3))(rng.normal(size=(3, 3))), least)
        assert cost(other) > cost(made) - 1e-12
    np.testing.assert_array_equal(lifted(np.eye(3), least), np.eye(3))


def test_what_columns_resolve():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.round(rng.normal(size=500), 1), rng.normal(size=500), np.full(500, 3.0)])
    X[:5, 0] = np.nan
    rounded, dense, constant = column_resolution(X)
    assert rounded == pytest.approx(0.1)
    assert constant == 0
    spacings = np.diff(np.sort(X[:, 1]))
    assert spacings.min() <= dense < np.median(spacings)


def test_components_that_die_are_told():
    with pytest.warns(DensimeterWarning, match="components have no rows"):
        GaussianMixture(4, random_state=0).fit(np.repeat([[0.0], [1.0]], 3, axis=0))


def hostile(seed):
    rng = np.random.default_rng(seed)
    d, m = 1 + seed % 3, int(rng.integers(6, 60))
    rows = rng.normal(size=(m, d))
    return [
        lambda: rng.integers(0, 4, (m, d)).astype(float),
        lambda: np.round(rows, 1),
        lambda: np.vstack([rows, np.full((1, d), 1e6)]),
        lambda: rng.normal(size=(3, d)) * 10.0 ** rng.integers(-3, 3, 3)[:, None],
        lambda: np.repeat(rows[:4], m // 4 + 1, axis=0) + 1e-4 * rng.normal(size=(4 * (m // 4 + 1), d)),
        lambda: np.repeat(rows[:5], rng.integers(1, 20, 5), axis=0),
    ][seed % 6]()


def check_the_default_is_the_best(seed):
    X, family = hostile(seed), list(FAMILIES)[seed // 6 % 4]
    settings = {"n_components": min(2 + seed % 4, len(X)), "covariance_type": family, "random_state": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of components that died and of limits of iterations
        best = GaussianMixture(**settings).fit(X).score(X)
        for word in ("kmeans", "k-means++", "random", "random_from_data"):
            assert best > GaussianMixture(init_params=word, **settings).fit(X).score(X) - 1e-6, word


@pytest.mark.parametrize("seed", range(12))
def test_the_default_is_no_worse_than_any_start_by_name(seed):
    check_the_default_is_the_best(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12, 312))
def test_the_default_is_no_worse_than_any_start_by_name_on_many_tables(seed):
    check_the_default_is_the_best(seed)


def test_more_components_do_not_fit_worse():
    X = np.repeat([1.0, 2, 3, 4, 5], [200, 25, 25, 50, 200])[:, None]
    scores = [GaussianMixture(k, random_state=0).fit(X).score(X) for k in range(1, 6)]
    assert (np.diff(scores) > -1e-6).all()
