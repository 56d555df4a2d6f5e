"""Gaussian mixtures, their number of components chosen by held-out likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.evaluation.families.contract import FittedFamily, SettingScan, TrainingParts
from densimeter.foundations.progress import Progress

MAX_COMPONENTS = 20
"""Mixtures of 1 to this many components are tried."""

ENOUGH_VALIDATION_ROWS = 2000
"""From here on one validation part tells neighbouring numbers of components apart."""


@dataclass(frozen=True)
class MixtureFamily:
    """Gaussian mixtures with full covariances; the number of components has the best held-out likelihood.

    Few validation rows choose badly: their noise is larger than the differences between neighbouring numbers
    of components. Small tables are therefore cross-validated over all rows that are not for testing.
    """

    name: str = "mixture"
    is_normalised: bool = True

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The mixture among 1 to `MAX_COMPONENTS` components that unseen rows like best."""
        from densimeter.mixture.selection import select_components

        one_part = not parts.folds or (
            not parts.cross_validate and len(parts.validation) >= ENOUGH_VALIDATION_ROWS
        )
        folds = [(parts.train, parts.validation)] if one_part else list(parts.fold_rows())
        # a component needs a few rows for each of its own coordinates
        fewest = min(len(seen) for seen, _ in folds)
        most = int(np.clip(fewest // (2 * (parts.train.shape[1] + 1)), 1, MAX_COMPONENTS))
        held_out, n_unseen = np.zeros(most), sum(len(unseen) for _, unseen in folds)
        for step, (seen, unseen) in enumerate(folds):
            progress(step, len(folds) + 1, f"{self.name}: choosing components")
            tried = select_components(
                seen, range(1, most + 1), criterion="held-out", X_val=unseen, random_state=seed
            )
            scores = {candidate.n_components: candidate.model.score(unseen) for candidate in tried.candidates}
            held_out += [len(unseen) * scores.get(k, -np.inf) for k in range(1, most + 1)]
        chosen = int(np.argmax(held_out)) + 1
        selection = select_components(parts.final, [chosen], criterion="bic", random_state=seed)
        tried = tuple(float(k) for k in range(1, most + 1))
        scan = SettingScan("components", tried, tuple((held_out / n_unseen).tolist()), float(chosen))
        settings = {"components": chosen, "covariance": "full"}
        n_floored = int(selection.model.on_floor_.sum())
        if n_floored:
            settings["as narrow as values resolve"] = f"{n_floored} of {chosen}"
        return FittedFamily(selection.model, settings, scan)
