"""Held-out comparison of density models.

The story: splits (which rows are for what) -> duplicates (equal rows among them) -> families (how each model
chooses its settings) -> trials (one model fitted and scored, or failed) -> workers, cache, runner (where
trials run, and what is kept of them) -> sampling_errors, intervals (means with their error) -> ranking (which
models can be told apart) -> results (what was found) -> assembly (from scores to results) -> html (in a
notebook) -> comparison (the whole job).

Beside it, one model for use: single (settings chosen, then fitted for good) -> streaming (scores and samples
in blocks).
"""
