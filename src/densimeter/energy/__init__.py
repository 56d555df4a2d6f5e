"""Energy-based models: a base density tilted by a network, its log Z with an interval.

The story, each file importing only those before it: `networks` (g), `tilt` (t, bounded), `base` (q),
`proposal` (where draws come from), `objectives` (ways to learn t), `training` (the loop), `crossfit`
(bases that have not seen the rows they are tilted on), `density` (q exp t), `normalizer` (log Z),
`sampling`, `settings`, `fitting`, `estimator`.
"""

from densimeter.energy.estimator import EnergyModel

__all__ = ["EnergyModel"]
