"""Fits to batches of rows: gone through many times, or each seen once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.errors import DataError, SettingError
from densimeter.mixture.arguments import check_weights, rows_present
from densimeter.mixture.errors import SingularCovarianceError
from densimeter.mixture.fitting import Recipe, Table, is_proper
from densimeter.mixture.iterated import IteratedMixture
from densimeter.mixture.online import Online


class StreamedMixture(IteratedMixture):
    """A mixture that can also be fitted to what does not fit into memory."""

    _online: Online | None

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

        The first batch is fitted as by `fit`; each later one moves the expected statistics a step towards its
        own, the t-th by ``(t + 1)^-0.6``, so that old batches are slowly forgotten.
        """
        self._check_settings()
        online = getattr(self, "_online", None)
        if online is None:
            self.fit(X, sample_weight=sample_weight)
            rows = self._validated(X, reset=False)
            recipe = self._recipe(rows.shape[1], None)
            self._online = Online.begin(rows, check_weights(rows, sample_weight), recipe, self._parameters)
            return self
        rows = self._validated(X, reset=False)
        moved = online.step(rows, check_weights(rows, sample_weight))
        if not is_proper(self._family, moved.parameters):
            raise SingularCovarianceError
        self._online = moved
        self._store_mixture(moved.parameters, rows.dtype)
        self.n_iter_ += 1
        self.lower_bound_ = moved.lower_bound
        return self
