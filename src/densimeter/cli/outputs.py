"""Files that a command writes: refused before the work, written together after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from densimeter.foundations.errors import SettingError
from densimeter.foundations.files import check_writable


def check_outputs(files: Sequence[Path | None], reading: Path | None = None) -> None:
    """Refuse what could only fail after the work is done.

    Raises
    ------
    SettingError
        If a file cannot be written, is the one that is read, or is named twice.
    """
    named = [file for file in files if file is not None]
    for file in named:
        check_writable(file, reading=reading)
    for place, file in enumerate(named):
        if any(file.resolve() == other.resolve() for other in named[:place]):
            raise SettingError(f"{file} is named for two results", "give each result a file of its own")


def check_rows_out(out: Path | None, model: Path, data: Path | None = None) -> None:
    """Refuse a file for rows that could not be written, or would replace what is read.

    Raises
    ------
    SettingError
        If that is so, or its ending names no kind of table.
    """
    if out is None:
        return
    from densimeter.tables.writers import check_ending

    check_ending(out)
    check_outputs([out], reading=data)
    if out.exists() and model.exists() and out.samefile(model):
        raise SettingError(f"{out} is the model itself", "write the rows to another file")


def as_json(result: dict[str, Any]) -> str:
    """A result as the text of a JSON file."""
    return json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
