"""Packaged studies by name: `paper` and what else may have that name, and what studies/paper.yaml says about each of its choices."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep import model_size, packaged_studies
from lm_eval_illusion.sweep.grid import cells_of
from lm_eval_illusion.sweep.packaged_studies import study_file, study_names
from lm_eval_illusion.sweep.study import Study, read_study

PAPER = packaged_studies._studies_folder() / "paper.yaml"


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given(text):
    return study_file(Path(text))


def test_a_name_is_the_packaged_study():
    assert study_names() == ["paper"]
    assert given("paper") == PAPER


def test_a_folder_of_the_name_is_no_study(working_folder):
    # `sweep paper --out paper` makes this folder, and the same command resumes the sweep.
    (working_folder / "paper").mkdir()
    assert given("paper") == PAPER


@pytest.mark.parametrize("text", ["paper", "./paper"])
def test_a_file_of_the_name_is_read_and_a_line_says_so(working_folder, capsys, text):
    (working_folder / "paper").write_text("pretrained: mine\n")
    assert given(text).resolve() == working_folder / "paper"
    assert capsys.readouterr().err == "lm-eval-illusion: paper is a file here: it is read, not the packaged study paper\n"


def test_other_files_are_read_without_a_word(working_folder, capsys):
    (working_folder / "paper.yaml").write_text("pretrained: mine\n")
    (working_folder / "no-suffix").write_text("pretrained: mine\n")
    assert [given("paper.yaml").name, given("no-suffix").name] == ["paper.yaml", "no-suffix"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("papr", "did you mean paper"),
        ("paper.yaml", "did you mean paper"),
        ("studies/paper.yml", "did you mean paper"),
        ("grid", "packaged study: give"),
    ],
)
def test_an_unknown_study_is_one_line_with_the_nearest_name(text, hint):
    with pytest.raises(UserError, match=re.escape(f"study {text} is no file and no packaged study")) as caught:
        given(text)
    assert hint in str(caught.value)
    assert str(caught.value).endswith("give a YAML file, or one of paper")


def test_paper_is_the_design_of_the_paper():
    cells = cells_of(read_study(PAPER, {}))
    # Three models, each dense and pruned by two methods to each of four sparsities.
    assert len(cells) == 3 * (1 + 2 * 4)
    assert {cell.request.model_args["pruner"] for cell in cells} == {"none", "wanda", "sparsegpt"}
    assert {tuple(cell.request.tasks) for cell in cells} == {("mqa_illusion_tydiqa", "mqa_illusion_xquad")}
    assert all(cell.request.apply_chat_template and cell.request.limit == 200 for cell in cells)
    assert all(cell.request.model_args["enable_thinking"] is False for cell in cells)


def test_every_key_and_every_model_of_paper_says_who_chose_it():
    lines = PAPER.read_text(encoding="utf-8").splitlines()
    content = yaml.safe_load("\n".join(lines))
    for line, unmarked in unmarked_lines(lines):
        assert not unmarked, line
    # Nothing is left to a default that the file could have named.
    assert set(Study.model_fields) - set(content) == {
        "mask_structure",
        "calibration_language",
        "metadata",
        "exclude",
        "include",
    }


def unmarked_lines(lines):
    """Each line that states a value, and whether the comment above it lacks the mark; numbers in a mapping share one comment."""
    for number, line in enumerate(lines):
        if not line or line.lstrip().startswith("#") or (line.startswith("  ") and re.search(r": \d+$", line)):
            continue
        above = []
        while lines[number - len(above) - 1].lstrip().startswith("#"):
            above.append(lines[number - len(above) - 1])
        yield line, not re.search(r"# (paper|our choice): \S", "\n".join(above))


def test_the_check_of_the_marks_can_fail():
    assert list(unmarked_lines(["# a comment", "limit: 200", "# paper: it", "pruner: x"])) == [
        ("limit: 200", True),
        ("pruner: x", False),
    ]


@pytest.mark.parametrize("pretrained", ["embedded", "some/folder"])
def test_paper_takes_another_model_and_other_arguments(pretrained):
    study = read_study(
        PAPER,
        {
            "pretrained": [pretrained],
            "limit": 2,
            "sparsity": [0.5],
            "pruner": ["wanda"],
            "model_args": {"calibration": "embedded"},
            "metadata": {"items": "x.jsonl"},
        },
    )
    dense, pruned = cells_of(study)
    assert pruned.request.model_args["calibration"] == "embedded"
    # The entry of the file that was not named stays.
    assert pruned.request.model_args["enable_thinking"] is False
    assert (dense.request.limit, dense.request.metadata) == (2, {"items": "x.jsonl"})
    # The embedded model has no template.
    assert dense.request.apply_chat_template is pruned.request.apply_chat_template is (pretrained != "embedded")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model-args", "dtype"], "'dtype' is not KEY=VALUE"),
        (["--model-args", "=1"], "'=1' is not KEY=VALUE"),
        (["--metadata", "items="], "'items=' is not KEY=VALUE"),
        (["--metadata", "a=1", "a=2"], "--metadata has 'a' twice: give it once"),
        (["--model-args", "sparsity=0.5"], "--model-args sparsity is an axis of the grid: give --sparsity"),
        (["--model-args", "calibration=a\0b"], "calibration"),
    ],
)
def test_a_wrong_entry_is_one_line(arguments, message, capsys):
    try:
        code = main(["sweep", "paper", "--out", "out", "--dry-run", *arguments])
    except SystemExit as error:
        code = error.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_the_plan_of_paper_needs_no_network_and_no_model(working_folder, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(working_folder / "hub"))
    monkeypatch.setattr(model_size, "hub_answers", lambda: False)
    assert main(["sweep", "paper", "--out", "out", "--dry-run"]) == 0
    *lines, disk, hours = capsys.readouterr().out.splitlines()
    assert [line.endswith(": to do") for line in lines[:27]] == [True] * 27
    # The folder of a cell is named by the contents of the model, which are not known yet.
    assert re.fullmatch(r"Qwen3-8B--dense--[0-9a-f]{8}: to do", lines[0])
    assert lines[27].startswith("27 cells, 27 to do")
    # 16.38 + 14.50 + 7.64 GB in bfloat16, and eight checkpoints of each.
    assert "download: Qwen/Qwen3-8B, 16.4 GB (as the study states)" in lines
    assert "download: 38.5 GB of models in all" in lines
    assert disk.startswith("disk: at most 308.2 GB for 24 checkpoints, in ")
    assert re.match(r"GPU hours: about \d\d\.\d; an estimate: ", hours)
    assert not (working_folder / "out").exists()


def test_with_log_json_only_the_cells_are_on_standard_output(working_folder, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(working_folder / "hub"))
    monkeypatch.setattr(model_size, "hub_answers", lambda: False)
    assert main(["sweep", "paper", "--out", "out", "--dry-run", "--log-json", "--pruner", "wanda", "--sparsity", "0.5"]) == 0
    output = capsys.readouterr()
    assert [json.loads(line)["state"] for line in output.out.splitlines()] == ["to do"] * 6
    assert output.err.startswith("6 cells, 6 to do")
    assert "GPU hours" in output.err
