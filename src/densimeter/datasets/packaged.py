"""Real tables that travel with the package."""

from __future__ import annotations

from importlib import resources

import numpy as np
from sklearn.utils import Bunch


def load_old_faithful() -> Bunch:
    """The 272 eruptions of the Old Faithful geyser: duration and waiting time, in minutes.

    Source: A. Azzalini and A. W. Bowman, "A look at some data on the Old Faithful geyser", Applied
    Statistics 39 (1990), 357-365. Both columns are rounded (many durations to whole seconds, waiting times
    to whole minutes).

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` of shape (272, 2), ``feature_names``, ``DESCR``.

    Examples
    --------
    >>> faithful = load_old_faithful()
    >>> faithful.data.shape, faithful.feature_names
    ((272, 2), ['eruptions', 'waiting'])
    """
    file = resources.files("densimeter.datasets") / "data" / "old_faithful.csv"
    header, *lines = file.read_text(encoding="utf-8").split()
    rows = np.array([line.split(",") for line in lines], np.float64)
    return Bunch(
        data=rows, feature_names=header.split(","), DESCR=(load_old_faithful.__doc__ or "").splitlines()[0]
    )
