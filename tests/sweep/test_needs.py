"""The lines of a plan about downloads, space and GPU hours: numbers by hand, and little for a small sweep of a model that is here."""

from __future__ import annotations

import re

import pytest

from lm_eval_illusion.sweep import needs
from lm_eval_illusion.sweep.grid import cells_of
from lm_eval_illusion.sweep.model_size import ModelSize
from lm_eval_illusion.sweep.needs import lines_about_short_space, needs_of_cells
from lm_eval_illusion.sweep.study import Study
from lm_eval_illusion.sweep.workload import evaluated_views, tokens_of
from tests.tiny_models import save_tiny

SIZES = {
    "org/large": ModelSize(8_000_000_000, 16_000_000_000, False, "the hub"),
    "org/small": ModelSize(4_000_000_000, 8_000_000_000, False, "as the study states"),
    "org/here": ModelSize(4_000_000_000, 8_000_000_000, True, "its files"),
    "org/unknown": ModelSize(None, None, False, "unknown"),
}


@pytest.fixture(autouse=True)
def sizes(monkeypatch):
    monkeypatch.setattr(needs, "model_size", lambda name, revision, stated, ask_hub, file: SIZES[name])


def lines_of(*models, **more):
    model_args = {"calibration": "embedded", **more.pop("model_args", {})}
    study = Study(pretrained=models, sparsity=(0.5, 0.6), model_args=model_args, **{"tasks": "mqa_illusion_xquad_en", **more})
    return needs_of_cells(cells_of(study), study)


def one(lines, begin):
    (line,) = [line for line in lines if line.startswith(begin)]
    return line


def test_downloads_name_each_model_once_with_its_size_and_the_sum():
    lines = [line for line in lines_of("org/large", "org/small", "org/here") if line.startswith("download")]
    assert lines == [
        "download: org/large, 16.0 GB (the hub)",
        "download: org/small, 8.0 GB (as the study states)",
        "download: 24.0 GB of models in all",
        "download: the questions of mqa_illusion_xquad, of unknown size, unless they are in the cache",
    ]


def test_an_unknown_size_is_said_and_not_summed():
    lines = lines_of("org/large", "org/unknown")
    assert "download: org/unknown, of unknown size" in lines
    assert not [line for line in lines if "in all" in line]
    assert "for 2 checkpoints, and 2 of unknown size, in " in one(lines, "disk: at most 32.0 GB")
    assert "without 3 cells of unknown size" in one(lines, "GPU hours")


def test_sizes_that_are_all_unknown_are_no_zeros():
    """Before, the plan stated "at most 0.0 GB for 0 checkpoints" and "about 0.0" GPU hours."""
    lines = lines_of("org/unknown")
    assert one(lines, "disk").startswith("disk: checkpoints of unknown size: 2, in ")
    assert one(lines, "GPU hours").endswith(" tokens a cell): state `parameters` in the study")
    assert "0.0" not in one(lines, "disk").partition(", where")[0] + one(lines, "GPU hours")


def test_items_of_a_file_and_embedded_items_are_no_download():
    assert not [line for line in lines_of("org/here", metadata={"items": "x.jsonl"}) if line.startswith("download")]
    assert not [line for line in lines_of("org/here", tasks="mqa_illusion") if line.startswith("download")]


def test_a_calibration_text_of_the_hub_is_named_once():
    texts = lines_of("org/here", model_args={"calibration": "hub:org/text:en"})
    assert one(texts, "download: the beginning") == "download: the beginning of the calibration text hub:org/text:en"
    # Magnitude pruning reads none.
    assert not [line for line in lines_of("org/here", pruner="magnitude") if "calibration" in line]


def test_space_is_that_of_the_pruned_checkpoints(tmp_path):
    # Two sparsities of each model; the dense model has no checkpoint.
    line = one(lines_of("org/large", "org/small", model_args={"store": str(tmp_path / "new")}), "disk")
    assert line.startswith(f"disk: at most 48.0 GB for 4 checkpoints, in {tmp_path / 'new'}, where ")
    assert not [line for line in lines_of("org/large", model_args={"store": "off"}) if line.startswith("disk")]


@pytest.mark.parametrize(("free", "advised"), [(47_000_000_000, True), (49_000_000_000, False)])
def test_too_little_space_is_said_with_what_to_do(monkeypatch, free, advised):
    monkeypatch.setattr(needs.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": free}))
    line = one(lines_of("org/large", "org/small"), "disk")
    assert f"{free / 1e9:.1f} GB are free" in line
    assert ("--model-args store=off" in line) is advised
    # A run says it, too, before it fills the disk for hours.
    study = Study(pretrained=["org/large", "org/small"], sparsity=(0.5, 0.6), model_args={"calibration": "embedded"})
    lines = lines_about_short_space(cells_of(study), study)
    assert lines == [line.replace("disk: ", "the disk may get full: ")] * advised


def test_gpu_hours_by_hand():
    study = {"tasks": "mqa_illusion_xquad", "limit": 200, "model_args": {"calibration_samples": 128, "calibration_length": 256}}
    tokens = tokens_of(evaluated_views(["mqa_illusion_xquad"])[0], 200)
    calibration = 2 * 128 * 256
    # One dense cell and two of Wanda.
    expected = 2 * 8e9 * (3 * tokens + 2 * calibration) / (0.1 * 989e12) / 3600
    line = one(lines_of("org/large", **study), "GPU hours")
    assert float(re.search(r"about ([\d.]+)", line)[1]) == pytest.approx(expected, abs=0.05)
    assert f"{tokens:,} tokens a cell" in line
    assert "without hellaswag" in one(lines_of("org/large", **{**study, "tasks": ["hellaswag", "mqa_illusion_xquad"]}), "GPU")


def test_a_small_sweep_of_a_model_that_is_here_needs_little_time_only(tmp_path, monkeypatch):
    monkeypatch.undo()
    model = str(save_tiny("llama", tmp_path / "model"))
    study = Study(pretrained=model, tasks="mqa_illusion_en", limit=20, model_args={"calibration": "embedded"})
    (line,) = needs_of_cells(cells_of(study), study)
    assert line.startswith("GPU hours: less than 0.1; an estimate: ")
    assert needs_of_cells([], Study(pretrained="org/model", tasks="mqa_illusion_xquad")) == []


def test_models_of_unknown_size_alone_have_unknown_hours_and_not_0():
    assert one(lines_of("org/unknown"), "GPU hours").startswith("GPU hours: unknown, because no model's size is known (")


def test_a_gguf_file_has_a_checkpoint_of_its_own(monkeypatch):
    monkeypatch.setitem(SIZES, "x.gguf", SIZES["org/here"])
    # The file as an ordinary folder, and two pruned models.
    assert one(lines_of("x.gguf"), "disk").startswith("disk: at most 24.0 GB for 3 checkpoints, in ")
