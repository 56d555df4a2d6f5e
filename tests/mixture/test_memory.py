"""A fit of a long table holds the table, and a constant."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, warnings
import numpy as np
from densimeter.mixture import GaussianMixture
warnings.simplefilter("ignore")
model = GaussianMixture(4, covariance_type="diag", max_iter=2, init_params="kmeans", random_state=0)
rng = np.random.default_rng(0)
# What does not grow with the rows: libraries, compiled code, pieces.
model.fit(rng.standard_normal((400_000, 8)))
X = rng.standard_normal((4_000_000, 8))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
model.fit(X)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print((after - before) / X.nbytes)
"""


@pytest.mark.slow
def test_a_fit_holds_at_most_half_as_much_again_as_its_rows():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 0.5
