"""Files in, cleaned rows out.

The story: table (what comes out) -> readers (CSV, Parquet, Arrow, NPY) -> columns (numbers or not) ->
rounding (ties and lattices) -> cleaning (what is refused or left out) -> inputs (anything called a table).
"""

from densimeter.tables.cleaning import CleaningRules
from densimeter.tables.inputs import load_table
from densimeter.tables.table import Note, NoteKind, Table

__all__ = ["CleaningRules", "Note", "NoteKind", "Table", "load_table"]
