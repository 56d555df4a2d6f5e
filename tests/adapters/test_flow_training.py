"""Without flowjax everything else works, and the error says how to get it."""

import sys

import numpy as np
import pytest

from densimeter.adapters.flow_density import FlowDensity
from densimeter.foundations.errors import SettingError


def test_without_flowjax_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "flowjax", None)
    with pytest.raises(SettingError, match=r"pip install 'densimeter\[flows\]'"):
        FlowDensity().fit(np.zeros((10, 2)))
