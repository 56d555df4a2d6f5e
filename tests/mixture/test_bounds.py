import numpy as np
import pytest

from densimeter.foundations.errors import DensimeterError
from densimeter.mixture import GaussianMixture, component_elbo, elbo


@pytest.fixture(scope="module")
def mixture():
    means = np.array([[0.0, 0.0], [3.0, 1.0], [-2.0, 2.0]])
    return GaussianMixture.from_parameters([0.2, 0.5, 0.3], means, np.tile(np.eye(2), (3, 1, 1)))


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(40, 2)) * 3


def test_the_posterior_makes_the_bound_the_density(mixture, rows):
    np.testing.assert_allclose(component_elbo(mixture, rows), mixture.score_samples(rows), rtol=1e-12)


def test_what_is_missed_is_the_divergence_to_the_posterior(mixture, rows):
    q = np.random.default_rng(1).dirichlet(np.ones(3), size=len(rows))
    divergence = (q * (np.log(q) - np.log(mixture.predict_proba(rows)))).sum(axis=1)
    np.testing.assert_allclose(
        component_elbo(mixture, rows, q) + divergence, mixture.score_samples(rows), rtol=1e-12
    )


def test_uniform_by_name_and_by_numbers(mixture, rows):
    by_numbers = component_elbo(mixture, rows, np.full(3, 1 / 3))
    np.testing.assert_allclose(component_elbo(mixture, rows, "uniform"), by_numbers, rtol=1e-14)


def test_one_component_alone_is_its_joint_density(mixture, rows):
    bound = component_elbo(mixture, rows, [0, 1, 0])
    np.testing.assert_allclose(bound, mixture.log_joint(rows)[:, 1], rtol=1e-14)


@pytest.mark.parametrize(
    "q", [[0.5, 0.5], [0.5, 0.6, 0.1], [-0.1, 0.6, 0.5], [np.nan, 0.5, 0.5], "posteriro"]
)
def test_what_is_no_distribution_is_refused(mixture, rows, q):
    with pytest.raises(DensimeterError, match="q "):
        component_elbo(mixture, rows, q)


def test_the_old_name_still_works_and_says_the_new_one(mixture, rows):
    with pytest.warns(DeprecationWarning, match="component_elbo"):
        old = elbo(mixture, rows)
    np.testing.assert_array_equal(old, component_elbo(mixture, rows))
