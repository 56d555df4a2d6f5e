"""Default fits end, on however few processors: a compiled program must not wait for threads it occupies.

Each run is a process of its own, bound to its processors before JAX starts, and killed at a time limit
that is many times what it needs. What a fit is worth is tested elsewhere.
"""

import os
import subprocess
import sys

import pytest

FITS = """
import os, sys, tempfile, warnings
cores = int(sys.argv[1])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
os.environ["NPROC"] = str(cores)  # the size of XLA's pool, where there are more processors than there seem
import numpy as np
import pandas as pd
import densimeter as dm
warnings.simplefilter("ignore")

def rows(d, k):
    rng = np.random.default_rng(d * k)
    n = max(2 * d, 3 * k) + 20
    return rng.normal(size=(n, d)) + 6 * rng.integers(0, 3, (n, 1))

def mixture(d, k):
    return dm.GaussianMixture(k, random_state=0).fit(rows(d, k))

def tied(d, k):
    return dm.GaussianMixture(k, covariance_type="tied", random_state=0).fit(rows(d, k))

def gaps(d, k):
    X = rows(d, k)
    X[::7, 0] = np.nan
    return dm.GaussianMixture(k, random_state=0, max_iter=5).fit(X)

def batches(d, k):
    X = rows(d, k)
    return dm.GaussianMixture(k, random_state=0, max_iter=5).fit_batches(lambda: iter([X[::2], X[1::2]]))

def bayesian(d, k):
    return dm.BayesianGaussianMixture(n_components=k, random_state=0, max_iter=5).fit(rows(d, k))

def selection(d, k):
    return dm.select_components(rows(d, k), range(1, 3), random_state=0).best

def kernel(d, k):
    return dm.KernelDensity().fit(rows(d, k))

def energy(d, k):
    return dm.EnergyModel(random_state=0, max_steps=50).fit(rows(d, k))

def variational(d, k):
    settings = dict(family="mixture", n_components=k, max_steps=5, random_state=0)
    return dm.fit_variational(lambda x: -0.5 * x @ x, d, **settings)

def command(d, k):
    from densimeter.cli.main import app
    from typer.testing import CliRunner
    with tempfile.TemporaryDirectory() as folder:
        table = np.concatenate([rows(d, k + i) for i in range(3)])  # a fifth of them is for validation
        pd.DataFrame(table).add_prefix("x").to_csv(folder + "/t.csv", index=False)
        for model in ("mixture", "kernel"):
            fit = ["fit", folder + "/t.csv", "--model", model, "--out", folder + "/m.dm"]
            told = CliRunner().invoke(app, fit)
            assert told.exit_code == 0, told.output

for case in sys.argv[2:]:
    name, d, k = case.split(":")
    globals()[name](int(d), int(k))
    print(case, flush=True)
"""

EVERY_SIZE = [f"mixture:{d}:{k}" for d in (1, 2, 5, 10, 20, 30, 60, 100) for k in (1, 10, 30)]
EVERY_FAMILY = [
    f"{name}:{d}:10" for name in ("tied", "gaps", "batches", "bayesian") for d in (5, 30, 60, 100)
]
EVERY_MODEL = [
    f"{name}:{d}:1" for name in ("selection", "kernel", "energy", "command") for d in (1, 10, 30, 60)
]
EVERY_MODEL += [f"variational:{d}:10" for d in (10, 30, 60)]
FEW = [
    *("mixture:1:1", "mixture:10:30", "mixture:30:10", "mixture:60:10", "mixture:100:1"),
    *("tied:40:10", "gaps:30:10", "batches:30:10", "bayesian:30:10"),
    *("selection:30:1", "kernel:30:1", "variational:30:10", "command:30:1"),
]


def run(cores, cases, limit, cache):
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", FITS, str(cores), *cases]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment)
    except subprocess.TimeoutExpired as late:
        ended = (late.stdout or b"").decode().split()
        pytest.fail(f"{cases[len(ended)]} did not end in time on {cores} processors")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == cases


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Programs are compiled once for all numbers of processors."""
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.parametrize("cores", [2, 1, 4])
def test_default_fits_end(cores, cache):
    run(cores, FEW, 300, cache)


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2, 4])
@pytest.mark.parametrize(
    "cases", [EVERY_SIZE, EVERY_FAMILY, EVERY_MODEL], ids=["sizes", "families", "models"]
)
def test_default_fits_of_every_size_end(cases, cores, cache):
    run(cores, cases, 1200, cache)
