import numpy as np
import pytest
from scipy import stats

from densimeter.foundations.diagnostics import chi_square, effective_sample_size, pareto_k


def test_effective_sample_size_is_kish():
    weights = np.array([1.0, 2.0, 0.0, 5.0])
    with np.errstate(divide="ignore"):
        log_weights = np.log(weights)
    assert effective_sample_size(log_weights) == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert chi_square(log_weights) == pytest.approx(weights.var() / weights.mean() ** 2)


def test_all_diagnostics_are_free_of_scale():
    log_weights = np.random.default_rng(0).normal(size=5000)
    for measure in (effective_sample_size, chi_square, pareto_k):
        assert measure(log_weights + 3000) == pytest.approx(measure(log_weights), rel=1e-9)
        assert measure(log_weights - 3000) == pytest.approx(measure(log_weights), rel=1e-9)


@pytest.mark.parametrize("shape", [0.0, 0.3, 0.6, 1.0, 1.5])
def test_pareto_k_finds_the_shape_of_pareto_weights(shape):
    weights = stats.genpareto(shape).rvs(200_000, random_state=np.random.default_rng(1))
    # the tail has 1342 members; the error of a shape is (1 + k) / sqrt(1342), and the prior pulls by 0.007
    assert pareto_k(np.log(weights)) == pytest.approx(shape, abs=3.5 * (1 + shape) / np.sqrt(1342) + 0.01)


def test_pareto_k_agrees_with_maximum_likelihood_on_the_same_tail():
    weights = np.sort(np.random.default_rng(3).lognormal(sigma=1.5, size=40_000))
    n_tail = 600
    tail = weights[-n_tail:] - weights[-n_tail - 1]
    fitted, _, _ = stats.genpareto.fit(tail, floc=0)
    assert pareto_k(np.log(weights)) == pytest.approx(fitted, abs=0.03)


def test_flat_weights_have_no_tail_and_few_weights_say_nothing():
    assert pareto_k(np.full(1000, -7.0)) == -np.inf
    assert pareto_k(np.zeros(10)) == np.inf
    assert pareto_k(np.full(1000, -np.inf)) == np.inf


def test_no_weight_at_all():
    assert effective_sample_size(np.full(4, -np.inf)) == 0
    assert chi_square(np.full(4, -np.inf)) == np.inf
