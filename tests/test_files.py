"""Files on disk: new folders are complete or absent, and hashes and listings describe their content."""

from __future__ import annotations

import hashlib
import os

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import file_sha256, files_below, new_folder, packaged_folder, refuse_existing, unique_folder


def test_an_existing_folder_is_refused_with_the_reason(tmp_path):
    refuse_existing(tmp_path / "new")
    with pytest.raises(UserError, match="exists: give a new folder, because it is old"):
        refuse_existing(tmp_path, ", because it is old")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_an_impossible_path_is_one_line(tmp_path, name):
    with pytest.raises(UserError, match="can't be written") as caught:
        refuse_existing(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_new_folder_is_renamed_into_place_at_the_end_of_the_with_statement(tmp_path):
    out = tmp_path / "parent" / "out"
    with new_folder(out) as folder:
        folder.mkdir()
        (folder / "a").write_text("x")
        assert not out.exists()
    assert [path.name for path in out.iterdir()] == ["a"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_after_an_error_neither_the_folder_nor_its_new_parents_exist(tmp_path):
    def fill_the_disk(folder):
        folder.mkdir()
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left on device"), new_folder(tmp_path / "parent" / "out") as folder:
        fill_the_disk(folder)
    assert list(tmp_path.iterdir()) == []


def test_unique_folders_differ_and_follow_the_umask(tmp_path):
    old = os.umask(0o022)
    try:
        folders = [unique_folder(tmp_path / "work", "key") for _ in range(2)]
    finally:
        os.umask(old)
    assert len({folder.name for folder in folders}) == 2
    assert {folder.name.rpartition("-")[0] for folder in folders} == {"key"}
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o755}


def test_hashes_and_names_of_files(tmp_path):
    content = os.urandom((1 << 20) + 7)  # more than one chunk
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b").write_bytes(content)
    (tmp_path / "a").write_bytes(b"")
    assert file_sha256(tmp_path / "below" / "b") == hashlib.sha256(content).hexdigest()
    assert files_below(tmp_path) == {"a": tmp_path / "a", "below/b": tmp_path / "below" / "b"}


def test_packaged_folders_exist():
    assert (packaged_folder("lm_eval_illusion.pruners") / "wanda.yaml").is_file()
    assert (packaged_folder("lm_eval_illusion.tasks") / "mqa_illusion").is_dir()
