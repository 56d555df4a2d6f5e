"""The parts that need no training, against what is known of them."""

import math

import numpy as np
import pytest

from densimeter.report.parts import Figure
from densimeter.tour.asymmetry import describe_asymmetry
from densimeter.tour.bound import describe_bound
from densimeter.tour.gradient import describe_gradient
from densimeter.tour.limit import describe_limit
from densimeter.tour.recovery import describe_recovery
from densimeter.tour.ring import describe_ring
from densimeter.tour.verdict import softmax_score
from densimeter.tour.world import World


@pytest.fixture(scope="module")
def world():
    return World(radius=10.0, seed=0)


def _value(figure: Figure) -> float:
    return figure.value if isinstance(figure.value, float) else figure.value.value


def test_the_ring_integrates_to_one_and_its_entropy_is_known(world):
    figures = describe_ring(world).figures
    assert _value(figures["integral_wide"]) == pytest.approx(1, abs=1e-9)
    assert _value(figures["integral_tight"]) == pytest.approx(1, abs=1e-9)
    # well apart: log 10 + log 2 pi e, less what little the hills overlap
    assert _value(figures["entropy_wide"]) == pytest.approx(
        math.log(10) + math.log(2 * math.pi) + 1, abs=0.03
    )


def test_em_finds_the_wide_ring_and_not_the_tight_one(world):
    figures = describe_recovery(world).figures
    assert _value(figures["largest_mean_deviation_wide"]) < 0.5
    assert _value(figures["largest_weight_deviation_wide"]) < 0.05
    assert _value(figures["largest_mean_deviation_tight"]) > 0.5
    assert _value(figures["loss_of_one"]) < _value(figures["loss_of_ten"])


def test_the_gradient_is_data_term_minus_model_term(world):
    figures = describe_gradient(world).figures
    assert _value(figures["largest_gradient"]) > 0.1
    # central differences with steps of 1e-5 of numbers near one leave about 1e-10
    assert _value(figures["largest_difference"]) < 1e-8
    assert _value(figures["largest_sampling_error"]) < 0.1


def test_bound_and_divergence_add_up(world):
    figures = describe_bound(world).figures
    assert _value(figures["n_q"]) > 1000
    assert _value(figures["largest_deviation"]) < 1e-12
    assert _value(figures["largest_deviation_ring"]) < 1e-12
    assert _value(figures["elbo_uniform"]) < _value(figures["log_p"])


def test_the_published_divergences(world):
    figures = describe_asymmetry(world).figures
    for name, known in {
        "forward_variances": 133.33,
        "reverse_variances": 3.69,
        "forward_standard_deviations": 176.61,
        "reverse_standard_deviations": 2.54,
    }.items():
        assert _value(figures[name]) == pytest.approx(known, abs=0.005)
    assert _value(figures["forward_weights_78_22"]) == pytest.approx(97.77, rel=0.02)


def test_the_bounds_of_the_ring_and_their_limit(world):
    figures = describe_limit(world).figures
    assert _value(figures["uniform_error"]) < 1e-11
    assert _value(figures["posterior_identity"]) < 1e-11
    assert _value(figures["limit_error"]) < 1e-11
    assert _value(figures["components_needed"]) <= 100


def test_a_softmax_over_samples_is_never_above_minus_log_n():
    energies = np.random.default_rng(0).normal(size=2836)
    assert softmax_score(np.zeros(2836)) == pytest.approx(-math.log(2836))
    assert softmax_score(energies) < -math.log(2836)
    assert -math.log(2836) == pytest.approx(-7.95, abs=0.001)


def test_one_part_does_not_change_another(world):
    np.testing.assert_array_equal(World(seed=0).tight_test, world.tight_test)
    assert not np.array_equal(World(seed=1).test, world.test)
