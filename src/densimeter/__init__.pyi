from . import (
    adapters as adapters,
)
from . import (
    datasets as datasets,
)
from . import (
    energy as energy,
)
from . import (
    evaluation as evaluation,
)
from . import (
    kernel_density as kernel_density,
)
from . import (
    mixture as mixture,
)
from . import (
    partition as partition,
)
from . import (
    plotting as plotting,
)
from . import (
    storage as storage,
)
from . import (
    tables as tables,
)
from . import (
    variational as variational,
)
from ._version import __version__ as __version__
from .adapters.flow_density import FlowDensity as FlowDensity
from .adapters.pipeline_density import PipelineDensity as PipelineDensity
from .adapters.pipeline_density import as_density as as_density
from .adapters.scipy_density import ScipyDensity as ScipyDensity
from .energy.estimator import EnergyModel as EnergyModel
from .evaluation.comparison import compare as compare
from .evaluation.results import Comparison as Comparison
from .foundations.errors import DataError as DataError
from .foundations.errors import DensimeterError as DensimeterError
from .foundations.errors import DensimeterWarning as DensimeterWarning
from .foundations.errors import FitError as FitError
from .foundations.errors import ForkedProcessError as ForkedProcessError
from .foundations.errors import NonFiniteError as NonFiniteError
from .foundations.errors import SettingError as SettingError
from .foundations.estimates import Estimate as Estimate
from .foundations.estimates import Guarantee as Guarantee
from .kernel_density.estimator import KernelDensity as KernelDensity
from .mixture.bayesian import BayesianGaussianMixture as BayesianGaussianMixture
from .mixture.estimator import GaussianMixture as GaussianMixture
from .mixture.selection import select_components as select_components
from .plotting.comparison_display import ComparisonDisplay as ComparisonDisplay
from .plotting.density_display import DensityDisplay as DensityDisplay
from .plotting.diagnostic_displays import CalibrationDisplay as CalibrationDisplay
from .plotting.diagnostic_displays import MarginalDisplay as MarginalDisplay
from .storage.files import load as load
from .storage.files import save as save
from .variational import elbo as elbo
from .variational import fit_variational as fit_variational
from .variational import jensen_shannon_divergence as jensen_shannon_divergence
from .variational import kl_divergence as kl_divergence
from .variational import renyi_divergence as renyi_divergence
from .variational import reverse_kl_divergence as reverse_kl_divergence
from .variational import symmetrised_kl_divergence as symmetrised_kl_divergence
