"""Whether a node sees the folders of the sweep."""

from __future__ import annotations

import shutil

import pytest

from lm_eval_illusion.sweep.ray_resources import mark_folders, missing_folder
from lm_eval_illusion.sweep.study import Study


@pytest.fixture
def shared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", "store")
    return mark_folders(tmp_path / "out", Study(pretrained="a"))


def test_folders_are_absolute_and_seen_where_they_were_marked(tmp_path, shared):
    assert (shared.folder, shared.out, shared.store) == (str(tmp_path), tmp_path / "out", str(tmp_path / "store"))
    assert len(shared.marks) == 2
    assert missing_folder(shared) is None


@pytest.mark.parametrize("gone", ["out", "store"])
def test_a_folder_of_the_same_name_that_is_another_is_not_seen(tmp_path, shared, gone):
    shutil.rmtree(tmp_path / gone)
    (tmp_path / gone).mkdir()
    said = missing_folder(shared)
    assert said.startswith(f"{tmp_path / gone} on ")
    assert "LM_EVAL_ILLUSION_STORE" in said


def test_no_store_is_not_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", "off")
    shared = mark_folders(tmp_path / "out", Study(pretrained="a"))
    assert (shared.store, len(shared.marks)) == ("off", 1)


def test_the_studys_own_store_goes_before_the_environments(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", "off")
    assert mark_folders(tmp_path / "out", Study(pretrained="a", model_args={"store": str(tmp_path / "own")})).store == str(
        tmp_path / "own"
    )


def test_a_store_that_cannot_be_written_is_left_to_the_cells_to_say(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "file" / "store"))
    assert missing_folder(mark_folders(tmp_path / "out", Study(pretrained="a"))) is None
