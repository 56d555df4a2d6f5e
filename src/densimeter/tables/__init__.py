"""Files in, cleaned rows out.

The story: table (what comes out) -> numerals (numbers and missing cells as text) -> dialect (how a text file
is written) -> delimited (text files) -> readers (these and Parquet, Arrow, NPY) -> columns (numbers or not)
-> labels (groups and times of rows) -> lattice (even spacing) -> rounding (ties, and noise to undo them)
-> cleaning (what is refused or left out) -> inputs (anything called a table) -> batches (rows that need not
fit into memory) -> writers (rows out).
"""

from densimeter.tables.cleaning import CleaningRules
from densimeter.tables.inputs import load_table
from densimeter.tables.table import Note, NoteKind, Table

__all__ = ["CleaningRules", "Note", "NoteKind", "Table", "load_table"]
