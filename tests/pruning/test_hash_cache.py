"""Hashes that are remembered between processes: equal to hashlib's, read once, and never those of an older content."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

from lm_eval_illusion.pruning import hash_cache
from lm_eval_illusion.pruning.hash_cache import cache_folder, file_hashes

CONTENT = b"weights " * 8192


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(hash_cache, "SMALLEST", 1024)
    monkeypatch.setattr(hash_cache, "SETTLED_NS", 0)


@pytest.fixture
def reads(monkeypatch):
    """Return the list of the files that are read."""
    read = []

    def counting(path):
        read.append(path.name)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(hash_cache, "file_sha256", counting)
    return read


def write(path, content=CONTENT):
    path.write_bytes(content)
    time.sleep(0.02)  # longer than the resolution of a file's times
    return path


def test_each_file_has_its_own_hash_in_the_order_of_the_paths(tmp_path):
    paths = [write(tmp_path / f"{number}", CONTENT + bytes([number])) for number in range(5)]
    expected = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert file_hashes(paths) == expected
    write(paths[3], b"other" * 1000)
    assert file_hashes(paths[::-1]) == [
        hashlib.sha256(path.read_bytes()).hexdigest() if path == paths[3] else digest
        for path, digest in zip(paths[::-1], expected[::-1], strict=True)
    ]


def test_an_unchanged_file_is_read_once_and_a_small_one_always(tmp_path, reads):
    large, small = write(tmp_path / "large"), write(tmp_path / "small", b"x")
    assert file_hashes([large, small]) == file_hashes([large, small])
    assert sorted(reads) == ["large", "small", "small"]


def test_a_changed_file_is_read_again_even_if_its_size_and_time_are_restored(tmp_path, reads):
    path = write(tmp_path / "large")
    before, status = file_hashes([path]), path.stat()
    write(path, b"W" + CONTENT[1:])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert file_hashes([path]) == [hashlib.sha256(path.read_bytes()).hexdigest()] != before
    assert reads == ["large", "large"]


def test_a_file_that_was_written_just_now_is_not_remembered(tmp_path, reads, monkeypatch):
    monkeypatch.setattr(hash_cache, "SETTLED_NS", 3_600_000_000_000)
    path = write(tmp_path / "large")
    file_hashes([path])
    file_hashes([path])
    assert reads == ["large", "large"]


@pytest.mark.parametrize("content", ["", "1 2 3", "no numbers at all", "\xff"])
def test_a_damaged_entry_is_ignored(tmp_path, content):
    path = write(tmp_path / "large")
    expected = file_hashes([path])
    (entry,) = cache_folder().iterdir()
    entry.write_text(content, encoding="latin-1")
    assert file_hashes([path]) == expected


def forge_all(digest="0" * 64):
    """Make the cache say that every file that it knows has another content."""
    for entry in cache_folder().iterdir():
        entry.write_text(f"{entry.read_text().rpartition(' ')[0]} {digest}")


def test_what_this_user_remembered_is_believed(tmp_path, reads):
    # Without this, the tests below would not show that something is *not* believed.
    path = write(tmp_path / "large")
    file_hashes([path])
    forge_all()
    assert file_hashes([path]) == ["0" * 64]
    assert reads == ["large"]


@pytest.mark.parametrize("planted", ["open_folder", "link", "open_entry", "linked_entry", "fifo", "other_user"])
def test_a_hash_that_somebody_else_could_have_written_is_not_believed(tmp_path, planted):
    if planted == "other_user" and os.getuid() != 0:
        pytest.skip("only root can give a file away")
    path = write(tmp_path / "large")
    expected = file_hashes([path])
    forge_all()
    (entry,) = cache_folder().iterdir()
    if planted == "open_folder":
        cache_folder().chmod(0o777)
    elif planted == "link":
        cache_folder().rename(tmp_path / "elsewhere")
        cache_folder().symlink_to(tmp_path / "elsewhere")
    elif planted == "open_entry":
        entry.chmod(0o620)
    elif planted == "linked_entry":
        entry.rename(tmp_path / "elsewhere")
        entry.symlink_to(tmp_path / "elsewhere")
    elif planted == "fifo":
        entry.unlink()
        os.mkfifo(entry)
    else:
        os.chown(entry, 65534, 65534)
    assert file_hashes([path]) == expected == [hashlib.sha256(CONTENT).hexdigest()]


def test_a_cache_in_which_others_may_write_is_named_with_what_to_do(tmp_path, caplog):
    file_hashes([write(tmp_path / "large")])
    cache_folder().chmod(0o775)
    file_hashes([tmp_path / "large"])
    (record,) = caplog.records
    assert record.getMessage() == (
        f"the hashes in {cache_folder()} are not used, because it is a link or others may write in it: delete it, or run `chmod go-w`"
        " on it"
    )


@pytest.mark.parametrize("mask", [0o002, 0o000])
def test_the_cache_is_private_whatever_the_umask(tmp_path, mask):
    path = write(tmp_path / "large")
    before = os.umask(mask)
    try:
        file_hashes([path])
    finally:
        os.umask(before)
    assert cache_folder().stat().st_mode & 0o777 == 0o700
    assert {entry.stat().st_mode & 0o777 for entry in cache_folder().iterdir()} == {0o600}


@pytest.mark.parametrize("is_open", [False, True])
def test_the_name_of_a_blob_is_its_hash_only_if_others_cannot_write_it(tmp_path, is_open):
    (tmp_path / "blobs").mkdir(mode=0o755)
    name = "0" * 64
    blob = write(tmp_path / "blobs" / name)
    blob.chmod(0o664 if is_open else 0o644)
    content = hashlib.sha256(CONTENT).hexdigest()
    assert file_hashes([blob]) == [content if is_open else name]
    assert file_hashes([blob], trust_blob_names=False) == [content]


def test_without_a_place_for_the_cache_files_are_hashed_all_the_same(tmp_path, monkeypatch):
    path = write(tmp_path / "large")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert file_hashes([path]) == [hashlib.sha256(CONTENT).hexdigest()]
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert file_hashes([path]) == [hashlib.sha256(CONTENT).hexdigest()]


@pytest.mark.parametrize("place", ["lm-eval-illusion", "lm-eval-illusion/hashes"])
def test_a_file_at_the_place_of_the_cache_is_no_cache_and_stays(tmp_path, place):
    path, file = write(tmp_path / "large"), tmp_path / "cache" / place
    file.parent.mkdir(parents=True)
    file.write_text("of somebody")
    assert file_hashes([path]) == [hashlib.sha256(CONTENT).hexdigest()]
    assert file.read_text() == "of somebody"


@pytest.fixture
def no_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))


def test_without_a_cache_a_process_reads_an_unchanged_file_once_all_the_same(tmp_path, no_cache, reads):
    large, small = write(tmp_path / "large"), write(tmp_path / "small", b"x")
    before = file_hashes([large, small])
    assert file_hashes([large, small]) == before
    assert sorted(reads) == ["large", "small", "small"]
    write(large, b"W" + CONTENT[1:])
    assert file_hashes([large]) == [hashlib.sha256(large.read_bytes()).hexdigest()] != before[:1]


def test_what_a_process_read_while_it_changed_is_not_remembered(tmp_path, no_cache, monkeypatch):
    path = write(tmp_path / "link", b"")
    path.unlink()
    first, second = write(tmp_path / "first"), write(tmp_path / "second", b"other" * 1000)
    path.symlink_to(first)

    def lead_elsewhere(path):
        path.unlink()
        path.symlink_to(second)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    with monkeypatch.context() as patched:
        patched.setattr(hash_cache, "file_sha256", lead_elsewhere)
        file_hashes([path])
    path.unlink()
    path.symlink_to(first)  # the first file has the same stamp as before
    assert file_hashes([path]) == [hashlib.sha256(CONTENT).hexdigest()]


def test_only_with_a_cache_a_large_reading_is_said_to_be_done_once(tmp_path, no_cache, monkeypatch, caplog):
    monkeypatch.setattr(hash_cache, "SLOW_BYTES", 1000)
    path = write(tmp_path / "large")
    file_hashes([path])
    file_hashes([path])
    (record,) = caplog.records
    assert record.getMessage() == f"reading 0 GB of {tmp_path} to identify its content"


def test_a_large_reading_is_announced_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(hash_cache, "SLOW_BYTES", 1000)
    path = write(tmp_path / "large")
    file_hashes([path])
    file_hashes([path])
    (record,) = caplog.records
    assert record.getMessage() == f"reading 0 GB of {tmp_path} to identify its content; this is done once"


def test_a_file_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_hashes([tmp_path / "missing"])
