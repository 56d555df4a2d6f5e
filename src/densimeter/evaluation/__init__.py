"""Held-out comparison of density models.

The story: splits (which rows are for what) -> intervals (means with their error) -> families (how each model
chooses its settings) -> results (what was found) -> html (shown in a notebook) -> comparison (the whole job).
"""
