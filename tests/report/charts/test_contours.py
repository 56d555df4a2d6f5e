import numpy as np
import pytest
from scipy import stats

from densimeter.report.charts.contours import region_level, region_lines

AXIS = np.linspace(-6, 6, 241)


def _normal():
    x, y = np.meshgrid(AXIS, AXIS)
    return np.exp(-0.5 * (x**2 + y**2)) / (2 * np.pi)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_the_region_of_a_normal_is_a_disc_of_the_known_radius(share):
    (told, line), *more = region_lines(AXIS, AXIS, _normal(), [share])
    assert more == []
    assert told == share
    radius = np.sqrt(stats.chi2(2).ppf(share))
    # a cell is 0.05 wide: the level is that of a whole cell
    np.testing.assert_allclose(np.hypot(*line.T), radius, atol=0.05)


def test_the_region_above_the_level_holds_its_share():
    density = _normal()
    inside = density[density >= region_level(density, 0.7)].sum() / density.sum()
    assert 0.7 <= inside < 0.71


def test_two_hills_have_two_lines():
    x, y = np.meshgrid(AXIS, AXIS)
    density = sum(np.exp(-2 * ((x - c) ** 2 + y**2)) for c in (-3, 3))
    assert len(list(region_lines(AXIS, AXIS, density, [0.5]))) == 2


def test_a_density_that_is_zero_has_no_lines():
    assert list(region_lines(AXIS, AXIS, np.zeros((241, 241)), [0.5])) == []
