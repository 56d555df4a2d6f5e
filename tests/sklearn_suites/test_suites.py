"""scikit-learn's own tests pass with our classes in place of theirs, but for those that a page lists.

The list is docs/scikit-learn.md itself: a heading names the suite, and a row of the table under it a test
that fails, ``test_name`` for all of its cases or ``test_name[case]`` for one, and why it may.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "scikit-learn.md"
MIXTURES = "sklearn.mixture:GaussianMixture,BayesianGaussianMixture"
SUITES = {
    "sklearn.mixture.tests.test_gaussian_mixture": MIXTURES,
    "sklearn.mixture.tests.test_bayesian_mixture": MIXTURES,
    "sklearn.mixture.tests.test_mixture": MIXTURES,
    "sklearn.neighbors.tests.test_kde": "sklearn.neighbors:KernelDensity",
}
"""Test modules of scikit-learn, where they take the classes from, and which stand in."""


def excepted(suite):
    """The tests that the page says may fail."""
    heading = rf"^#+ `{re.escape(suite)}`$"
    section = re.search(heading + r"(.*?)(?=^#|\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert section, f"{PAGE.name} has no heading for {suite}"
    return set(re.findall(r"^\| `(test_[^`]*)` +\| \S", section[1], re.MULTILINE))


def outcomes_of(suite, folder):
    """What became of each test of a suite, by name."""
    file = folder / "outcomes.json"
    paths = [str(HERE), *filter(None, sys.path)]
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\n")  # none of ours
    options = ["-q", "--tb=line", "-p", "stand_in", "-p", "no:cacheprovider", "-c", str(settings)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--pyargs", suite],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "STAND_IN": SUITES[suite],
            "STAND_IN_OUTCOMES": str(file),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert file.exists(), run.stdout + run.stderr
    return json.loads(file.read_text()), run.stdout


@pytest.mark.parametrize("suite", SUITES)
def test_only_what_the_page_lists_fails(suite, tmp_path):
    listed = excepted(suite)
    outcomes, told = outcomes_of(suite, tmp_path)
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    passed = {name for name, outcome in outcomes.items() if outcome == "passed"}
    meant = {name for name in outcomes if name in listed or name.partition("[")[0] in listed}
    assert passed, told
    assert failed - meant == set(), f"these fail and are not in {PAGE.name}\n{told}"
    assert meant & passed == set(), f"these are in {PAGE.name} and pass"
    known = {name for test in meant for name in (test, test.partition("[")[0])}
    assert listed - known == set(), f"these are in {PAGE.name} and not in the suite"
