import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densimeter.foundations.cubature.axes import axis_between

ENDS = [(-2.0, 3.0), (-math.inf, math.inf), (1.5, math.inf), (-math.inf, -4.0)]


@pytest.mark.parametrize("ends", ENDS)
@settings(max_examples=40, deadline=None)
@given(share=st.floats(1e-3, 1 - 1e-3), centre=st.floats(-1e3, 1e3), scale=st.floats(1e-1, 1e6))
def test_maps_invert_and_the_jacobian_is_their_derivative(ends, share, centre, scale):
    axis = axis_between(*ends, centre, scale)
    z = np.array(axis.start + share * (axis.stop - axis.start))
    x = axis.to_x(z)
    assert ends[0] <= x <= ends[1]
    assert axis.to_z(x) == pytest.approx(z, abs=1e-7)
    step = 1e-5 * min(share, 1 - share)
    slope = (axis.to_x(z + step) - axis.to_x(z - step)) / (2 * step)
    assert math.exp(axis.log_jacobian(z)) == pytest.approx(abs(slope), rel=1e-3)
