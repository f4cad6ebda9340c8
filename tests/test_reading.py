"""Files of other people: only regular ones are opened, each failure is one line."""

from __future__ import annotations

import os
import socket
import tracemalloc
from pathlib import Path

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.reading import CHUNK_BYTES, is_special, read_file, read_json, read_text


def refused(read, path, **arguments):
    with pytest.raises(UserError) as error:
        read(path, "give another", **arguments)
    return str(error.value)


def test_a_whole_file_is_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b'\xef\xbb\xbf{"a": NaN}')
    assert read_file(path, "") == path.read_bytes()
    assert read_text(path, "") == '{"a": NaN}'
    assert str(read_json(path, "")["a"]) == "nan"


def test_a_file_over_the_limit_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_file(path, "", most_bytes=5) == b"12345"
    assert refused(read_file, path, most_bytes=4) == f"{path} can't be read (it has more than 4 bytes): give another"


def test_a_file_of_several_chunks_up_to_the_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size := 2 * CHUNK_BYTES + 7))
    assert read_file(path, "", most_bytes=size) == path.read_bytes()
    assert "it has more than" in refused(read_file, path, most_bytes=size - 1)


@pytest.mark.parametrize("path", ["small", "/proc/self/status"])
def test_a_small_file_takes_little_memory(tmp_path, path):
    (tmp_path / "small").write_bytes(b"1")
    if not (tmp_path / path).exists():
        pytest.skip("this system has no /proc")
    tracemalloc.start()
    try:
        assert read_file(tmp_path / path, "")
        assert tracemalloc.get_traced_memory()[1] < 8 * CHUNK_BYTES
    finally:
        tracemalloc.stop()


def test_special_files_are_not_opened(tmp_path):
    # Opening a FIFO without a writer would never return, and /dev/zero has no end.
    os.mkfifo(tmp_path / "fifo")
    assert refused(read_file, tmp_path / "fifo") == f"{tmp_path / 'fifo'} can't be read (it is a FIFO): give another"
    assert refused(read_file, Path("/dev/zero")) == "/dev/zero can't be read (it is a device): give another"
    assert refused(read_file, tmp_path) == f"{tmp_path} can't be read (it is a folder): give another"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert "it is a socket" in refused(read_file, tmp_path / "socket")


def test_what_leads_to_a_special_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for name, target in (("to_fifo", "fifo"), ("to_device", "/dev/zero"), ("to_folder", "."), ("to_nothing", "missing")):
        (tmp_path / name).symlink_to(target)
    (tmp_path / "file").touch()
    special = {path.name for path in tmp_path.iterdir() if is_special(path)}
    assert special == {"fifo", "to_fifo", "to_device"}


def test_paths_that_lead_nowhere(tmp_path):
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    assert "dangling can't be read (No such file or directory)" in refused(read_file, tmp_path / "dangling")
    assert "loop can't be read (Too many levels of symbolic links)" in refused(read_file, tmp_path / "loop")
    assert "can't be read (File name too long)" in refused(read_file, tmp_path / ("x" * 300))
    assert "can't be read (embedded null byte)" in refused(read_file, Path("a\0b"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "file"
    path.touch(0o000)
    assert "can't be read (Permission denied)" in refused(read_file, path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON (Expecting property name"),
        (b"\xff", "is not UTF-8 text (byte 1)"),
        (b"[" * 100_000, "is nested too deep"),
        (b"9" * 5_000, "is not JSON (Exceeds the limit"),
    ],
)
def test_what_is_no_json(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert refused(read_json, path).startswith(f"{path} {message}")
