import jax
import jax.numpy as jnp
import numpy as np
import pytest

from densimeter.foundations.precision import computing_in, double_precision


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_computations_follow_the_dtype(dtype):
    with computing_in(dtype):
        assert jnp.asarray(np.ones(2, dtype)).dtype == dtype
        assert jax.jit(lambda x: jnp.exp(x) + jnp.zeros(()))(np.ones(2, dtype)).dtype == dtype


def test_scopes_nest_and_end():
    outside = jnp.ones(1).dtype
    with computing_in("float64"):
        assert jnp.ones(1).dtype == np.float64
        with computing_in("float32"):
            assert jnp.ones(1).dtype == np.float32
        assert jnp.ones(1).dtype == np.float64
    assert jnp.ones(1).dtype == outside


def test_a_scope_ends_when_its_block_fails():
    outside = jnp.ones(1).dtype
    with pytest.raises(ZeroDivisionError), double_precision():
        raise ZeroDivisionError
    assert jnp.ones(1).dtype == outside


def test_double_precision_has_its_digits():
    with double_precision():
        assert float(jnp.asarray(1.0) + 1e-12) > 1


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex128", np.longdouble])
def test_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match="float32 or float64"):
        computing_in(dtype)
