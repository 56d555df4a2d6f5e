"""The guided tour: the whole subject on one small world, every figure computed live.

The story: world (the ring, its rows, the fitted models) -> one file for each part -> guide (their order, and
the page).
"""
