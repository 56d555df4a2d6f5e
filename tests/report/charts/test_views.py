import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from densimeter.report.charts.views import MOST_POINTS, N_DRAWS, Drawer, View, pairs_by_dependence

COVARIANCE = np.array([[1.0, 0.5, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, 9.0]])


class Normal:
    """N(0, COVARIANCE), which can be sampled and nothing else."""

    def sample(self, n_samples, random_state=None):
        return np.random.default_rng(random_state).multivariate_normal(np.zeros(3), COVARIANCE, n_samples)


class WithMarginals:
    def marginal(self, columns):
        return type("Marginal", (), {"score_samples": lambda _, X: self.log_density(X, columns)})()

    def log_density(self, X, columns):
        return stats.multivariate_normal(cov=COVARIANCE[np.ix_(columns, columns)]).logpdf(X)


class Silent:
    """Scores rows, and tells nothing else."""


@pytest.fixture
def rows():
    return Normal().sample(3000, 1)


@pytest.mark.parametrize("columns", [(0,), (2,), (0, 1), (1, 2)])
def test_smoothed_samples_come_near_the_exact_marginal(rows, columns):
    drawers = [Drawer("drawn", Normal(), 3), Drawer("exact", WithMarginals(), 3)]
    view = View.of(rows, ["a", "b", "c"], columns, drawers)
    drawn, exact = view.densities["drawn"], view.densities["exact"]
    assert drawn.shape == exact.shape
    cell = np.prod([axis[1] - axis[0] for axis in view.axes])
    # total variation: n samples in d columns leave about n^(-2 / (d + 4)), 0.046 for 10,000 and two
    assert 0.5 * np.abs(drawn - exact).sum() * cell < 0.06
    assert drawn.sum() * cell == pytest.approx(1, abs=0.02)


def test_a_density_of_all_columns_is_asked_of_the_model_itself():
    X = np.random.default_rng(0).normal(size=(400, 2))
    model = GaussianMixture(2, random_state=0).fit(X)
    view = View.of(X, ["a", "b"], (0, 1), [Drawer("m", model, 2)])
    x, y = view.axes[0][10], view.axes[1][60]
    assert view.densities["m"][60, 10] == pytest.approx(np.exp(model.score_samples([[x, y]])[0]))


def test_a_mixture_of_scikit_learn_is_sampled(rows):
    drawer = Drawer("m", GaussianMixture(1, random_state=0).fit(rows), 3)
    assert drawer.draws.shape == (N_DRAWS, 3)


def test_a_model_that_tells_no_marginals_is_left_out(rows):
    assert View.of(rows, ["a", "b", "c"], (0, 1), [Drawer("m", Silent(), 3)]).densities == {}


def test_one_outlier_does_not_rule_the_view(rows):
    rows[0] = 1e9
    view = View.of(rows, ["a", "b", "c"], (0, 1), [])
    assert max(axis[-1] for axis in view.axes) < 20
    assert len(view.points) == MOST_POINTS
    assert np.abs(view.points).max() < 20


def test_a_constant_column_has_a_view():
    view = View.of(np.full((50, 1), 3.0), ["a"], (0,), [])
    assert view.axes[0][0] < 3 < view.axes[0][-1]


def test_dependent_pairs_come_first_whatever_the_scale():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 2000))
    rows = np.column_stack([rng.normal(size=2000), np.exp(5 * x), x**2 + 0.1 * noise, rng.normal(size=2000)])
    assert pairs_by_dependence(rows, 4)[0] == (1, 2)
    assert pairs_by_dependence(rows, 2) == [(1, 2)]
    assert len(pairs_by_dependence(rows, 4)) == 6
