"""A fitted model in one file, and back, without running anything that the file says.

The story, file by file:

`container`       one file: arrays as safetensors, a JSON document beside them, and their digest
`record`          a model taken apart: values and arrays by name, each under the rule of its field
`plain`           fields of numbers, truths, words, and lists of these
`fields`          fields of arrays, and fields made of other fields
`contract`        a kind of model: its fields, and the way from an estimator to their values and back
`mixture`         `GaussianMixture`
`bayesian`        `BayesianGaussianMixture`
`kernel_density`  `KernelDensity`
`energy`          `EnergyModel`
`kinds`           the table of them
`labels`          names of columns, and where a model came from
`stored`          what a file gave
`files`           `save`, `load` and `read`
"""

from densimeter.storage.files import can_save, load, read, save
from densimeter.storage.stored import StoredModel

__all__ = ["StoredModel", "can_save", "load", "read", "save"]
