"""Headers of GGUF files: read as gguf's own reader does, and hostile files, each refused in one line and at once."""

from __future__ import annotations

import struct

import pytest
from gguf import GGUFReader

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.gguf_header import read_header
from tests.gguf_files import write_gguf


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.Q4_1.gguf"
    write_gguf(path, "Q4_1")
    return path


def test_metadata_and_tensors_are_those_of_the_reader_of_gguf(file):
    header, reader = read_header(file), GGUFReader(file)
    expected = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    assert header.metadata == expected
    assert len(header.metadata["tokenizer.ggml.tokens"]) == 340
    assert [(it.name, it.shape, it.kind, it.size) for it in header.tensors] == [
        (it.name, tuple(map(int, it.shape)), it.tensor_type.name, int(it.n_bytes)) for it in reader.tensors
    ]


def begin(version=3, tensors=0, entries=0):
    return b"GGUF" + struct.pack("<IQQ", version, tensors, entries)


def text(content):
    return struct.pack("<Q", len(content)) + content


def tensor(kind=0, shape=(32,), offset=0, name=b"a"):
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


HUGE = 1 << 62
HOSTILE = {
    "empty": (b"", "ends in its header"),
    "another file": (b"PK\x03\x04" + bytes(100), "is no GGUF file"),
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "is no GGUF file"),
    "version 1": (begin(1), "of version 1"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "many tensors": (begin(tensors=HUGE), "tensors, at most"),
    "many entries": (begin(entries=HUGE), "metadata entries, at most"),
    "a long key": (begin(entries=1) + struct.pack("<Q", HUGE), "bytes of a text, at most"),
    "a key beyond the end": (begin(entries=1) + struct.pack("<Q", 1000) + b"a", "ends in its header"),
    "a key that is no text": (begin(entries=1) + text(b"\xff\xfe") + struct.pack("<I", 0), "not UTF-8"),
    "an unknown type": (begin(entries=1) + text(b"k") + struct.pack("<I", 99), "unknown type 99"),
    "a long array": (begin(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 0, HUGE), "elements of an array, at most"),
    "an array beyond the end": (begin(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 10, 4_000_000), "ends in its header"),
    "arrays of arrays": (begin(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 9, 1) * 1000, "elements of type 9"),
    "no alignment": (begin(entries=1) + text(b"general.alignment") + struct.pack("<II", 4, 0), "no alignment"),
    "many dimensions": (begin(tensors=1) + text(b"a") + struct.pack("<I", 1 << 31), "dimensions of a tensor, at most"),
    "a tensor of type 77": (begin(tensors=1) + tensor(kind=77), "unknown type 77"),
    "half a block": (begin(tensors=1) + tensor(kind=2, shape=(16,)), "impossible shape"),
    "no element": (begin(tensors=1) + tensor(shape=(32, 0)), "impossible shape"),
    "a tensor beyond the end": (begin(tensors=1) + tensor() + bytes(100), "ends after the end of the file"),
    "a huge tensor": (begin(tensors=1) + tensor(shape=(HUGE, HUGE)) + bytes(1000), "ends after the end of the file"),
    "an offset beyond the end": (begin(tensors=1) + tensor(offset=HUGE) + bytes(1000), "ends after the end of the file"),
    "two of one name": (begin(tensors=2) + tensor() + tensor() + bytes(1000), "two tensors"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_with_the_reason(case, tmp_path):
    content, reason = HOSTILE[case]
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        read_header(path)
    assert "give a" in str(caught.value)


def test_a_file_that_is_cut_off_anywhere_is_refused(file, tmp_path):
    content = file.read_bytes()
    path = tmp_path / "cut.gguf"
    for length in (*range(0, 400, 37), *range(400, len(content), len(content) // 40), len(content) - 100):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"cut off|ends in its header"):
            read_header(path)


def test_a_folder_or_nothing_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing.gguf"):
        with pytest.raises(UserError, match="can't be read"):
            read_header(path)
