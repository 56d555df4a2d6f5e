"""How many components: fit every candidate, score it by a criterion, keep the table and the winner."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from densimeter.foundations.checks import check_count, choose
from densimeter.foundations.dependence import relations_untold
from densimeter.foundations.errors import DataError, DensimeterWarning, FitError, SettingError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.foundations.rows import missing_as_nan
from densimeter.mixture.estimator import GaussianMixture

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of the table: what was fitted, and its criterion, of which lower is better."""

    n_components: int
    covariance_type: str
    criterion: float
    lower_bound: float
    n_parameters: int
    converged: bool
    model: GaussianMixture


@dataclass(frozen=True, slots=True)
class ComponentSelection:
    """Every candidate, the criterion by which they were ranked, and the winner.

    Attributes
    ----------
    criterion : str
        Its name.
    candidates : tuple of Candidate
        In the order they were tried.
    failures : tuple of (int, str, str)
        Candidates that could not be fitted: number of components, family, reason.
    """

    criterion: str
    candidates: tuple[Candidate, ...]
    failures: tuple[tuple[int, str, str], ...]

    @property
    def best(self) -> Candidate:
        """The candidate with the lowest criterion; the first of equals."""
        return min(self.candidates, key=lambda candidate: candidate.criterion)

    @property
    def model(self) -> GaussianMixture:
        """The fitted winner."""
        return self.best.model

    @property
    def n_components(self) -> int:
        """The winner's number of components."""
        return self.best.n_components

    def to_records(self) -> list[dict[str, Any]]:
        """The table as one dictionary per candidate."""
        names = ("n_components", "covariance_type", "criterion", "lower_bound", "n_parameters", "converged")
        return [{name: getattr(candidate, name) for name in names} for candidate in self.candidates]

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas data frame, one row per candidate (needs pandas)."""
        import pandas as pd

        return pd.DataFrame(self.to_records())

    def plot(self, ax: Any = None) -> Any:
        """The criterion against the number of components, a curve per family; returns the Axes."""
        from densimeter.plotting.selection import plot_selection

        curves: dict[str, list[tuple[float, float]]] = {}
        for candidate in self.candidates:
            point = (candidate.n_components, candidate.criterion)
            curves.setdefault(candidate.covariance_type, []).append(point)
        best = (self.best.n_components, self.best.criterion)
        return plot_selection(curves, best, x_label="components", y_label=self.criterion, ax=ax)


Criterion = Callable[[GaussianMixture, np.ndarray, np.ndarray], float]
"""From a fitted mixture, the training and the validation rows to a number, the lower the better."""


def _bic(model: GaussianMixture, X: np.ndarray, X_val: np.ndarray) -> float:
    return model.bic(X)


def _aic(model: GaussianMixture, X: np.ndarray, X_val: np.ndarray) -> float:
    return model.aic(X)


def _icl(model: GaussianMixture, X: np.ndarray, X_val: np.ndarray) -> float:
    """BIC plus twice the entropy of the assignments (Biernacki, Celeux and Govaert, 2000, eq. 3.4)."""
    posterior = model.predict_proba(X)
    logs = np.log(np.where(posterior > 0, posterior, 1))
    return model.bic(X) - 2 * float((posterior * logs).sum())


def _held_out(model: GaussianMixture, X: np.ndarray, X_val: np.ndarray) -> float:
    return -model.score(X_val)


CRITERIA: dict[str, Criterion] = {"bic": _bic, "aic": _aic, "icl": _icl, "held-out": _held_out}
"""What the words of ``criterion`` stand for."""

VALIDATION_FRACTION = 0.2
"""Rows held out when the criterion is "held-out" and no validation rows are given."""


def select_components(
    X: ArrayLike,
    components: int | Iterable[int] = 10,
    criterion: str = "bic",
    X_val: ArrayLike | None = None,
    *,
    covariance_type: str | Sequence[str] = "full",
    n_init: int = 1,
    random_state: RandomState = None,
    **settings: Any,
) -> ComponentSelection:
    """Fit a mixture for every number of components and keep the one that the criterion prefers.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Training rows.
    components : int or iterable of int
        The candidates; an int stands for 1 up to it.
    criterion : {"bic", "aic", "icl", "held-out"}
        Bayesian or Akaike's information criterion, integrated completed likelihood, or minus the mean
        log-likelihood of validation rows in nats per row. Of each, lower is better.
    X_val : array-like, optional
        Validation rows for "held-out"; a fifth of `X` is set aside if they are missing.
    covariance_type : str or sequence of str
        One family, or several to choose from.
    n_init : int
        Restarts of each candidate, each the best of many short runs unless `init_params` says otherwise.
    random_state : int, RandomState, Generator or None
        Randomness of the starts and of the rows set aside.
    **settings
        Further parameters of `GaussianMixture`.

    Returns
    -------
    ComponentSelection
        The table of candidates, and the fitted winner as ``.model``.

    Raises
    ------
    SettingError
        If a candidate or the criterion is not valid.
    FitError
        If no candidate could be fitted.

    Notes
    -----
    All candidates of a family run through one compiled loop, padded with components of weight zero.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(-4, 1, (300, 1)), rng.normal(4, 1, (300, 1))])
    >>> select_components(X, 4, random_state=0).n_components
    2
    """
    judge = choose("criterion", criterion, CRITERIA)
    numbers = _candidates(components)
    families = [covariance_type] if isinstance(covariance_type, str) else list(covariance_type)
    rng = generator_from(random_state)
    rows, held_out = _rows(X, X_val, criterion, rng)
    candidates, failures = [], []
    for family in families:
        for k in numbers:
            model = GaussianMixture(
                k, covariance_type=family, n_init=n_init, random_state=int(rng.integers(2**31)), **settings
            )
            try:
                with warnings.catch_warnings(), relations_untold():
                    warnings.simplefilter("ignore", ConvergenceWarning)  # told in the table instead
                    warnings.simplefilter("ignore", DensimeterWarning)  # told by `on_floor_` and weights
                    model._fit(rows, None, capacity=max(numbers))
            except (FitError, DataError) as error:
                failures.append((k, family, error.reason))
                continue
            candidates.append(
                Candidate(
                    k,
                    family,
                    judge(model, rows, held_out),
                    model.lower_bound_,
                    model._n_parameters(),
                    model.converged_,
                    model,
                )
            )
    if not candidates:
        raise FitError(
            "no candidate could be fitted: " + failures[0][2], "give more rows or fewer components"
        )
    return ComponentSelection(criterion, tuple(candidates), tuple(failures))


def _candidates(components: int | Iterable[int]) -> list[int]:
    given = range(1, components + 1) if isinstance(components, int) else list(components)
    numbers = sorted({check_count("components", k) for k in given})
    if not numbers:
        raise SettingError("components has no candidate", "give at least one number of components")
    return numbers


def _rows(
    X: ArrayLike, X_val: ArrayLike | None, criterion: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.asarray(missing_as_nan(X))
    if X_val is not None:
        return rows, np.asarray(missing_as_nan(X_val))
    if criterion != "held-out":
        return rows, rows[:0]
    order = rng.permutation(len(rows))
    n_val = max(1, int(VALIDATION_FRACTION * len(rows)))
    return rows[order[n_val:]], rows[order[:n_val]]
