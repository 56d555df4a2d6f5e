"""Energy-based models: a base density tilted by a network, its log Z certified.

The story, each file importing only those before it:

`networks`      g: a perceptron with waves among its inputs, zero before training
`tilt`          t: g within its bound; weakened and capped when training is over
`base`          q: a Gaussian mixture; `mixture_base` chooses and fits it, `stacked_base` puts a kernel
                estimate, `kernel_base`, beside it
`proposal`      where the draws that stand for q come from, and their weights
`transitions`   Metropolis-adjusted Langevin steps
`objectives`    the ways to learn t, one file each
`validation`    how much of a tilt rows that it has not seen support
`training`      the loop; `checkpoint` keeps it on disk
`crossfit`      bases that have not seen the rows they are tilted on
`density`       q exp t, in blocks of rows
`normalizer`    log Z
`sampling`      draws of the model
`scores`        the two errors of a score
`settings`      what the user's parameters mean
`fitting`       from rows to a normalised density
`estimator`     `EnergyModel`, the scikit-learn face
"""

from densimeter.energy.estimator import EnergyModel

__all__ = ["EnergyModel"]
