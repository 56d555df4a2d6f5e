import io
import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from densimeter.foundations.errors import DataError
from densimeter.storage.container import FORMAT, LARGEST_HEADER, Content, pack, unpack

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.zeros((0, 2), np.float32), "c": np.array(2.0)}
DOCUMENT = {"name": "größe", "number": 0.1, "list": [1, None, True]}


def opened(content, size=None):
    return unpack(io.BytesIO(content), len(content) if size is None else size)


def header_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header, body):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_content_comes_back():
    found = opened(pack(Content(DOCUMENT, ARRAYS)))
    assert found.document == DOCUMENT
    assert set(found.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype


def test_the_order_of_names_and_of_memory_makes_no_difference():
    backwards = Content(
        dict(reversed(DOCUMENT.items())),
        {name: np.array(array, order="F") for name, array in reversed(ARRAYS.items())},
    )
    assert pack(backwards) == pack(Content(DOCUMENT, ARRAYS))


def test_any_reader_of_safetensors_can_read_it():
    import safetensors.numpy

    np.testing.assert_array_equal(safetensors.numpy.load(pack(Content(DOCUMENT, ARRAYS)))["a"], ARRAYS["a"])


def test_another_format_is_refused_with_advice():
    header, body = header_of(pack(Content(DOCUMENT, ARRAYS)))
    text = header["__metadata__"]["densimeter"]
    header["__metadata__"]["densimeter"] = text.replace(f'"format":{FORMAT}', '"format":99')
    with pytest.raises(DataError, match="format 99, and known here are 1 and 2"):
        opened(with_header(header, body))


def test_a_number_changed_in_the_document_or_in_an_array_is_noticed():
    content = pack(Content(DOCUMENT, ARRAYS))
    for old, new in [(b"0.1", b"0.2"), (np.float64(5.0).tobytes(), np.float64(5.5).tobytes())]:
        assert content.count(old) == 1
        with pytest.raises(DataError, match="digest"):
            opened(content.replace(old, new))


NO_MODEL_FILES = {
    "empty": b"",
    "short": b"\x01\x00",
    "text": b"a,b\n1,2\n3,4\n" * 10,
    "zeros": bytes(100),
    "longer header than file": (2**63).to_bytes(8, "little") + b"{}",
    "header of nothing": with_header(b"", b""),
    "header no JSON": with_header(b"{" * 50, b""),
    "header no UTF-8": with_header(b'{"\xff": 1}', b""),
    "header a list": with_header([1], b""),
    "deep header": with_header(b"[" * 100_000, b""),
    "long number": with_header(b'{"a": ' + b"1" * 10_000 + b"}", b""),
    "other safetensors": with_header({"__metadata__": {"format": "pt"}}, b""),
    "metadata a list": with_header({"__metadata__": []}, b""),
    "document no text": with_header({"__metadata__": {"densimeter": 1}}, b""),
    "document no JSON": with_header({"__metadata__": {"densimeter": "{"}}, b""),
    "document with NaN": with_header({"__metadata__": {"densimeter": '{"format": NaN}'}}, b""),
    "document a number": with_header({"__metadata__": {"densimeter": "1"}}, b""),
    "document without format": with_header({"__metadata__": {"densimeter": "{}"}}, b""),
    "format a list": with_header({"__metadata__": {"densimeter": '{"format": [1]}'}}, b""),
    "without digest": with_header({"__metadata__": {"densimeter": '{"format": 1}'}}, b""),
    "digest a number": with_header({"__metadata__": {"densimeter": '{"format": 1, "sha256": 1}'}}, b""),
}


@pytest.mark.parametrize("name", NO_MODEL_FILES)
def test_other_files_are_refused(name):
    with pytest.raises(DataError):
        opened(NO_MODEL_FILES[name])


def sealed_with(text):
    return with_header({"__metadata__": {"densimeter": text}}, b"")


HOSTILE = {
    "a million empty lists": sealed_with('{"format": 2, "a": [' + "[]," * 1_000_000 + "[]]}"),
    "a million empty lists outside": with_header(b'{"a": [' + b"[]," * 1_000_000 + b"[]]}", b""),
    "millions of zeros": sealed_with('{"format": 2, "a": [' + "0," * 4_000_000 + "0]}"),
    "a million names": sealed_with("{" + ",".join(f'"{n:x}":0' for n in range(1_000_000)) + "}"),
    "wide characters": with_header(json.dumps({"a": "😀" * 2_000_000}, ensure_ascii=False).encode(), b""),
    "deep lists": sealed_with("[" * 4_000_000),
    "a hundred thousand arrays": with_header(
        {
            "__metadata__": {"densimeter": '{"format": 2, "sha256": ""}'},
            **{str(n): {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for n in range(100_000)},
        },
        b"",
    ),
    "an array of none by a thousand million": with_header(
        {
            "__metadata__": {"densimeter": '{"format": 2, "sha256": ""}'},
            "a": {"dtype": "F64", "shape": [0, 10**9], "data_offsets": [0, 0]},
        },
        b"",
    ),
}

MEASURE = """
import io, pathlib, resource, sys
import numpy, safetensors.numpy
from densimeter.foundations.errors import DataError
from densimeter.storage.container import unpack
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        try:
            unpack(file, pathlib.Path(name).stat().st_size)
        except DataError:
            print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_hostile_headers_are_refused_at_little_cost(tmp_path):
    """In megabytes of a process of its own, since what parsers take is not Python's to count."""
    pytest.importorskip("resource")
    for place, content in enumerate(HOSTILE.values()):
        (tmp_path / f"{place}.dm").write_bytes(content)
    files = sorted(map(str, tmp_path.iterdir()))
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, *files], capture_output=True, text=True, timeout=120, check=True
    )
    peaks = dict(zip(HOSTILE, map(int, told.stdout.split()), strict=True))
    assert max(peaks.values()) < 150, peaks


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e400"])
def test_numbers_beyond_all_numbers_are_refused(number):
    with pytest.raises(DataError, match="no JSON"):
        opened(sealed_with(f'{{"format": 2, "sha256": "", "a": {number}}}'))


TENSORS = {
    "beyond the end": {"dtype": "F64", "shape": [100], "data_offsets": [0, 800]},
    "enormous": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]},
    "overflowing": {"dtype": "F64", "shape": [2**62, 2**62], "data_offsets": [0, 8]},
    "negative": {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]},
    "backwards": {"dtype": "F64", "shape": [1], "data_offsets": [8, 0]},
    "too short": {"dtype": "F64", "shape": [1], "data_offsets": [0, 4]},
    "unknown type": {"dtype": "F80", "shape": [1], "data_offsets": [0, 8]},
    "type of no model": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]},
    "many dimensions": {"dtype": "F64", "shape": [1] * 100, "data_offsets": [0, 8]},
    "no shape": {"dtype": "F64", "data_offsets": [0, 8]},
}


@pytest.mark.parametrize("name", TENSORS)
def test_arrays_that_lie_about_their_size_are_refused_and_cost_nothing(name):
    document = '{"format": 1, "sha256": ""}'
    content = with_header({"__metadata__": {"densimeter": document}, "a": TENSORS[name]}, bytes(8))
    tracemalloc.start()
    with pytest.raises(DataError):
        opened(content)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_header_that_is_too_long_is_not_read():
    class Counting(io.BytesIO):
        n_read = 0

        def read(self, size=-1):
            self.n_read += size
            return super().read(size)

    file = Counting((LARGEST_HEADER + 1).to_bytes(8, "little"))
    with pytest.raises(DataError, match="too long"):
        unpack(file, 2**40)
    assert file.n_read == 8


def test_a_file_that_shrinks_or_grows_meanwhile_is_refused():
    content = pack(Content(DOCUMENT, ARRAYS))
    for size in (len(content) - 1, len(content) + 1):
        with pytest.raises(DataError, match="changed while it was read"):
            opened(content, size)
