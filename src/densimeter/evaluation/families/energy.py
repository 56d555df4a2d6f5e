"""The energy-based model with its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from densimeter.evaluation.families.contract import FittedFamily, TrainingParts
from densimeter.foundations.progress import Progress


@dataclass(frozen=True)
class EnergyFamily:
    """The energy-based model with its defaults; training stops by the validation rows, folds or not."""

    name: str = "energy"
    is_normalised: bool = True

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The tilted base, stopped where the validation likelihood is best."""
        from densimeter.energy.estimator import EnergyModel

        estimator = EnergyModel(random_state=seed)
        estimator.fit(parts.train, X_val=parts.validation, progress=progress)
        log_z = estimator.log_normalizer_
        tilt = "kept" if estimator.validation_gain_ > 0 else "none kept"
        settings = {
            "base": _described(estimator.density_.base),
            "tilt": tilt,
            "log_z": log_z.value,
            "log_z_error": log_z.half_width,
        }
        return FittedFamily(estimator, settings)


def _described(base: Any) -> str:
    """What the base turned out to be."""
    from densimeter.energy.stacked_base import StackedBase

    mixture = base.mixture if isinstance(base, StackedBase) else base
    n_components = len(mixture.log_weights)
    normals = "1 Gaussian" if n_components == 1 else f"{n_components} Gaussians"
    return (
        f"{normals} and a kernel, share {float(base.share):.2f}" if isinstance(base, StackedBase) else normals
    )
