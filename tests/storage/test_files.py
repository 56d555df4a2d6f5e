import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture as OtherMixture

import densimeter as dm
from densimeter import storage
from densimeter.foundations.errors import DataError, DensimeterError, FitError, SettingError


def drawn(model, seed):
    """Rows of the model, or the error it gives in place of them."""
    try:
        found = model.sample(20, random_state=seed)
    except FitError as error:
        return str(error)
    return found[0] if isinstance(found, tuple) else found


def test_every_model_comes_back_bit_for_bit(model, file, scores):
    dm.save(model, file)
    again = dm.load(file)
    assert type(again) is type(model)
    np.testing.assert_array_equal(scores(again), scores(model))
    np.testing.assert_array_equal(drawn(again, 3), drawn(model, 3))


def test_every_fitted_attribute_comes_back(model, file):
    dm.save(model, file)
    again = dm.load(file)
    attributes = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert attributes == {name for name in vars(again) if name.endswith("_") and not name.startswith("_")}
    plain = {name for name in attributes if not name.startswith(("density", "scaling", "bandwidth_scores"))}
    for name in plain:
        np.testing.assert_equal(np.asarray(getattr(again, name)), np.asarray(getattr(model, name)))
        assert np.asarray(getattr(again, name)).dtype == np.asarray(getattr(model, name)).dtype


def test_parameters_come_back_so_that_a_clone_is_the_same(model, file):
    dm.save(model, file)
    again, before = clone(dm.load(file)).get_params(deep=False), model.get_params(deep=False)
    for name, value in before.items():
        if name == "base" and not isinstance(value, str):
            np.testing.assert_array_equal(again[name].means_init, value.means_init)
        elif value is None or isinstance(value, (str, int, float)):
            assert again[name] == value
        else:
            np.testing.assert_array_equal(np.asarray(again[name]), np.asarray(value))


def test_the_same_model_gives_the_same_bytes_again_and_again(model, file):
    dm.save(model, file)
    first = file.read_bytes()
    dm.save(dm.load(file), file)
    assert file.read_bytes() == first


def test_models_pickle(model, scores):
    np.testing.assert_array_equal(scores(pickle.loads(pickle.dumps(model))), scores(model))


def test_a_clone_of_a_loaded_model_fits_as_the_model_does(file, fitted, scores):
    X = np.random.default_rng(5).normal(size=(50, 2))
    dm.save(fitted("mixture"), file)
    again = clone(dm.load(file)).fit(X)
    np.testing.assert_array_equal(scores(again), scores(clone(fitted("mixture")).fit(X)))


@pytest.mark.parametrize("name", ["online mixture", "streamed kernel"])
def test_partial_fit_goes_on_where_it_was(name, file, fitted, scores):
    dm.save(fitted(name), file)
    one, other = dm.load(file), pickle.loads(pickle.dumps(fitted(name)))
    X = np.random.default_rng(5).normal(size=(50, 2)) + 5
    np.testing.assert_array_equal(scores(one.partial_fit(X)), scores(other.partial_fit(X)))


def test_names_of_columns_and_provenance_come_back(file, fitted):
    facts = {"source": "a.csv", "rows": 60, "nested": {"list": [1, 0.5, None, True, "text"]}}
    storage.save(fitted("kernel"), file, columns=["größe", "b, c"], provenance=facts)
    found = storage.read(file)
    assert found.columns == ("größe", "b, c")
    assert found.provenance == {**facts, "densimeter": dm.__version__}
    assert found.kind == "KernelDensity"
    assert found.n_bytes == file.stat().st_size


def test_a_model_of_a_data_frame_knows_its_columns(file):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
    model = dm.GaussianMixture(2, random_state=0).fit(frame)
    dm.save(model, file)
    found = storage.read(file)
    assert found.columns == ("a", "b")
    np.testing.assert_array_equal(found.estimator.score_samples(frame), model.score_samples(frame))
    with pytest.raises(ValueError, match="feature names"):
        found.estimator.score_samples(frame[["b", "a"]])


def test_a_generator_is_not_kept(file):
    X = np.random.default_rng(0).normal(size=(40, 2))
    dm.save(dm.GaussianMixture(1, random_state=np.random.default_rng(0)).fit(X), file)
    assert dm.load(file).random_state is None


def test_a_loaded_model_can_be_changed(file, fitted):
    """Its arrays are its own, and writable as those of a fit are."""
    dm.save(fitted("mixture"), file)
    dm.load(file).means_[0] = 0.0


# What cannot be saved


class Objective:
    """An objective of the user's own."""

    def loss(self):
        raise NotImplementedError


class Derived(dm.GaussianMixture):
    """A class of the user's own."""


def wrong_parameter(fitted, name, **parameters):
    return pickle.loads(pickle.dumps(fitted(name))).set_params(**parameters)


UNSAVEABLE = {
    "another class": (lambda fitted: OtherMixture(), {}, "class GaussianMixture"),
    "a derived class": (lambda fitted: Derived(), {}, "class Derived"),
    "no model": (lambda fitted: None, {}, "class NoneType"),
    "own objective": (
        lambda fitted: wrong_parameter(fitted, "energy", objective=Objective()),
        {},
        "parameters.objective is none of importance",
    ),
    "wrong parameter": (lambda fitted: wrong_parameter(fitted, "mixture", tol=-1), {}, "parameters.tol"),
    "too few names": (lambda fitted: fitted("mixture"), {"columns": ["a"]}, "not 2 different names"),
    "a name twice": (lambda fitted: fitted("mixture"), {"columns": ["a", "a"]}, "not 2 different names"),
    "names in a string": (lambda fitted: fitted("mixture"), {"columns": "ab"}, "no list"),
    "numbers as names": (lambda fitted: fitted("mixture"), {"columns": [1, 2]}, "no text"),
    "no fact": (lambda fitted: fitted("mixture"), {"provenance": {"a": object()}}, "provenance.a"),
    "infinite fact": (lambda fitted: fitted("mixture"), {"provenance": {"a": np.inf}}, "provenance.a"),
}


@pytest.mark.parametrize("case", UNSAVEABLE)
def test_what_no_file_can_hold_is_refused_and_nothing_is_written(case, fitted, file):
    make, options, reason = UNSAVEABLE[case]
    file.write_bytes(b"old")
    with pytest.raises(SettingError, match=reason):
        storage.save(make(fitted), file, **options)
    assert file.read_bytes() == b"old"
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_can_save_says_so_beforehand(fitted):
    assert storage.can_save(fitted("energy"))
    assert not storage.can_save(wrong_parameter(fitted, "energy", objective=Objective()))
    assert not storage.can_save(OtherMixture())


@pytest.mark.parametrize("make", [dm.GaussianMixture, dm.KernelDensity, dm.EnergyModel])
def test_an_unfitted_model_is_refused(make, file):
    with pytest.raises(NotFittedError):
        dm.save(make(), file)


def test_a_place_that_cannot_be_written_is_refused(fitted, tmp_path):
    with pytest.raises(SettingError, match="there is no folder"):
        dm.save(fitted("mixture"), tmp_path / "nowhere" / "model.dm")
    with pytest.raises(SettingError, match="is a folder"):
        dm.save(fitted("mixture"), tmp_path)


def test_a_full_disk_leaves_the_old_file(fitted, file, monkeypatch):
    def fail(path, content):
        raise OSError(28, "No space left on device")

    file.write_bytes(b"old")
    monkeypatch.setattr(type(file), "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        dm.save(fitted("mixture"), file)
    assert file.read_bytes() == b"old"
    assert [path.name for path in file.parent.iterdir()] == [file.name]


# What cannot be loaded


def test_files_that_are_none_are_refused(tmp_path):
    for path, reason in [(tmp_path, "is a folder"), (tmp_path / "no.dm", "there is no file")]:
        with pytest.raises(DataError, match=reason):
            dm.load(path)
    with pytest.raises(DataError, match="no ordinary file"):
        dm.load("/dev/zero")


def test_unknown_kinds_and_parts_are_refused(file, fitted, resealed):
    dm.save(fitted("mixture"), file)
    content = file.read_bytes()
    changes = {
        "kind 'Nonesuch'": lambda document, arrays: document.update(kind="Nonesuch"),
        "kind 7": lambda document, arrays: document.update(kind=7),
        "other parts": lambda document, arrays: document.update(code="import os"),
        "'state.more' is not known": lambda document, arrays: document["model"].update({"state.more": 1}),
        "'more' is not known": lambda document, arrays: arrays.update(more=np.ones(2)),
        "state.weights is missing": lambda document, arrays: arrays.pop("state.weights"),
        "parameters.tol is missing": lambda document, arrays: document["model"].pop("parameters.tol"),
    }
    for reason, change in changes.items():
        file.write_bytes(resealed(content, change))
        with pytest.raises(DataError, match=reason) as caught:
            dm.load(file)
        assert str(caught.value).startswith(f"{file} cannot be read: ")
        assert len(str(caught.value).splitlines()) == 2


def test_a_kind_of_another_class_does_not_fit(file, fitted, resealed):
    for name in ("mixture", "kernel", "energy", "bayesian"):
        dm.save(fitted(name), file)
        own = storage.read(file).kind
        for kind in set(storage.kinds.KINDS) - {own}:
            file.write_bytes(
                resealed(file.read_bytes(), lambda document, arrays, kind=kind: document.update(kind=kind))
            )
            with pytest.raises(DensimeterError):
                dm.load(file)


def test_loading_warns_of_nothing(model, file):
    dm.save(model, file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dm.load(file)


def test_a_kernel_sum_under_a_metric_is_not_kept_as_one_under_another(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = dm.KernelDensity(0.5).fit(X).set_params(metric="manhattan").fit(X)
    with pytest.raises(dm.SettingError, match="metric"):
        dm.save(model, tmp_path / "model.dm")
    assert not (tmp_path / "model.dm").exists()


def test_the_names_of_scikit_learns_trees_are_kept(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = dm.KernelDensity(0.5, algorithm="ball_tree").fit(X)
    dm.save(model, tmp_path / "model.dm")
    np.testing.assert_array_equal(dm.load(tmp_path / "model.dm").score_samples(X), model.score_samples(X))
