"""The laws of EM: monotone, mergeable, equivariant, exact to many digits, and compiled once."""

from itertools import pairwise

import jax
import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture as Reference

from densimeter.foundations.errors import SettingError
from densimeter.mixture import GaussianMixture, em
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.estep import local_step, natural_step
from densimeter.mixture.families import NO_FLOOR, Floor, Parameters
from densimeter.mixture.fitting import batches_of
from densimeter.mixture.frame import Frame, column_moments
from densimeter.mixture.sources import Layout, Resident

DOUBLE = np.dtype(float)


def rows_of(n=400, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return 3 * rng.standard_normal((4, d))[rng.integers(4, size=n)] + rng.standard_normal((n, d)) @ (
        np.eye(d) + 0.3
    )


def prepared(X, w, name, k=3, seed=1):
    """A source, its frame, and parameters in the frame."""
    family, d = FAMILIES[name], X.shape[1]
    batches = batches_of(X, w)
    frame = Frame.of(column_moments(batches), family, DOUBLE)
    rng = np.random.default_rng(seed)
    covariances = (
        np.broadcast_to({"full": np.eye(d), "tied": np.eye(d)}.get(name, 1.0), family.shape(d, k)) * 0.5
    )
    inner = Parameters(np.full((1, k), 1 / k), rng.standard_normal((1, k, d)), covariances[None].copy())
    return family, frame, Resident(Layout.of(family, d, k, DOUBLE), batches, complete=True), inner


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # one iteration at a time
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(list(FAMILIES)),
    init=st.sampled_from(["kmeans", "random"]),
)
def test_likelihood_never_falls(seed, name, init):
    X = rows_of(200, 2, seed)
    model = GaussianMixture(
        4,
        covariance_type=name,
        init_params=init,
        random_state=seed,
        warm_start=True,
        max_iter=1,
        tol=0,
        reg_covar=0,
    )
    bounds = [model.fit(X).lower_bound_ for _ in range(12)]
    assert (np.diff(bounds) > -1e-12).all()


@pytest.mark.parametrize("name", list(FAMILIES))
def test_differences_first_gives_the_same_step(name):
    X, w = rows_of(), np.random.default_rng(2).random(400)
    family, frame, source, inner = prepared(X, w, name)
    natural = natural_step(family, frame, source, DOUBLE, inner)
    local = local_step(family, frame, source, DOUBLE, inner)
    floor = Floor(np.full(3, 1e-3))
    moved = natural.finish(family, 3, floor)
    back = family.from_local(family.maximise(local.sums, 3, NO_FLOOR), inner, floor)
    assert_allclose(local.log_likelihood, natural.log_likelihood, rtol=1e-12)
    for one, other in zip(back, moved, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_merging_in_any_order_gives_the_same_fit(name):
    X, w = rows_of(), np.ones(400)
    family, frame, _, inner = prepared(X, w, name)
    layout = Layout.of(family, 3, 3, DOUBLE)
    cuts = [0, 7, 100, 101, 290, 400]
    parts = [
        natural_step(
            family, frame, Resident(layout, batches_of(X[a:b], w[a:b]), complete=True), DOUBLE, inner
        )
        for a, b in pairwise(cuts)
    ]
    orders = ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1])
    fits = []
    for order in orders:
        total = parts[order[0]]
        for i in order[1:]:
            total = total.merge(parts[i])
        fits.append(total)
    assert_allclose(fits[0].log_likelihood, fits[1].log_likelihood, rtol=1e-12)
    for one, other in zip(*(fit.finish(family, 3, NO_FLOOR) for fit in fits), strict=True):
        assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
@example(seed=255)  # the moves decide
def test_full_covariances_follow_any_invertible_affine_map(seed):
    rng = np.random.default_rng(seed)
    X = rows_of(seed=seed)
    A = rng.standard_normal((3, 3)) + 2 * np.eye(3)
    if np.linalg.cond(A) > 1e3:
        return
    shift = 10 * rng.standard_normal(3)
    plain = GaussianMixture(3, random_state=seed, reg_covar=0, tol=1e-2, max_iter=300).fit(X)
    mapped = GaussianMixture(3, random_state=seed, reg_covar=0, tol=1e-2, max_iter=300).fit(X @ A.T + shift)
    assert mapped.n_iter_ == plain.n_iter_
    assert_allclose(mapped.means_, plain.means_ @ A.T + shift, rtol=1e-6, atol=1e-6)
    assert_allclose(mapped.covariances_, A @ plain.covariances_ @ A.T, rtol=1e-5, atol=1e-5)
    log_det = np.log(abs(np.linalg.det(A)))
    assert_allclose(
        mapped.score_samples(X @ A.T + shift), plain.score_samples(X) - log_det, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", list(FAMILIES))
def test_many_pieces_give_what_scikit_learn_gives(name):
    X = rows_of(30_000, 2)  # more than one piece, so the host loop runs
    X = (X - X.mean(0)) / X.std(0)
    means = X[[0, 1, 2]]
    ours = GaussianMixture(
        3, covariance_type=name, means_init=means, random_state=0, reg_covar=1e-6, max_iter=20, tol=1e-5
    )
    ours.weights_init = np.full(3, 1 / 3)
    ours.precisions_init = np.broadcast_to(
        {"full": np.eye(2), "tied": np.eye(2)}.get(name, 1.0), FAMILIES[name].shape(2, 3)
    )
    theirs = Reference(**ours.set_params(init_params="kmeans").get_params())
    with pytest.warns(match="did not converge"):
        ours.set_params(tol=0).fit(X)
    with pytest.warns(match="did not converge"):
        theirs.set_params(tol=0).fit(X)
    assert_allclose(ours.lower_bound_, theirs.lower_bound_, rtol=1e-10)
    assert_allclose(ours.means_, theirs.means_, rtol=1e-7, atol=1e-8)
    assert_allclose(ours.covariances_, theirs.covariances_, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_batches_give_the_fit_of_the_table(name):
    X, w = rows_of(3000), np.random.default_rng(0).random(3000)
    settings_ = {
        "n_components": 3,
        "covariance_type": name,
        "random_state": 4,
        "n_init": 2,
        "init_params": "kmeans",
    }
    whole = GaussianMixture(**settings_).fit(X, sample_weight=w)
    pairs = [(X[i : i + 700], w[i : i + 700]) for i in range(0, 3000, 700)]
    for batches in (pairs, lambda: iter(pairs)):
        parts = GaussianMixture(**settings_).fit_batches(batches)
        assert_allclose(parts.means_, whole.means_, rtol=1e-8, atol=1e-10)
        assert_allclose(parts.covariances_, whole.covariances_, rtol=1e-8, atol=1e-10)
        assert parts.n_iter_ == whole.n_iter_
    with pytest.raises(SettingError, match="only once"):
        GaussianMixture(2).fit_batches(iter([X]))


def test_partial_fit_follows_the_batches():
    rng = np.random.default_rng(0)

    def batch(n, centre):
        return np.array([[-centre, 0.0], [centre, 0]])[rng.integers(2, size=n)] + rng.standard_normal((n, 2))

    model = GaussianMixture(2, random_state=0)
    for _ in range(60):
        model.partial_fit(batch(200, 3.0))
    whole = GaussianMixture(2, random_state=0).fit(batch(12_000, 3.0))
    test = batch(20_000, 3.0)
    assert model.score(test) > whole.score(test) - 0.01
    for _ in range(60):
        model.partial_fit(batch(200, 5.0))
    assert_allclose(np.sort(model.means_[:, 0]), [-5, 5], atol=0.3)


def _exact_log_density(X, weights, means, covariances):
    """The mixture's log-density with fifty digits."""
    with mpmath.workdps(50):
        d = X.shape[1]
        solved = [
            (mpmath.matrix(c.tolist()) ** -1, mpmath.log(mpmath.det(mpmath.matrix(c.tolist()))))
            for c in covariances
        ]
        values = []
        for x in X:
            total = mpmath.mpf(0)
            for weight, mean, (inverse, log_det) in zip(weights, means, solved, strict=True):
                delta = mpmath.matrix([mpmath.mpf(a) - mpmath.mpf(b) for a, b in zip(x, mean, strict=True)])
                distance = (delta.T * inverse * delta)[0]
                constant = d * mpmath.log(2 * mpmath.pi) + log_det
                total += mpmath.mpf(weight) * mpmath.exp(-(distance + constant) / 2)
            values.append(mpmath.log(total))
        return values


def hostile(seed=0):
    """Tiny components far from the centre, a thin ridge, offsets of 1e6, weights from 1e-12 to 1."""
    rng = np.random.default_rng(seed)
    means = np.array([[1e6, -1e6], [1e6 + 1, -1e6], [1e6, -1e6 + 1e-3], [1e6 + 1, -1e6 + 1]])
    ridge = np.array([[1.0, 1 - 1e-9], [1 - 1e-9, 1.0]])
    covariances = np.stack([1e-14 * np.eye(2), 1e-8 * ridge, 1e-2 * ridge, np.eye(2)])
    weights = np.array([1e-12, 0.1, 0.3, 0.6 - 1e-12])
    roots = np.linalg.cholesky(covariances)
    labels = rng.integers(4, size=40)
    return (
        weights,
        means,
        covariances,
        means[labels] + np.einsum("nij,nj->ni", roots[labels], rng.standard_normal((40, 2))),
    )


def test_density_agrees_with_fifty_digits_on_a_hostile_set():
    weights, means, covariances, X = hostile()
    model = GaussianMixture.from_parameters(weights, means, covariances)
    model.weights_ = weights
    exact = np.array([float(v) for v in _exact_log_density(X, weights, means, covariances)])
    assert np.abs(model.score_samples(X) / exact - 1).max() < 1e-9


def test_a_fit_of_tiny_components_agrees_with_fifty_digits():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    X = centres[rng.integers(3, size=300)] + 1e-7 * rng.standard_normal((300, 2))
    model = GaussianMixture(3, reg_covar=0, random_state=0).fit(X)
    exact = _exact_log_density(X, model.weights_, model.means_, model.covariances_)
    assert_allclose(model.lower_bound_, float(sum(exact) / len(exact)), rtol=1e-9)
    labels = ((X[:, None] - model.means_) ** 2).sum(-1).argmin(1)
    for k in range(3):
        members = X[labels == k] - centres[np.abs(centres - model.means_[k]).sum(1).argmin()]
        assert_allclose(model.covariances_[k], np.cov(members.T, bias=True), rtol=1e-6)


class Compilations:
    """Counts what XLA compiles."""

    def __init__(self):
        self.count = 0
        jax.monitoring.register_event_duration_secs_listener(self._hear)

    def _hear(self, event, duration, **_):
        self.count += event == "/jax/core/compile/backend_compile_duration"


@pytest.fixture(scope="module")
def compilations():
    return Compilations()


@pytest.mark.parametrize(("first", "others"), [(1000, [700, 1300, 3000]), (50_000, [40_000, 61_234])])
@pytest.mark.parametrize("name", list(FAMILIES))
def test_another_row_count_compiles_nothing(name, first, others, compilations):
    model = GaussianMixture(5, covariance_type=name, max_iter=3, tol=10, init_params="kmeans", random_state=0)
    before = compilations.count
    model.fit(rows_of(first, 4))
    for n in others:
        compiled = compilations.count
        model.fit(rows_of(n, 4))
        model.score_samples(rows_of(n, 4))
        assert compilations.count == compiled
    jax.jit(lambda x: x + first)(1.0)  # the counter does count
    assert compilations.count > before


def test_one_program_serves_starts_moves_and_restarts(compilations):
    X, before = rows_of(900, 3), compilations.count
    GaussianMixture(7, random_state=0).fit(X)
    assert compilations.count == before + 1
    GaussianMixture(7, random_state=1, n_init=4).fit(X)
    assert compilations.count == before + 1


def test_restarts_in_turns_give_what_each_gives_alone():
    """More restarts than a group has places, more iterations than a call has room for."""
    X = rows_of(300, 2)
    family, frame, source, _ = prepared(X, np.ones(300), "full")
    rng, n = np.random.default_rng(3), 2 * em.GROUP + 1
    start = Parameters(
        np.full((n, 3), 1 / 3), rng.standard_normal((n, 3, 2)), np.tile(np.eye(2), (n, 3, 1, 1))
    )
    rules = em.Rules(0.0, em.BOUNDS_AT_ONCE + 5, Floor(np.full(2, 1e-6)))
    together = em.run(family, frame, source, DOUBLE, start, rules)
    assert together.history.shape == (n, rules.max_iter)
    for i in range(n):
        alone = em.run(family, frame, source, DOUBLE, Parameters(*(p[i : i + 1] for p in start)), rules)
        assert_allclose(together.lower_bound[i], alone.lower_bound[0], rtol=1e-12)
        assert_allclose(together.history[i], alone.history[0], rtol=1e-12)
        assert_allclose(together.parameters.means[i], alone.parameters.means[0], rtol=1e-9)
