"""What a user writes is refused in a line of reason and one of advice, with no traceback from below."""

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from densimeter import elbo, fit_variational, kl_divergence, partition
from densimeter.energy import EnergyModel
from densimeter.foundations.errors import SettingError
from densimeter.foundations.tracing import check_point_function

FOREIGN = {
    "float()": lambda x: float(x[0]) ** 2,
    "scipy": lambda x: -stats.norm.logpdf(x[0]),
    "numpy": lambda x: np.exp(np.sin(x[0])),
    "math": lambda x: math.exp(x[0]),
    "if": lambda x: x[0] ** 2 if x[0] > 0 else x[0] ** 4,
    "while": lambda x: next(i for i in range(9) if i > x[0]),
    "boolean index": lambda x: x[x > 0].sum(),
    "int()": lambda x: jnp.zeros(3)[int(x[0])],
}
SEVERAL = {
    "vector": lambda x: x**2,
    "matrix": lambda x: jnp.outer(x, x),
    "nothing": lambda x: None,
    "pair": lambda x: (x[0], x[0]),
    "text": lambda x: "1",
    "complex": lambda x: 1j * x[0],
}
BASE = partition.Gaussian(jnp.zeros(1), jnp.eye(1))

WAYS = {
    "quadrature": lambda f: partition.quadrature(f, [-np.inf], [np.inf]),
    "importance": lambda f: partition.importance(f, BASE, 100, random_state=0),
    "annealed": lambda f: partition.annealed(f, BASE, n_chains=2, n_temperatures=2, random_state=0),
    "importance_of": lambda f: partition.importance_of(partition.TiltWeights(f, BASE), 100, random_state=0),
    "certificate": lambda f: partition.certificate(
        partition.TiltWeights(f, BASE), bounds=(-1, 1), max_samples=1, random_state=0
    ),
    "elbo": lambda f: elbo(f, stats.norm(), n_samples=10, random_state=0),
    "fit_variational": lambda f: fit_variational(f, 1, max_steps=1, random_state=0),
    "density": lambda f: kl_divergence(
        SimpleNamespace(log_prob=f, sample=lambda key, n_samples: jax.random.normal(key, (n_samples, 1))),
        stats.norm(),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", FOREIGN)
def test_what_jax_cannot_trace_is_told_so(way, function):
    with pytest.raises(SettingError) as told:
        WAYS[way](FOREIGN[function])
    assert "cannot be traced by JAX" in told.value.reason
    assert "jax.numpy" in told.value.advice
    assert len(str(told.value).splitlines()) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", SEVERAL)
def test_what_is_not_one_number_is_told_so(way, function):
    with pytest.raises(SettingError) as told:
        WAYS[way](SEVERAL[function])
    assert len(str(told.value).splitlines()) == 2
    if function in ("vector", "matrix"):
        assert "must return one number" in told.value.advice


def test_an_error_in_the_users_function_is_theirs():
    with pytest.raises(SettingError, match="the energy fails: ZeroDivisionError: division by zero"):
        check_point_function(lambda x: 1 / 0, 1, "the energy")
    with pytest.raises(SettingError, match="the energy is no function"):
        check_point_function(3.0, 1, "the energy")


def test_a_function_without_a_gradient_is_refused_where_one_is_needed():
    def walks(x):
        return jax.lax.while_loop(lambda y: y < 10, lambda y: y + 1, x[0])

    check_point_function(walks, 1, "the energy")
    with pytest.raises(SettingError, match="gradient of the energy fails"):
        partition.annealed(walks, BASE)


@pytest.mark.parametrize(
    "proposal",
    [
        stats.norm(),
        SimpleNamespace(log_prob=lambda x: -0.5 * x @ x, sample=lambda key, n: jnp.zeros(n)),
        SimpleNamespace(log_prob=lambda x: -0.5 * x @ x, sample=lambda key, n: np.arange(int(key), n)),
        SimpleNamespace(log_prob=lambda x: -0.5 * x**2, sample=lambda key, n: jnp.zeros((n, 2))),
    ],
)
def test_a_proposal_of_another_kind_is_refused(proposal):
    with pytest.raises(SettingError, match=r"proposal|sample"):
        partition.importance(lambda x: x @ x, proposal, 10, random_state=0)


def test_energies_of_whole_numbers_and_constants_are_energies():
    found = partition.quadrature(lambda x: 0, [0.0], [2.0])
    assert found.estimate.value == pytest.approx(math.log(2), abs=1e-12)


@pytest.mark.parametrize("hints", [[0.0], [[0.0, 1.0]], [[np.nan]], [["a"]]])
def test_hints_are_rows(hints):
    with pytest.raises(SettingError, match="hints"):
        partition.quadrature(lambda x: x @ x, [-1.0], [1.0], hints=hints)


class NumpyObjective:
    def start(self, tilt, bases, key):
        from densimeter.energy.objectives.contract import Learned

        return Learned(tilt), None

    def loss(self, learned, memory, batch):
        return np.mean(np.asarray(batch.rows)), None


def test_an_objective_of_ones_own_is_traced_before_it_trains():
    X = np.random.default_rng(0).normal(size=(40, 1))
    model = EnergyModel("gaussian", hidden=(4,), max_steps=2, objective=NumpyObjective(), random_state=0)
    with pytest.raises(SettingError, match="objective or the proposal cannot be traced"):
        model.fit(X)
