"""Models of other packages as normalised densities of the user's columns.

The story: column_families (scipy's families, one column at a time) -> multivariate_families (those of a whole
row) -> scipy_density (both as an estimator) -> draws (rows from any model that can be sampled) -> elementwise
(derivatives of functions of one number) -> jacobians (what a preprocessing step does to volumes) ->
step_chain (steps one after the other, and back) -> pipeline_density (a pipeline as a density in the user's
units) -> flow_training and flow_density (normalizing flows of flowjax).
"""
