"""Density models of a table, compared by normalised, held-out log-likelihood.

The public names stand in the stub beside this file, each with its home, and nowhere else. They are loaded
when they are first used, so that ``import densimeter`` costs next to nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
