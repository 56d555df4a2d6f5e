"""What a comparison should show besides its ranking; pure functions over scores, rows and samples.

The story: availability (what a model cannot give) -> rows (which rows decide, which nobody explains) ->
ranks (uniform if the model is right) -> cells (rounded columns) -> calibration (columns and density levels)
-> marginals (each column by itself) -> two_sample (can a classifier tell samples from rows) -> tails (scores
without a variance) -> model (all of it for one model).
"""

from densimeter.evaluation.diagnostics.availability import NotAvailable
from densimeter.evaluation.diagnostics.calibration import (
    Calibration,
    highest_density_coverage,
    probability_integral_transform,
)
from densimeter.evaluation.diagnostics.marginals import MarginalFit, marginal_fits
from densimeter.evaluation.diagnostics.model import ModelDiagnostics, diagnose
from densimeter.evaluation.diagnostics.rows import (
    SeparatingRow,
    UnexplainedRow,
    separating_rows,
    unexplained_rows,
)
from densimeter.evaluation.diagnostics.tails import TailSummary, summarise_tail
from densimeter.evaluation.diagnostics.two_sample import TwoSampleTest, classifier_two_sample_test

__all__ = [
    "Calibration",
    "MarginalFit",
    "ModelDiagnostics",
    "NotAvailable",
    "SeparatingRow",
    "TailSummary",
    "TwoSampleTest",
    "UnexplainedRow",
    "classifier_two_sample_test",
    "diagnose",
    "highest_density_coverage",
    "marginal_fits",
    "probability_integral_transform",
    "separating_rows",
    "summarise_tail",
    "unexplained_rows",
]
