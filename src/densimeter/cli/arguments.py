"""What commands share: arguments that mean the same wherever they stand, and the table that DATA names."""

from __future__ import annotations

import csv
import math
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densimeter.foundations.errors import SettingError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

Data = Annotated[
    str, typer.Argument(metavar="DATA", help="A CSV, Parquet, Arrow or NPY file, or a built-in table.")
]

ModelFile = Annotated[Path, typer.Argument(metavar="MODEL.dm", help="A file that densimeter fit wrote.")]

RowsOut = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where to write them: .parquet, .csv or .npy.")
]

Text = Annotated[
    str, typer.Option(metavar="error|drop", help="Columns that are not numbers: refuse or leave out.")
]

Redundant = Annotated[
    str, typer.Option(metavar="error|drop", help="Columns that others determine: refuse or leave out.")
]

NaValues = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="Numbers that mark missing cells, as -999,9999.")
]

Confidence = Annotated[float, typer.Option(help="Of the interval.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result alone.")]

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

LARGEST_SEED = 2**32 - 1


def names_in(listing: str | None) -> list[str] | None:
    """The names in a list with commas; a name that has a comma itself stands in quotes."""
    if listing is None:
        return None
    names = [name.strip() for line in csv.reader([listing], skipinitialspace=True) for name in line]
    return [name for name in names if name]


def numbers_in(option: str, listing: str | None) -> list[float]:
    """The numbers in a list with commas; none for None.

    Raises
    ------
    SettingError
        If one is not a finite number.
    """
    numbers = []
    for word in names_in(listing) or []:
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SettingError(f"{option} takes numbers, got {word!r}", f"give them as in {option} -999,9999")
        numbers.append(number)
    return numbers


def table_called(data: str, seed: int, to_fit: bool) -> Path | pa.Table:
    """The built-in table of that name, or else the file.

    Rows of a synthetic table are drawn with the seed: as many as a comparison fits models to, if they are
    `to_fit`, else as many as it has in all.
    """
    from densimeter.datasets import NAMED_DATASETS

    if data in NAMED_DATASETS:
        dataset = NAMED_DATASETS[data]
        held_out = None if to_fit else dataset.default_test_fraction
        return dataset.table(held_out or sys.float_info.min, seed)
    check_is_file_or_name(data, NAMED_DATASETS)
    return Path(data)


def check_is_file_or_name(data: str, names: Collection[str]) -> None:
    """A word without an ending that is no file was meant as the name of a built-in table."""
    if not Path(data).suffix and not os.path.exists(data):  # a name too long is no error here
        raise SettingError(
            f"{data!r} is no file and no built-in table",
            f"{did_you_mean(data, names)} (see densimeter compare --list)",
        )
