"""Models of other packages as normalised densities of the user's columns.

The story: column_families (scipy's families, one column at a time) -> multivariate_families (those of a whole
row) -> scipy_density (both as an estimator) -> jacobians (what a preprocessing step does to volumes) ->
pipeline_density (a pipeline as a density in the user's units) -> draws (rows from any model that can be
sampled).
"""
