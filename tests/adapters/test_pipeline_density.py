"""Pipelines as densities: change of variables in closed form, total mass one, refusals by name."""

import numpy as np
import pytest
from scipy import special, stats
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA, FastICA
from sklearn.feature_selection import SelectKBest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

from densimeter.adapters.pipeline_density import PipelineDensity, as_density
from densimeter.adapters.scipy_density import ScipyDensity
from densimeter.energy import EnergyModel
from densimeter.foundations.cubature import Tolerances, integrate
from densimeter.foundations.errors import DensimeterWarning, FitError, SettingError
from densimeter.foundations.estimates import Guarantee

LOG = FunctionTransformer(np.log, np.exp)


def density(*steps):
    return PipelineDensity(make_pipeline(*steps))


def _takes_no_weights(estimator):
    """scikit-learn's mixture has none, and its pipeline says so rather than leave them out."""
    checks = ("weights_list", "weights_not_overwritten", "weight_equivalence_on_dense_data")
    unweighted = isinstance(estimator.pipeline.steps[-1][1], GaussianMixture)
    return {f"check_sample_{name}": "no sample_weight in the last step" for name in checks if unweighted}


@parametrize_with_checks(
    [density(StandardScaler(), GaussianMixture(random_state=0)), density(ScipyDensity())],
    expected_failed_checks=_takes_no_weights,
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def _rows(n=400, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return np.exp(0.5 * rng.normal(size=(n, d)) @ (np.eye(d) + 0.4)) * 10.0 ** np.arange(d)


class Cube(TransformerMixin, BaseEstimator):
    """x -> x^3 + x, with a Jacobian of its own."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X**3 + X

    def inverse_transform(self, Z):
        root = np.cbrt(Z / 2 + np.sqrt(Z**2 / 4 + 1 / 27))
        return root - 1 / (3 * root)

    def log_abs_det_jacobian(self, X):
        return np.log(3 * X**2 + 1).sum(axis=1)


STEPS = {
    "standard": StandardScaler(),
    "standard, mean only": StandardScaler(with_std=False),
    "min-max": MinMaxScaler((-2, 7)),
    "max-abs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "robust, unscaled": RobustScaler(with_scaling=False),
    "yeo-johnson": PowerTransformer(),
    "yeo-johnson, raw": PowerTransformer(standardize=False),
    "box-cox": PowerTransformer("box-cox"),
    "pca": PCA(),
    "pca, whitened": PCA(whiten=True),
    "ica": FastICA(random_state=0),
    "log": LOG,
    "sqrt": FunctionTransformer(np.sqrt, np.square),
    "identity": FunctionTransformer(),
    "lambda": FunctionTransformer(lambda X: np.log(X + 2), lambda Z: np.exp(Z) - 2),
    "keyword": FunctionTransformer(
        lambda X, shift: np.log(X + shift),
        lambda Z, shift: np.exp(Z) - shift,
        kw_args={"shift": 2},
        inv_kw_args={"shift": 2},
    ),
    "own method": Cube(),
    "passthrough": "passthrough",
}


@pytest.mark.parametrize("name", STEPS)
def test_the_jacobian_is_that_of_finite_differences(name):
    X = _rows()
    model = density(STEPS[name], ScipyDensity("multivariate_normal")).fit(X)
    step = model.pipeline_[0]
    rows, size = X[:20], 1e-5 * X.std(axis=0)
    if name == "passthrough":
        slopes = np.broadcast_to(np.eye(2), (20, 2, 2))
    else:
        slopes = np.stack(
            [
                (step.transform(rows + size * e) - step.transform(rows - size * e)) / (2 * size @ e)
                for e in np.eye(2)
            ],
            axis=-1,
        )
    image = rows if name == "passthrough" else step.transform(rows)
    expected = model.pipeline_[-1].score_samples(image) + np.linalg.slogdet(slopes)[1]
    np.testing.assert_allclose(model.score_samples(rows) + model.log_normalizer_.value, expected, atol=1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_integrates_to_one_in_one_dimension(name):
    X = _rows(d=1)
    model = density(STEPS[name], GaussianMixture(2, random_state=0)).fit(X)

    def integrand(rows):
        return model.score_samples(rows), np.ones(len(rows))

    # differences cannot be taken on the edge of the shifted logarithm's domain, where there is no mass
    pieces = [(-1.999 if name in ("lambda", "keyword") else -np.inf, 0.0), (0.0, np.inf)]
    total = 0.0
    for lower, upper in pieces:
        found = integrate(integrand, np.array([lower]), np.array([upper]), Tolerances(1e-6, 1e-9), X)
        total += found.value * np.exp(found.log_scale)
    # three times the half-width at 99 %, for one interval in a hundred would miss
    assert total == pytest.approx(1, abs=1e-5 + 3 * model.log_normalizer_.half_width)


@pytest.mark.parametrize("name", ["yeo-johnson", "pca, whitened", "log"])
def test_integrates_to_one_in_two_dimensions(name):
    X = _rows()
    model = density(StandardScaler(), PCA(), GaussianMixture(3, random_state=0)).fit(X)
    if name != "pca, whitened":
        model = density(STEPS[name], StandardScaler(), GaussianMixture(3, random_state=0)).fit(X)

    def integrand(rows):
        return model.score_samples(rows), np.ones(len(rows))

    lower = np.zeros(2) if name == "log" else np.full(2, -np.inf)
    found = integrate(integrand, lower, np.full(2, np.inf), Tolerances(1e-4), X)
    assert found.value * np.exp(found.log_scale) == pytest.approx(
        1, abs=1e-3 + 3 * model.log_normalizer_.half_width
    )


def test_a_normal_density_of_logarithms_is_the_lognormal():
    X = _rows(d=1)
    model = density(LOG, ScipyDensity("norm")).fit(X)
    logs = np.log(X[:, 0])
    truth = stats.lognorm(s=logs.std(), scale=np.exp(logs.mean()))
    np.testing.assert_allclose(model.score_samples(X), truth.logpdf(X[:, 0]), rtol=1e-12)
    assert model.score_samples([[-1.0], [0.0]]).tolist() == [-np.inf, -np.inf]
    assert model.log_normalizer_.guarantee is Guarantee.EXACT


def test_scaling_does_not_change_a_density_that_scales_itself():
    X = _rows()
    plain = GaussianMixture(1, reg_covar=0).fit(X)
    for step in (StandardScaler(), PCA(whiten=True), MinMaxScaler(), FastICA(random_state=0)):
        inside = density(step, GaussianMixture(1, reg_covar=0)).fit(X)
        np.testing.assert_allclose(inside.score_samples(X), plain.score_samples(X), rtol=1e-7)


def test_a_truncated_image_is_counted_exactly():
    """The square root of x is normal cut at zero, whose mass above zero is known."""
    rng = np.random.default_rng(0)
    X = (1.0 + 0.7 * rng.normal(size=(4000, 1))) ** 2
    model = density(FunctionTransformer(np.sqrt, np.square), ScipyDensity("norm")).fit(X)
    inner = model.pipeline_[-1].params_[0]
    truth = stats.norm(inner["loc"], inner["scale"]).logsf(0)
    assert truth < -0.01
    log_z = model.log_normalizer_
    assert abs(log_z.value - truth) <= 2 * log_z.half_width
    assert (model.sample(1000, random_state=0) > 0).all()


def test_without_a_sampler_a_truncated_image_is_told():
    class Unsampled(BaseEstimator):
        def fit(self, X, y=None):
            self.inner_ = stats.norm(X.mean(), X.std())
            return self

        def score_samples(self, X):
            return self.inner_.logpdf(X[:, 0])

    with pytest.warns(DensimeterWarning, match="cannot be sampled"):
        model = density(FunctionTransformer(np.sqrt, np.square), Unsampled()).fit(_rows(d=1))
    assert not hasattr(model, "sample")
    assert model.log_normalizer_.guarantee is Guarantee.NONE


def test_nested_pipelines_are_one_chain():
    X = _rows()
    nested = density(
        make_pipeline(LOG, StandardScaler()), make_pipeline(PCA(), GaussianMixture(2, random_state=0))
    )
    flat = density(LOG, StandardScaler(), PCA(), GaussianMixture(2, random_state=0))
    np.testing.assert_array_equal(nested.fit(X).score_samples(X), flat.fit(X).score_samples(X))


@pytest.mark.parametrize("name", STEPS)
def test_samples_are_of_the_density(name):
    X = _rows(d=1)
    model = density(STEPS[name], GaussianMixture(2, random_state=0)).fit(X)
    drawn = model.sample(3000, random_state=0)
    np.testing.assert_array_equal(drawn, model.sample(3000, random_state=0))
    inner = np.asarray(model.pipeline_[-1].sample(50_000)[0])
    rows = model._chain.backward(inner)
    assert stats.ks_2samp(drawn[:, 0], rows[0][rows[1]][:, 0]).pvalue > 1e-3


def test_output_as_data_frames_goes_through():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(_rows(), columns=["a", "b"])
    pipeline = make_pipeline(StandardScaler(), PCA(), GaussianMixture(random_state=0)).set_output(
        transform="pandas"
    )
    model = PipelineDensity(pipeline).fit(frame)
    plain = density(StandardScaler(), PCA(), GaussianMixture(random_state=0)).fit(frame)
    np.testing.assert_allclose(model.score_samples(frame), plain.score_samples(frame))


def test_validation_rows_reach_the_last_step_transformed():
    seen = {}

    class Watching(ScipyDensity):
        def fit(self, X, y=None, X_val=None):
            seen["X_val"] = X_val
            return super().fit(X)

    X = _rows()
    model = density(StandardScaler(), Watching()).fit(X[:200], X_val=X[200:])
    np.testing.assert_allclose(seen["X_val"], model.pipeline_[0].transform(X[200:]))


def test_the_normaliser_of_the_last_step_is_kept():
    X = np.random.default_rng(0).normal(size=(300, 1)) * 1000
    energy = EnergyModel(base="gaussian", hidden=(8,), max_steps=100, log_z_width=0.1, random_state=0)
    model = density(StandardScaler(), energy).fit(X)
    assert model.log_normalizer_ == model.pipeline_[-1].log_normalizer_
    alone = EnergyModel(base="gaussian", hidden=(8,), max_steps=100, log_z_width=0.1, random_state=0).fit(X)
    assert model.score(X) == pytest.approx(alone.score(X), abs=1e-3)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (PCA(1), r"'pca' \(PCA\) keeps 1 of 2"),
        (FastICA(1, random_state=0), "keeps 1 of 2"),
        (MinMaxScaler(clip=True), "clips"),
        (MaxAbsScaler(clip=True), "clips"),
        (QuantileTransformer(n_quantiles=10), "beyond the training rows"),
        (Normalizer(), "rays"),
        (SelectKBest(k=1), "drops columns"),
        (FunctionTransformer(np.log), "no inverse_func"),
        (FunctionTransformer(np.log, np.sqrt), "does not undo"),
        (
            FunctionTransformer(
                lambda X: X @ np.array([[1, 1], [0, 1]]), lambda Z: Z @ np.array([[1, -1], [0, 1]])
            ),
            "mixes columns",
        ),
        (KernelDensity(), "not known to be invertible"),
    ],
)
def test_a_step_without_an_inverse_is_refused_by_name(step, message):
    model = PipelineDensity(Pipeline([(type(step).__name__.lower(), step), ("last", ScipyDensity())]))
    with pytest.raises(SettingError, match=message):
        model.fit(_rows(60))


def test_dependent_columns_cannot_be_whitened():
    x = np.random.default_rng(0).normal(size=(50, 1))
    with pytest.raises(SettingError, match="do not vary"):
        density(PCA(whiten=True), ScipyDensity()).fit(np.c_[x, 2 * x])


def test_a_last_step_without_scores_is_refused():
    with pytest.raises(SettingError, match="no score_samples"):
        density(StandardScaler(), StandardScaler()).fit(_rows())


def test_training_rows_outside_a_functions_domain_are_an_error():
    with pytest.raises(FitError, match="not finite"), np.errstate(all="ignore"):
        density(LOG, ScipyDensity()).fit(_rows() - 5)


def test_as_density_wraps_pipelines_alone():
    assert isinstance(as_density(make_pipeline(StandardScaler(), GaussianMixture())), PipelineDensity)
    mixture = GaussianMixture()
    assert as_density(mixture) is mixture


def test_input_is_never_modified():
    X = _rows()
    X.setflags(write=False)
    before = X.copy()
    for name in STEPS:
        density(STEPS[name], ScipyDensity()).fit(X).score_samples(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    "function", [np.log, np.sqrt, np.exp, special.logit, np.arcsinh, np.tanh], ids=lambda f: f.__name__
)
def test_known_derivatives_are_those_of_differences(function):
    from densimeter.adapters.elementwise import KNOWN, log_derivative

    x = np.linspace(0.05, 0.95, 50)[:, None]
    np.testing.assert_allclose(KNOWN[function].log_derivative(x), log_derivative(function, x, "f"), atol=1e-8)


def test_all_known_derivatives_by_mpmath():
    mpmath = pytest.importorskip("mpmath")
    from densimeter.adapters.elementwise import KNOWN

    for function, known in KNOWN.items():
        x = 0.37
        slope = mpmath.diff(lambda t, f=function: mpmath.mpf(float(f(float(t)))), x, h=1e-5)
        assert float(known.log_derivative(np.array([x]))[0]) == pytest.approx(
            float(mpmath.log(abs(slope))), abs=1e-5
        )


def test_a_staircase_has_no_derivative():
    from densimeter.adapters.elementwise import log_derivative

    with pytest.raises(FitError, match="could not be differentiated"):
        log_derivative(np.round, np.array([[0.2], [1.1]]), "f")
