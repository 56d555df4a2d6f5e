"""The main job on the ring of ten unit Gaussians at radius 10: 1,000 training rows, 20,000 fresh test rows.

Prints, for each seed, the mean test log-likelihood of the oracle and of each model, and the seconds of the
commands as a user types them. Run: ``python benchmarks/compare_ring.py``.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

import densimeter as dm
from densimeter.evaluation.families import FAMILIES
from densimeter.foundations.progress import silent

N_TRAIN, N_VALIDATION, N_TEST, SEEDS = 1000, 250, 20_000, range(5)
GRID = np.linspace(0.1, 5, 20)


def main() -> None:
    """Print the table of likelihoods, then the seconds."""
    ring = dm.datasets.RingOfGaussians(10, 10.0)
    print("| seed | oracle | mixture | kernel, grid (bandwidth) | kernel | energy |")
    print("| --- | --- | --- | --- | --- | --- |")
    gaps = []
    for seed in SEEDS:
        rows = ring.sample(N_TRAIN + N_VALIDATION + N_TEST, random_state=seed)
        train, validation, test = np.split(rows, [N_TRAIN, N_TRAIN + N_VALIDATION])
        oracle = ring.log_prob(test).mean()
        on_grid = dm.KernelDensity(candidates=GRID).fit(train, X_val=validation)
        scores = {
            name: family.fit(train, validation, seed, silent).estimator.score(test)
            for name, family in FAMILIES.items()
        }
        gaps.append(
            [
                oracle - scores["mixture"],
                oracle - on_grid.score(test),
                oracle - scores["kernel"],
                oracle - scores["energy"],
            ]
        )
        print(
            f"| {seed} | {oracle:.3f} | {scores['mixture']:.3f} | {on_grid.score(test):.3f} "
            f"({np.ravel(on_grid.bandwidth_)[0]:.3f}) | {scores['kernel']:.3f} | {scores['energy']:.3f} |",
            flush=True,
        )
    print("| mean gap | | " + " | ".join(f"{gap:.3f}" for gap in np.mean(gaps, axis=0)) + " |")
    print()
    for arguments in (["--help"], ["compare", "ring"]):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "densimeter", *arguments], check=True, stdout=subprocess.DEVNULL
        )
        print(f"`densimeter {' '.join(arguments)}`: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
