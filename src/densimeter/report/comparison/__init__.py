"""The page of a comparison, a section a file.

The story: ranking (who is best, by how much) -> densities (what each model believes) -> fit, columns (is any
right) -> single_rows (which rows decide) -> settings (what was tried) -> training (of an energy model, its
log Z) -> provenance (the data, the protocol, how to make it again) -> page (all of it as HTML). Each takes a
comparison as `densimeter.compare` returns it, or anything with its attributes.
"""
