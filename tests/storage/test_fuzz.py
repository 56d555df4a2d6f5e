"""Mutated files: the same model or an error of the package, never a crash, a hang or a huge allocation."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from densimeter import storage
from densimeter.foundations.errors import DataError

SUBJECTS = ["mixture", "online mixture", "bayesian", "kernel of a matrix", "kernel", "streamed kernel"]
SUBJECTS += ["energy on a mixture", "energy on a stack"]

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60
)
thorough = settings(in_one_folder, max_examples=1000)


@pytest.fixture(params=SUBJECTS)
def subject(request, file, fitted, scores):
    """A file, its bytes, and the scores of the model in it."""
    model = fitted(request.param)
    storage.save(model, file, columns=["a", "b"], provenance={"source": "table.csv", "rows": [1, 2.5]})
    return file, file.read_bytes(), scores(model)


def read_or_refused(file, content):
    """The model in a file with these bytes, or None if it is refused as it should be."""
    file.write_bytes(content)
    found = refusal = None
    tracemalloc.start()
    try:
        found = storage.read(file)
    except DataError as error:
        refusal = error
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(content) + 2**22
    if refusal is not None:
        assert refusal.reason.startswith(f"{file} cannot be read: ")
        assert "\n" not in refusal.reason + refusal.advice
    return found


# Bytes


places = st.floats(0, 1, exclude_max=True)
pieces = st.binary(max_size=12)


@st.composite
def mutations(draw):
    """A function of bytes: some are flipped, cut out, put in, doubled, or all after a place are lost."""
    kind = draw(st.sampled_from(["flip", "write", "insert", "cut", "double", "truncate"]))
    place, piece, length = draw(places), draw(pieces), draw(st.integers(1, 64))
    bit = draw(st.integers(0, 7))

    def mutate(content):
        # half of the places lie in the header, which is short beside the arrays
        first = int(2 * place * min(len(content), 2000)) if place < 0.5 else int(place * len(content))
        first = min(first, len(content) - 1)
        before, after = content[:first], content[first:]
        return {
            "flip": lambda: before + bytes([after[0] ^ (1 << bit)]) + after[1:],
            "write": lambda: before + piece + after[len(piece) :],
            "insert": lambda: before + piece + after,
            "cut": lambda: before + after[length:],
            "double": lambda: before + after[:length] + after,
            "truncate": lambda: before,
        }[kind]()

    return mutate


def check_bytes(subject, scores, changes):
    file, content, expected = subject
    for change in changes:
        content = change(content) if content else content
    found = read_or_refused(file, content)
    if found is not None:
        np.testing.assert_array_equal(scores(found.estimator), expected)
        assert found.columns == ("a", "b")
        assert found.provenance["source"] == "table.csv"


@in_one_folder
@given(changes=st.lists(mutations(), min_size=1, max_size=3))
def test_changed_bytes_give_the_same_model_or_an_error(subject, scores, changes):
    check_bytes(subject, scores, changes)


@pytest.mark.slow
@thorough
@given(changes=st.lists(mutations(), min_size=1, max_size=3))
def test_many_changed_bytes_give_the_same_model_or_an_error(subject, scores, changes):
    check_bytes(subject, scores, changes)


# Documents and arrays, sealed again as a forger would


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["given", "none", "number", "columns", "matrix", "full", "tied", "gaussian", "word"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)

numbers = st.floats() | st.sampled_from([0.0, -1.0, 1e-320, 1e308, -np.inf, np.nan, 1e150])
shapes = st.lists(st.integers(0, 3), max_size=4)


@st.composite
def forgeries(draw):
    """A function that changes a document and arrays in place."""
    kind = draw(st.sampled_from(["value", "lose", "add", "cell", "array", "lose array", "swap", "part"]))
    place, value, number = draw(places), draw(json_values), draw(numbers)
    shape, dtype = draw(shapes), draw(st.sampled_from([np.float64, np.float32, np.int64]))

    def one_of(names):
        return sorted(names)[int(place * len(names))]

    def cell(arrays):
        array = arrays[one_of(arrays)] = arrays[one_of(arrays)].copy()
        if array.size:
            array.flat[int(place * array.size)] = number

    def swap(arrays):
        name, other = one_of(arrays), sorted(arrays)[len(arrays) // 2]
        arrays[name], arrays[other] = arrays[other], arrays[name]

    def replaced(arrays):
        with np.errstate(invalid="ignore"):
            return np.full(shape, number).astype(dtype)

    def change(document, arrays):
        model = document["model"]
        {
            "value": lambda: model.update({one_of(model): value}),
            "lose": lambda: model.pop(one_of(model)),
            "add": lambda: model.update({str(value): value}),
            "cell": lambda: cell(arrays),
            "array": lambda: arrays.update({one_of(arrays): replaced(arrays)}),
            "lose array": lambda: arrays.pop(one_of(arrays)),
            "swap": lambda: swap(arrays),
            "part": lambda: document.update({one_of(document): value}),
        }[kind]()

    return change


def check_forgery(subject, resealed, scores, change):
    file, content, _ = subject
    with np.errstate(over="ignore"):
        found = read_or_refused(file, resealed(content, change))
    if found is not None:
        assert found.estimator.n_features_in_ == 2
        assert found.columns is None or len(found.columns) == 2
        found.estimator.get_params()


@in_one_folder
@given(change=forgeries())
def test_a_forged_file_gives_a_model_or_an_error(subject, resealed, scores, change):
    check_forgery(subject, resealed, scores, change)


@pytest.mark.slow
@thorough
@given(change=forgeries())
def test_many_forged_files_give_a_model_or_an_error(subject, resealed, scores, change):
    check_forgery(subject, resealed, scores, change)
