import jax
import jax.numpy as jnp
import numpy as np
import pytest

from densimeter.foundations.batching import BLOCK, SMALL_BLOCK, over_rows


@pytest.mark.parametrize("n_rows", [0, 1, SMALL_BLOCK, SMALL_BLOCK + 1, BLOCK, 2 * BLOCK + 7])
def test_every_row_once_in_float64(n_rows):
    rows = np.random.default_rng(0).normal(size=(n_rows, 3))
    found = over_rows(lambda x: jnp.sin(x).sum(), rows)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.sin(rows).sum(axis=1), atol=1e-14)


def test_two_compilations_at_most_whatever_the_counts_and_parameters():
    traces = []

    def scaled(factor, x):
        traces.append(1)
        return factor * x[0]

    for n_rows in (1, 10, 500, 2000, 20_000, 40_000):
        over_rows(jax.tree_util.Partial(scaled, jnp.asarray(float(n_rows))), np.ones((n_rows, 1)))
    assert len(traces) == 2
