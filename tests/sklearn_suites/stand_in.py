"""A pytest plugin: scikit-learn's tests with this package's classes in place of theirs.

`pytest -p stand_in` puts the classes that the environment variable STAND_IN names, such as
``sklearn.mixture:GaussianMixture,BayesianGaussianMixture``, into that module before tests import it, and
writes what became of each test, as JSON, to the file that STAND_IN_OUTCOMES names.
"""

import importlib
import json
import os
from pathlib import Path

outcomes: dict[str, str] = {}


def pytest_configure():
    import densimeter

    module, _, names = os.environ["STAND_IN"].partition(":")
    for name in names.split(","):
        setattr(importlib.import_module(module), name, getattr(densimeter, name))


def pytest_runtest_logreport(report):
    if report.when == "call" or not report.passed:
        outcomes[report.nodeid.rpartition("::")[2]] = report.outcome


def pytest_sessionfinish():
    Path(os.environ["STAND_IN_OUTCOMES"]).write_text(json.dumps(outcomes))
