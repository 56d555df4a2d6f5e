"""How each model is fitted for a comparison: on training rows, its settings chosen on validation rows.

The story: contract (what a family is given, and gives) -> mixture, kernel, energy (those of this package) ->
foreign (any estimator) -> named (what a user's words stand for).
"""

from densimeter.evaluation.families.contract import Family, FittedFamily, SettingScan, TrainingParts
from densimeter.evaluation.families.foreign import EstimatorFamily
from densimeter.evaluation.families.named import FAMILIES, Models, families_of

__all__ = [
    "FAMILIES",
    "EstimatorFamily",
    "Family",
    "FittedFamily",
    "Models",
    "SettingScan",
    "TrainingParts",
    "families_of",
]
