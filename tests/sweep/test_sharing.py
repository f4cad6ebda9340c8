"""Whether a node of a cluster sees the same folders as the machine that started the sweep."""

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


def test_folders_are_absolute_and_found_by_their_marks(tmp_path, shared):
    assert (shared.folder, shared.out, shared.store) == (str(tmp_path), tmp_path / "out", str(tmp_path / "store"))
    assert len(shared.marks) == 2
    assert missing_folder(shared) is None


@pytest.mark.parametrize("replaced", ["out", "store"])
def test_another_folder_of_the_same_name_is_reported(tmp_path, shared, replaced):
    shutil.rmtree(tmp_path / replaced)
    (tmp_path / replaced).mkdir()
    message = missing_folder(shared)
    assert message.startswith(f"{tmp_path / replaced} on ")
    assert "LM_EVAL_ILLUSION_STORE" in message


def test_without_a_store_only_the_output_folder_is_marked(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", "off")
    shared = mark_folders(tmp_path / "out", Study(pretrained="a"))
    assert (shared.store, len(shared.marks)) == ("off", 1)


def test_the_store_of_the_study_overrides_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", "off")
    assert mark_folders(tmp_path / "out", Study(pretrained="a", model_args={"store": str(tmp_path / "own")})).store == str(
        tmp_path / "own"
    )


def test_an_unwritable_store_is_reported_by_the_cells_not_here(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "file" / "store"))
    assert missing_folder(mark_folders(tmp_path / "out", Study(pretrained="a"))) is None
