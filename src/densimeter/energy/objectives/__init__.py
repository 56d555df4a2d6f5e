"""The ways to learn a tilt, one file each, all behind `contract.Objective`."""

from __future__ import annotations

from densimeter.energy.objectives.contract import Objective
from densimeter.energy.objectives.importance import Importance

OBJECTIVES: dict[str, Objective] = {"importance": Importance()}
"""What a user's word for the objective stands for."""
