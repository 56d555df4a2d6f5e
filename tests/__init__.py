"""A package: processes that import a test by name find this one, not one that another package installed."""
