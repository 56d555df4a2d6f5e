"""Training starts at the base, stops in time, repeats itself, resumes, and says where it went wrong."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from densimeter.energy import EnergyModel
from densimeter.energy.checkpoint import FILE_NAME
from densimeter.energy.objectives.importance import Importance
from densimeter.energy.training import DivergedError
from densimeter.foundations.errors import DataError, NonFiniteError, SettingError


def two_bumps(n_rows=400, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n_rows, 1)) < 0.5, -3.0, 3.0) + rng.normal(size=(n_rows, 1))


def small(**settings):
    given = {"base": "gaussian", "hidden": (16,), "n_frequencies": 4, "max_steps": 400, "n_proposals": 512}
    return EnergyModel(**{**given, "log_z_width": 0.1, "random_state": 0, **settings})


class FailsAt(eqx.Module):
    """Importance sampling whose loss is NaN from a step on."""

    step: int = eqx.field(static=True)

    def start(self, tilt, bases, key):
        return Importance().start(tilt, bases, key)[0], jnp.zeros((), jnp.int32)

    def loss(self, learned, memory, batch):
        loss, told = Importance().loss(learned, None, batch)
        return jnp.where(memory + 1 >= self.step, jnp.nan, loss), told._replace(memory=memory + 1)


def test_nan_stops_with_the_step_and_the_last_good_state():
    with pytest.raises(NonFiniteError, match="step 257; the last good state is that of step 200") as caught:
        small(objective=FailsAt(257)).fit(two_bumps())
    assert isinstance(caught.value, DivergedError)
    assert caught.value.step == 257
    assert int(caught.value.last_good.step) == 200
    assert all(np.isfinite(leaf).all() for leaf in _arrays(caught.value.last_good))
    assert caught.value.best.gain > 0
    assert "learning_rate" in caught.value.advice


def _arrays(state):
    import jax

    return [np.asarray(leaf) for leaf in jax.tree.leaves(state)]


def test_nan_in_the_first_round():
    with pytest.raises(NonFiniteError, match="at step 1;"):
        small(objective=FailsAt(1)).fit(two_bumps())


def test_stops_early_where_there_is_nothing_to_learn():
    rows = np.random.default_rng(0).normal(size=(2000, 2))
    model = small(max_steps=5000, patience=3).fit(rows)
    assert model.n_iter_ <= model.best_step_ + 300
    assert model.n_iter_ < 5000
    assert model.validation_gain_ < 0.01


def test_history_tells_every_round():
    model = small().fit(two_bumps())
    assert [told["step"] for told in model.history_] == list(range(100, model.n_iter_ + 1, 100))
    assert {"loss", "validation_gain", "strength", "effective_share"} <= set(model.history_[0])
    assert all(0 < told["effective_share"] <= 1 for told in model.history_)


def test_progress_hears_every_round():
    heard = []
    model = small().fit(two_bumps(), progress=lambda done, total, message="": heard.append((done, total)))
    assert heard == [(told["step"], 400) for told in model.history_]


def interrupt_after(n_rounds):
    """A listener that behaves like a user's Ctrl-C."""

    def listen(done, total, message=""):
        if done >= n_rounds * 100:
            raise KeyboardInterrupt

    return listen


@pytest.mark.parametrize("objective", ["importance", "self_normalized", "persistent"])
def test_interrupted_run_resumes_bit_for_bit(tmp_path, objective):
    rows, fresh = two_bumps(), two_bumps(seed=1)
    whole = small(objective=objective).fit(rows)
    model = small(objective=objective, checkpoint=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows, progress=interrupt_after(2))
    heard = []
    model.fit(rows, progress=lambda done, total, message="": heard.append(done))
    assert heard[0] == 300
    np.testing.assert_array_equal(model.score_samples(fresh), whole.score_samples(fresh))
    assert model.history_ == whole.history_
    assert model.log_normalizer_ == whole.log_normalizer_


def test_finished_checkpoint_gives_the_model_without_a_step(tmp_path):
    rows, heard = two_bumps(), []
    first = small(checkpoint=tmp_path).fit(rows)
    again = small(checkpoint=tmp_path).fit(rows, progress=lambda *told: heard.append(told))
    assert heard == []
    np.testing.assert_array_equal(again.score_samples(rows), first.score_samples(rows))


def test_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    small(checkpoint=tmp_path).fit(two_bumps())
    before = (tmp_path / FILE_NAME).read_bytes()
    for other in ({"random_state": 1}, {"learning_rate": 1e-2}):
        with pytest.raises(SettingError, match="other rows, settings or seed"):
            small(checkpoint=tmp_path, **other).fit(two_bumps())
    with pytest.raises(SettingError, match="other rows, settings or seed"):
        small(checkpoint=tmp_path).fit(two_bumps(seed=5))
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_damaged_checkpoint_is_an_error_with_advice(tmp_path):
    small(checkpoint=tmp_path).fit(two_bumps())
    file = tmp_path / FILE_NAME
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"\x00\x01", b""):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match="cannot be read"):
            small(checkpoint=tmp_path).fit(two_bumps())


def test_failed_write_leaves_the_old_checkpoint_alone(tmp_path, monkeypatch):
    model = small(checkpoint=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        model.fit(two_bumps(), progress=interrupt_after(1))
    before = (tmp_path / FILE_NAME).read_bytes()

    def break_off(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(eqx, "tree_serialise_leaves", break_off)
    with pytest.raises(KeyboardInterrupt):
        model.fit(two_bumps())
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_checkpoint_needs_a_seed(tmp_path):
    with pytest.raises(SettingError, match="random_state"):
        small(checkpoint=tmp_path, random_state=None).fit(two_bumps())
