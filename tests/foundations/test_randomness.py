import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.foundations.randomness import generator_from, key_from

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_a_seed_gives_the_same_stream_again(seed):
    np.testing.assert_array_equal(generator_from(seed).random(3), generator_from(seed).random(3))


@given(SEEDS)
def test_a_seed_gives_the_same_key_again(seed):
    np.testing.assert_array_equal(jax.random.key_data(key_from(seed)), jax.random.key_data(key_from(seed)))


def test_neighbouring_seeds_give_other_streams():
    draws = {generator_from(seed).integers(2**63) for seed in range(200)}
    keys = {tuple(jax.random.key_data(key_from(seed)).tolist()) for seed in range(200)}
    assert len(draws) == len(keys) == 200


def test_a_generator_is_used_as_it_is():
    generator = np.random.default_rng(0)
    assert generator_from(generator) is generator
    first, second = key_from(generator), key_from(generator)
    assert (jax.random.key_data(first) != jax.random.key_data(second)).any()


def test_a_random_state_is_advanced_by_its_use():
    state, again = np.random.RandomState(0), np.random.RandomState(0)
    first, second = generator_from(state).random(), generator_from(state).random()
    assert first != second
    assert generator_from(again).random() == first


def test_none_is_fresh_each_time():
    assert generator_from(None).random() != generator_from(None).random()


def test_the_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    generator_from(None).random()
    key_from(3)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_key_is_returned_as_it_is():
    key = jax.random.key(0)
    assert key_from(key) is key


@pytest.mark.parametrize("seed", [-1, 1.5, "seed", [1, 2]])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises((ValueError, TypeError)):
        generator_from(seed)
