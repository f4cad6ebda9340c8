"""The resources of a cell, compared with the nodes of a cluster; the folders that all nodes must see."""

from __future__ import annotations

import math
import shutil

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep.ray_resources import CellResources, mark_folders, missing_folder, missing_resources, read_resources
from lm_eval_illusion.sweep.study import Study

GIB = 1024**3


def test_flags_become_resources():
    assert read_resources("local") is None
    flags = {"address": "a:1", "cpus_per_cell": 2.0, "gpus_per_cell": 0.5, "memory_per_cell": 3.0}
    assert read_resources("ray", **flags) == CellResources("a:1", 2.0, 0.5, 3.0)


@pytest.mark.parametrize(
    ("engine", "flags", "message"),
    [
        ("local", {"gpus_per_cell": 1.0}, "--gpus-per-cell needs --engine ray"),
        ("local", {"address": "auto"}, "--address needs --engine ray"),
        ("ray", {"cpus_per_cell": -1.0}, r"--cpus-per-cell -1 is not in \[0"),
        ("ray", {"memory_per_cell": math.nan}, "--memory-per-cell nan is not in"),
        ("ray", {"gpus_per_cell": math.inf}, "--gpus-per-cell inf is not in"),
        ("ray", {"gpus_per_cell": 1.5}, "--gpus-per-cell 1.5 is neither"),
    ],
)
def test_wrong_flags_are_refused_with_the_reason(engine, flags, message):
    with pytest.raises(UserError, match=message):
        read_resources(engine, **flags)


def test_a_cell_gets_one_gpu_if_the_cluster_has_any():
    assert CellResources().cell_resources({"CPU": 8}) == {"CPU": 1, "GPU": 0, "memory": 0}
    assert CellResources().cell_resources({"CPU": 8, "GPU": 2})["GPU"] == 1
    assert CellResources(gpus=0).cell_resources({"CPU": 8, "GPU": 2})["GPU"] == 0
    assert CellResources(memory=1.5).cell_resources({})["memory"] == 1.5 * GIB


def test_a_cell_must_fit_on_one_node():
    nodes = [{"CPU": 4, "memory": 8 * GIB}, {"CPU": 1, "GPU": 2, "memory": 64 * GIB}]
    assert missing_resources({"CPU": 1, "GPU": 2, "memory": 64 * GIB}, nodes) is None
    assert missing_resources({"CPU": 8}, nodes) == "no node has 8 CPU: the largest has 4 CPU"
    assert (
        missing_resources({"memory": 65 * GIB}, nodes) == "no node has 65.0 GiB of memory: the largest has 64.0 GiB of memory"
    )
    # Four CPUs on one, GPUs on the other.
    assert missing_resources({"CPU": 4, "GPU": 1, "memory": 0}, nodes) == "no node has 4 CPU, 1 GPU together"


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
