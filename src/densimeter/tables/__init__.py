"""Files in, cleaned rows out.

The story: numerals (numbers and missing cells as text) -> marks (of fractions and of thousands) -> table
(what comes out) -> columns (numbers or not) -> identifiers (columns that name or number the rows) ->
layout (where the rows stand in a text) -> dialect (how a text file is written) -> lines (those that are
rows) -> delimited (text files) -> readers (these, Parquet, Arrow, NPY) -> labels (groups and times of
rows) -> rounding (ties, and noise to undo them) -> cleaning (what is refused or left out) -> inputs
(anything called a table) -> batches (rows that need not fit into memory) -> writers (rows out).
"""

from densimeter.tables.cleaning import CleaningRules
from densimeter.tables.inputs import load_table
from densimeter.tables.table import Note, NoteKind, Table

__all__ = ["CleaningRules", "Note", "NoteKind", "Table", "load_table"]
