"""The ways to learn a tilt, one file each, all behind `contract.Objective`."""

from __future__ import annotations

from densimeter.energy.objectives.contract import Objective
from densimeter.energy.objectives.importance import Importance
from densimeter.energy.objectives.noise_contrastive import NoiseContrastive
from densimeter.energy.objectives.persistent import Persistent
from densimeter.energy.objectives.score_matching import DenoisingScoreMatching, SlicedScoreMatching
from densimeter.energy.objectives.self_normalized import SelfNormalized

OBJECTIVES: dict[str, Objective] = {
    "importance": Importance(),
    "self_normalized": SelfNormalized(),
    "noise_contrastive": NoiseContrastive(),
    "persistent": Persistent(),
    "score_matching": DenoisingScoreMatching(),
    "sliced_score_matching": SlicedScoreMatching(),
}
"""What a user's word for the objective stands for."""
