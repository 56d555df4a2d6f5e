"""Single rows: those that most separate the two best models, and those that no model explains."""

from __future__ import annotations

from typing import Any

from densimeter.report.blocks import Cell, Section, Table
from densimeter.report.numerals import MINUS, fixed

MOST_COLUMNS = 6
"""Whose values stand in a table of rows."""


def single_rows(comparison: Any, diagnostics: Any) -> Section | None:
    """Both tables, each row with its place in the source and its values; None if there is neither."""
    tables = []
    if diagnostics.separating:
        tables.append(_separating(comparison, diagnostics))
    if diagnostics.unexplained:
        tables.append(_unexplained(comparison, diagnostics.unexplained))
    if not tables:
        return None
    words = (
        "A mean hides who decides it. The first table has the test rows on which the two best models differ "
        "most; the second those that every model finds least likely, where errors in the data would be.",
    )
    return Section("rows", "Rows worth a look", words[: len(tables)], (), tables)


def _separating(comparison: Any, diagnostics: Any) -> Table:
    first, second = diagnostics.separated
    heads = ["row", f"{first}, nats", f"{second}, nats", "difference", *_columns(comparison)]
    cells = [
        [
            _place(row),
            *(Cell(fixed(value, 2), value) for value in (row.first, row.second, row.difference)),
            *_values(comparison, row),
        ]
        for row in diagnostics.separating
    ]
    caption = f"Rows that speak loudest for {first} or {second}; rows are counted from 0 in the source"
    return Table(caption, heads, cells)


def _unexplained(comparison: Any, rows: Any) -> Table:
    heads = ["row", "highest log-density, nats", "by", *_columns(comparison)]
    cells = [
        [
            _place(row),
            Cell(fixed(row.best_score, 2), row.best_score),
            Cell(row.best_model, model=row.best_model),
            *_values(comparison, row),
        ]
        for row in rows
    ]
    return Table("Rows that no model explains; rows are counted from 0 in the source", heads, cells)


def _place(row: Any) -> Cell:
    return Cell(f"{row.index:,}", row.index)


def _columns(comparison: Any) -> tuple[str, ...]:
    return comparison.data.columns[:MOST_COLUMNS]


def _values(comparison: Any, row: Any) -> list[Cell]:
    values = comparison.held_out.rows[row.position][:MOST_COLUMNS].tolist()
    return [Cell(f"{value:.6g}".replace("-", MINUS), value) for value in values]
