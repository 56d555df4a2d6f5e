"""Every number in every kind of file, forged: an error, or score and sample are of one density of mass 1."""

import warnings

import numpy as np
import pytest

import densimeter as dm
from densimeter.energy.density import TiltedDensity
from densimeter.energy.kernel_base import KernelBase
from densimeter.energy.normalizer import Precision, estimate_log_z
from densimeter.energy.stacked_base import StackedBase
from densimeter.foundations.errors import DataError
from densimeter.foundations.precision import double_precision
from densimeter.foundations.randomness import key_from

X = np.random.default_rng(3).gamma(2.0, size=(300, 1))
TINY = dict(hidden=(4,), n_frequencies=2, max_steps=400, log_z_width=0.02, random_state=0)  # noqa: C408


def tilted():
    return dm.EnergyModel("gaussian", **TINY).fit(X)


def tilted_stack():
    """A stack by hand, with the tilt of a fit: a fit of one would take long."""
    model = tilted()
    kernel = KernelBase.of(model.scaling_.apply(X[:20]), np.array([0.3]))
    stack = StackedBase(model.density_.base, kernel, 0.4)
    model.density_ = TiltedDensity(stack, model.density_.tilt).in_double_precision()
    with double_precision():
        model.log_normalizer_ = estimate_log_z(model.density_, Precision(0.02, 0.95), key_from(0))
    return model


def mixture(covariance_type):
    return lambda: dm.GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)


MODELS = {
    **{name: mixture(name) for name in ("full", "tied", "diag", "spherical")},
    "online": lambda: dm.GaussianMixture(2, random_state=0).partial_fit(X).partial_fit(X + 1),
    "bayesian": lambda: dm.BayesianGaussianMixture(n_components=2, max_iter=500, random_state=0).fit(X),
    "kernel of one width": lambda: dm.KernelDensity(0.3).fit(X[:50]),
    "kernel of a width a column": lambda: dm.KernelDensity([0.3]).fit(X[:50]),
    "kernel of a matrix": lambda: dm.KernelDensity([[0.1]]).fit(X[:50]),
    "kernel by cross-validation": lambda: dm.KernelDensity().fit(X[:50]),
    "streamed kernel": lambda: dm.KernelDensity(0.5).partial_fit(X[:200]).partial_fit(X[200:] + 30),
    "energy": tilted,
    "energy on a stack": tilted_stack,
}

FORGERIES = {
    "doubled": lambda number: 2 * number,
    "turned": lambda number: -number,
    "huge": lambda number: 1e300,
    "next to nothing": lambda number: 1e-320,
    "nothing": lambda number: 0.0,
    "no number": lambda number: np.nan,
}

OF_THE_PAST = ("history", "scan", "lower_bound", "restart_bound", "online")
"""Numbers that tell of the fit, or are for its continuation, and are no part of the density."""


def each_cell(arrays, most=2):
    """Names and places of some numbers of each array, the first and the last among them."""
    for name in sorted(arrays):
        if not any(word in name for word in OF_THE_PAST):
            places = np.unique(np.linspace(0, arrays[name].size - 1, most).round().astype(int))
            yield from ((name, place) for place in places if arrays[name].size)


def forged_files(content, opened, resealed):
    """What was forged, and the file."""
    parts = opened(content)
    for name, place in each_cell(parts.arrays):
        for how, forge in FORGERIES.items():

            def change(document, arrays, name=name, place=place, forge=forge):
                arrays[name] = arrays[name].copy()
                arrays[name].flat[place] = forge(arrays[name].flat[place])

            yield f"{name}[{place}] {how}", resealed(content, change)
    for name in sorted(parts.arrays):

        def turn(document, arrays, name=name):
            arrays[name] = np.flip(arrays[name]).copy()

        yield f"{name} turned round", resealed(content, turn)
    for name, value in parts.document["model"].items():
        if isinstance(value, float) and name.startswith("state.") and "outcome" not in name:
            for how, forge in FORGERIES.items():
                if np.isfinite(forge(value)):
                    yield (
                        f"{name} {how}",
                        resealed(
                            content,
                            lambda document, arrays, name=name, forge=forge: document["model"].update(
                                {name: forge(document["model"][name])}
                            ),
                        ),
                    )


def around(rows):
    """Places that resolve the density of these rows: between each two of them, and beyond the last."""
    rows = np.unique(rows)
    gaps = np.diff(rows)
    inner = (rows[:-1, None] + gaps[:, None] * np.linspace(0, 1, 8, endpoint=False)).ravel()
    beside = np.minimum(gaps[np.maximum(np.arange(len(gaps)) - 1, 0)], np.append(gaps[1:], gaps[-1]))
    for place in np.flatnonzero(gaps > 1e4 * beside):  # between narrow and wide components
        steps = np.geomspace(1e-2 * beside[place], gaps[place], 3000)
        inner = np.concatenate([inner, rows[place] + steps, rows[place + 1] - steps])
    step = np.ptp(rows) / 400
    beyond = step * np.cumsum(1.05 ** np.arange(150))
    return np.unique(np.concatenate([rows[0] - beyond, inner, rows[-1:], rows[-1] + beyond]))


def check_density(model, what):
    """Its mass by quadrature is one, and its rows have its distribution function."""
    with np.errstate(all="ignore"):
        if getattr(model, "_stream", None) is not None:  # gives no rows
            stream, rows = model._stream, None
            reach = (stream.summary.box.row_extent + 10) * stream.scales
            ends = [stream.centre - reach, stream.centre + reach, *stream.strays]
            room = 10 * stream.scales[0]
            x = np.linspace(np.min(ends) - room, np.max(ends) + room, 20_001)
        else:
            drawn = model.sample(1000, random_state=0)
            rows = np.sort((drawn[0] if isinstance(drawn, tuple) else drawn)[:, 0])
            assert np.isfinite(rows).all(), what
            x = around(rows)
        scores = model.score_samples(x[:, None])
        assert not np.isnan(scores).any(), what
        heights = np.exp(scores)
        cumulative = np.concatenate([[0], np.cumsum((heights[1:] + heights[:-1]) / 2 * np.diff(x))])
    claimed = getattr(model, "log_normalizer_", None)
    off = 0.02 if claimed is None else 0.02 + (claimed.upper - claimed.lower)
    assert abs(cumulative[-1] - 1) < off, (what, cumulative[-1])
    if rows is not None:
        expected = np.interp(rows, x, cumulative)
        distance = np.abs(expected - (np.arange(len(rows)) + 0.5) / len(rows)).max()
        assert distance < 0.075, (what, distance)


LONG = ("energy on a stack", "online", "kernel by cross-validation", "tied", "kernel of a width a column")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in MODELS]
)
def test_a_forged_number_is_refused_or_makes_another_density(name, file, opened, resealed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what few rows leave open
        dm.save(MODELS[name](), file)
        content = file.read_bytes()
        check_density(dm.load(file), "as it was")
        refused = 0
        for what, forged in forged_files(content, opened, resealed):
            file.write_bytes(forged)
            try:
                model = dm.load(file)
            except DataError:
                refused += 1
                continue
            check_density(model, what)
        assert refused > 0
