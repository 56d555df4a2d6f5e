"""After a fork: an error at once where JAX is needed, and the right numbers where it is not."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")

JOBS = """
import multiprocessing, sys, warnings
import numpy as np
import densimeter as dm

warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(60, 2))
MAKE = {
    "kernel": lambda: dm.KernelDensity(bandwidth="scott"),
    "searched": dm.KernelDensity,
    "mixture": lambda: dm.GaussianMixture(2, random_state=0),
    "bayesian": lambda: dm.BayesianGaussianMixture(n_components=2, random_state=0),
    "energy": lambda: dm.EnergyModel(random_state=0, base="mixture", max_steps=5, patience=1),
}
CALLS = {
    "fit": lambda name, model: MAKE[name]().fit(X),
    "score_samples": lambda name, model: model.score_samples(X),
    "sample": lambda name, model: model.sample(5, random_state=0) if name == "kernel" else model.sample(5),
}
OTHERS = {
    "partial_fit": lambda: MAKE["mixture"]().partial_fit(X),
    "fit_batches": lambda: MAKE["mixture"]().fit_batches(lambda: iter([X])),
    "select_components": lambda: dm.select_components(X, range(1, 3), random_state=0),
    "fit_variational": lambda: dm.fit_variational(lambda x: -0.5 * x @ x, 2, random_state=0, max_steps=5),
    "compare": lambda: dm.compare(X, random_state=0),
}

def told(job):
    try:
        job()
        return "works"
    except dm.DensimeterError as problem:
        return "says spawn" if "spawn" in str(problem) else repr(problem)

def answer(pipe, job):
    pipe.send(told(job))

def in_child(name, job):
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=answer, args=(theirs, job))
    child.start()
    print(name, ours.recv() if ours.poll(30) else "hangs", flush=True)
    child.kill()
    child.join()
"""
BEFORE = """
for name in ("kernel", "mixture"):
    in_child(name + ".fit", lambda: MAKE[name]().fit(X))
"""
AFTER = """
for name in ("kernel", "mixture", "bayesian", "energy"):
    model = MAKE[name]().fit(X)
    model.score_samples(X)
    for what, call in CALLS.items():
        in_child(name + "." + what, lambda: call(name, model))
in_child("searched.fit", lambda: MAKE["searched"]().fit(X))
for name, job in OTHERS.items():
    in_child(name, job)
"""


def answers(script):
    done = subprocess.run(
        [sys.executable, "-c", JOBS + script], capture_output=True, text=True, timeout=300, check=True
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_a_child_forked_before_the_first_use_computes():
    assert answers(BEFORE) == {"kernel.fit": "works", "mixture.fit": "works"}


def test_a_child_forked_after_it_ends_at_once():
    told = answers(AFTER)
    assert len(told) == 18
    assert set(told.values()) <= {"works", "says spawn"}, told
    for fit in ("mixture.fit", "bayesian.fit", "energy.fit", "searched.fit", "partial_fit", "compare"):
        assert told[fit] == "says spawn"
    assert told["mixture.score_samples"] == "works"
