"""Whether a test row that equals a row seen before is a leak, or what the distribution makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.foundations.checks import choose
from densimeter.foundations.errors import DataError
from densimeter.tables.rounding import repeats_may_be_chance
from densimeter.tables.table import Note, Table, decision, row_identities

DUPLICATES = {word: word for word in ("auto", "keep", "drop")}
"""What may be done with equal rows; "auto" leaves them out where they cannot be chance."""


FEWEST_DIFFERENT = 10
"""Rows, or twice the columns and one if that is more."""


@dataclass(frozen=True)
class Duplicates:
    """What is done with equal rows of a table.

    Parameters
    ----------
    rule : str
        ``"keep"`` or ``"drop"``.
    identities : array of shape (n_samples,)
        A number for each row that rows share if they may not stand in different parts.
    by_chance : bool or None
        Whether equal rows may be chance; None where the user has decided, or no two rows are equal.
    """

    rule: str
    identities: np.ndarray
    by_chance: bool | None = None

    @classmethod
    def of(cls, table: Table, word: str = "auto") -> Duplicates:
        """By the user's word, or by what the columns resolve.

        Raises
        ------
        SettingError
            If the word is none of `DUPLICATES`.
        DataError
            If equal rows are kept and hardly any others are there.
        """
        choose("duplicates", word, DUPLICATES)
        each_its_own = np.arange(len(table.rows))
        if word == "keep":
            return cls("keep", each_its_own)
        if word == "drop" or len(np.unique(table.identities)) == len(table.rows):
            return cls("drop", table.identities)
        cells = table.rows if table.originals is None else table.originals
        if repeats_may_be_chance(table.columns, cells, table.identities):
            _refuse_few_different(table)
            return cls("keep", each_its_own, by_chance=True)
        return cls("drop", table.identities, by_chance=False)

    def note(self, table: Table, n_dropped: int) -> Note | None:
        """What was done, where two rows are equal."""
        if self.by_chance:
            n_equal = len(table.rows) - len(np.unique(table.identities))
            return decision(
                f"{n_equal:,} of {len(table.rows):,} rows equal another and were kept: in rounded or counted "
                "columns equal rows are what a distribution makes (--duplicates drop keeps them out of the "
                "validation and test parts)"
            )
        if not n_dropped:
            return None
        text = f"{n_dropped:,} validation or test rows equal a row of an earlier part and were left out"
        if self.by_chance is None:
            return decision(text)
        return decision(
            f"{text}: a column is not rounded, so equal rows cannot be chance (--duplicates keep keeps them)"
        )


def _refuse_few_different(table: Table) -> None:
    n_rows, n_features = table.rows.shape
    n_different = len(np.unique(row_identities(table.rows)))
    fewest = max(FEWEST_DIFFERENT, 2 * n_features + 1)
    if n_different < fewest:
        raise DataError(
            f"{n_different:,} different rows among {n_rows:,} are too few for a density",
            f"give at least {fewest}, or spread rounded values over their cells with --dequantize",
        )
