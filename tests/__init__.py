"""A package, so that processes which import a test by name find this one and not one that others installed."""
