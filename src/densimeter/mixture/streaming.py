"""Fits to batches of rows: gone through many times, or each seen once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from densimeter.foundations.dependence import relations_untold
from densimeter.foundations.errors import DataError, FitError, SettingError
from densimeter.mixture.arguments import rows_present
from densimeter.mixture.errors import SingularCovarianceError
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitting import Recipe, Table, is_proper
from densimeter.mixture.iterated import IteratedMixture
from densimeter.mixture.online import FORGETTING, GROWTH, ROWS_TO_START, followed, pieces_of


class StreamedMixture(IteratedMixture):
    """A mixture that can also be fitted to what does not fit into memory."""

    _seen: float | None = None
    """The weight of the rows that the mixture stands for, None if that is not known."""
    _held: tuple[np.ndarray, np.ndarray] | None = None
    """The first rows of a stream and their weights, while there are too few of them to give them up."""

    def _recipe(self, n_features: int, capacity: int | None) -> Recipe:
        raise NotImplementedError

    def _fit_table(self, table: Table, n_features: int, capacity: int | None) -> Self:
        raise NotImplementedError

    def fit_batches(self, batches: Iterable[Any] | Callable[[], Iterable[Any]]) -> Self:
        """Fit to batches of rows that need not fit into memory together, by the same EM as `fit`.

        Parameters
        ----------
        batches : list or other re-iterable, or callable
            Of arrays ``(n, n_features)``, or of pairs of such an array and its weights ``(n,)``. It is gone
            through once for each iteration and a few times more, so a generator will not do: pass the
            function that makes it.

        Raises
        ------
        SettingError
            If `batches` can be gone through only once.
        DataError
            As `fit`.
        """
        self._check_settings()
        if isinstance(batches, Iterator):
            raise SettingError(
                "batches can be gone through only once",
                "pass a list, or the function that makes the generator",
            )
        make = batches if callable(batches) else lambda: batches
        first = next(self._checked(make(), reset=True), None)
        if first is None:
            raise DataError("there is no batch", "give at least one batch of rows")
        table = Table(lambda: self._checked(make(), reset=False), first[0].dtype, resident=False)
        return self._fit_table(table, first[0].shape[1], None)

    def _checked(self, batches: Iterable[Any], reset: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for batch in batches:
            X, sample_weight = batch if isinstance(batch, tuple) else (batch, None)
            yield rows_present(self._validated(X, reset=reset), sample_weight, relative=False)

    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Go on with one more batch of rows, by stepwise EM (Cappé and Moulines, 2009, eq. 9).

        A mixture that was fitted, or loaded, goes on from there: the rows it was fitted to count with their
        weight. One that was not keeps the first 1,000 rows, and is fitted to them anew whenever they have
        grown by a quarter; as long as there are fewer rows than components it is not fitted yet. From then on
        no row is kept. Rows are slowly forgotten: when their weight has grown from n to N, those before count
        ``(n / N)^3``, into whatever batches they were cut. Rows in an order that says something, such as one
        cluster after the other, are better shuffled.

        Raises
        ------
        FitError
            If it is not known how many rows the mixture stands for, as of one made of given parameters.
        DataError
            If no row of the batch has a cell.
        SingularCovarianceError
            If a covariance is no longer positive definite; the mixture is as before the batch.
        """
        self._check_settings()
        started = self._held is not None or hasattr(self, "means_")
        rows, weights = rows_present(self._validated(X, reset=not started), sample_weight, relative=False)
        if self._held is not None or not started:
            return self._gather(rows, weights)
        if self._seen is None:
            raise FitError(
                "it is not known how many rows this mixture stands for, and what new ones weigh beside them",
                "fit it to rows, with warm_start=True to begin where it is",
            )
        return self._follow(rows, weights, self._seen)

    def _gather(self, rows: np.ndarray, weights: np.ndarray) -> Self:
        """Keep the rows, and fit to all that are kept when they have grown."""
        if self._held is not None:
            rows, weights = (np.concatenate(both) for both in zip(self._held, (rows, weights), strict=True))
        enough = len(rows) >= ROWS_TO_START
        grown = self._seen is None or float(weights.sum()) >= GROWTH * self._seen
        if enough:
            with relations_untold():
                return self.fit(rows, sample_weight=weights)
        if grown and len(rows) >= max(self.n_components, 2):
            ignored = suppress(DataError, SingularCovarianceError)
            with warnings.catch_warnings(), ignored, relations_untold():
                warnings.simplefilter("ignore", ConvergenceWarning)
                self.fit(rows, sample_weight=weights)  # for the time being
        self._held = rows, weights
        return self

    def _follow(self, rows: np.ndarray, weights: np.ndarray, seen: float) -> Self:
        """Steps with rows that are not kept."""
        parameters = Parameters(*(np.asarray(part, np.float64) for part in self._parameters))
        bound = self.lower_bound_
        for part in pieces_of(weights, seen):
            parameters, reached = followed(
                self._family, parameters, rows[part], weights[part], seen, self.reg_covar
            )
            if not is_proper(self._family, parameters):
                raise SingularCovarianceError
            before, seen = seen, seen + float(weights[part].sum(dtype=np.float64))
            bound += (1 - (before / seen) ** FORGETTING) * (reached - bound)
        self._store_mixture(parameters, rows.dtype)
        self._seen = seen
        self.n_iter_ += 1
        self.lower_bound_ = bound
        return self
