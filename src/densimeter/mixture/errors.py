"""The one error that only a mixture can raise."""

from __future__ import annotations

from densimeter.foundations.errors import FitError


class SingularCovarianceError(FitError, ValueError):
    """A component collapsed: its covariance is not positive definite (a ValueError, as in scikit-learn)."""

    def __init__(self) -> None:
        super().__init__(
            "fitting failed because some components have ill-defined covariances "
            "(for instance caused by singleton or collapsed samples)",
            "decrease n_components, increase reg_covar, or scale the input data",
        )
