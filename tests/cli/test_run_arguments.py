"""Arguments of lm_eval that are checked before lm_eval is imported, and its errors as one line."""

from __future__ import annotations

import importlib
import os
import sys
import time

import pytest
from lm_eval.tasks import _index

from lm_eval_illusion.cli import main, run_arguments
from lm_eval_illusion.cli.run_arguments import check_arguments, check_written, read_arguments, samples_of, tasks_of
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.plugin import index_ours_first, register
from tests.prepared_process import run_command

RUN = ["--model", "pruned-hf", "--tasks", "mqa_illusion_en_mc"]


@pytest.mark.parametrize(
    "arguments",
    [
        *([["--limit", value] for value in ("x", "nan", "0", "-1", "1.5", "²", "1e400")]),
        *([["--batch_size", value] for value in ("x", "0", "auto:x")]),
        *([["--seed", value] for value in ("x", "1,2", "-1", "4294967296", " 5 ")]),
        *([["--output_path", value] for value in ("", "fifo", "file/below", "/dev/full")]),
        *([["--samples", value] for value in ("", "{", "[0]", '{"a": [-1]}', '{"a": 1}', "nowhere", "fifo", "folder")]),
        *([["--include_path", value] for value in ("", "nowhere", "file", "folder")]),
        *([["--config", value] for value in ("", "nowhere", "fifo", "folder")]),
        *([["--tasks", value] for value in ("", "fifo.yaml", "folder")]),
        *([["--limit=--"], ["--num_fewshot", "-1"], ["--max_batch_size", "0"]]),
        *([["--verbosity", value] for value in ("BANANA", "", "10")]),
    ],
    ids=" ".join,
)
def test_what_lm_eval_would_not_refuse_in_one_line(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for fifo in ("fifo", "fifo.yaml", "folder/fifo.yaml"):
        os.mkfifo(fifo)
    assert main(["run", *RUN, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lm-eval-illusion: error: ")
    assert error.count("\n") == 1


def test_what_is_right_is_accepted(tmp_path):
    options = [
        "--limit",
        "0.5",
        "--batch_size",
        "auto:4",
        "--seed",
        "0,None,8,52",
        "--samples",
        '{"a": [0, 5]}',
        "--include_path",
    ]
    check_arguments(read_arguments([*RUN, *options, str(tmp_path), "--output_path", str(tmp_path / "new" / "runs")]))
    check_arguments(read_arguments([*RUN, "--limit", "10", "--batch_size", "8", "--seed", "7", "--unknown", "--limit"]))


def test_a_folder_of_tasks_that_would_be_searched_for_minutes(tmp_path, monkeypatch):
    monkeypatch.setattr(run_arguments, "MOST_ENTRIES", 2)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    with pytest.raises(UserError, match="has more than 2 files and folders: give the folder of the tasks alone"):
        check_arguments(read_arguments(["--include_path", str(tmp_path)]))


def test_results_that_lm_eval_did_not_write(tmp_path):
    named = read_arguments(["--output_path", str(tmp_path)])
    with pytest.raises(UserError, match="lm_eval could not write its results"):
        check_written(named, time.time())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "results_2026.json").touch()
    check_written(named, time.time())
    # Others may delete files meanwhile, and links may lead nowhere.
    (tmp_path / "model" / "results_0000.json").symlink_to("nowhere")
    check_written(named, time.time())
    (tmp_path / "model" / "results_2026.json").rename(tmp_path / "results.txt")
    with pytest.raises(UserError, match="lm_eval could not write its results"):
        check_written(named, time.time())


def test_results_in_a_linked_folder_and_in_a_named_file(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "results_2026.json").touch()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".__model").symlink_to(tmp_path / "disk")
    check_written(read_arguments(["--output_path", str(tmp_path / "runs")]), time.time())
    named = read_arguments(["--output_path", str(tmp_path / "a[1].json")])
    (tmp_path / "a1_2026.json").touch()
    with pytest.raises(UserError, match="lm_eval could not write its results"):
        check_written(named, time.time())
    (tmp_path / "a[1]_2026.json").touch()
    check_written(named, time.time())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("verbosity: debug", "verbosity of --config 'debug' is no level: give one of CRITICAL, "),
        ("verbosity: []", r"verbosity of --config \[\] is no level"),
        ("wandb_args: {project: x}", "wandb_args needs the package wandb, which is not installed: run pip install wandb"),
    ],
)
def test_what_a_config_file_says_is_checked(text, message, tmp_path, monkeypatch):
    monkeypatch.setattr(run_arguments, "_is_installed", lambda package: False)
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        check_arguments(read_arguments(["--config", str(tmp_path / "config.yaml")]))


@pytest.mark.parametrize(
    "text", ["verbosity: DEBUG", "verbosity: 10", "verbosity: null", "wandb_args: {}", "[1]", "a: [", "tasks: 3", ""]
)
def test_a_config_file_without_mistakes_or_that_lm_eval_reports_is_accepted(text, tmp_path):
    (tmp_path / "config.yaml").write_text(text)
    named = read_arguments(["-C", str(tmp_path / "config.yaml"), "-v", "debug"])
    check_arguments(named)
    assert (samples_of(named), tasks_of(named)) == ([], [])


def test_tasks_and_samples_of_a_config_file(tmp_path):
    (tmp_path / "config.yaml").write_text("tasks: [a, 'b,c']\nsamples: '{\"a\": [0]}'")
    config = ["--config", str(tmp_path / "config.yaml")]
    assert (tasks_of(read_arguments(config)), samples_of(read_arguments(config))) == (["a", "b", "c"], ["a"])
    # The command line overrides the file.
    named = read_arguments([*config, "--tasks", "d,e", "f", "--samples", '{"d": [1]}'])
    assert (tasks_of(named), samples_of(named)) == (["d", "e", "f"], ["d"])


@pytest.mark.parametrize("package", ["wandb", "trackio"])
def test_a_missing_package_of_a_logger_is_named(package, tmp_path, monkeypatch):
    """lm_eval would end with an UnboundLocalError. A folder that the package made for its logs is no package."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, package)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (tmp_path / package).mkdir()
    named = read_arguments([f"--{package}_args", "project=x"])
    with pytest.raises(UserError, match=f"{package}_args needs the package {package}, which is not installed"):
        check_arguments(named)
    (tmp_path / package / "__init__.py").touch()
    importlib.invalidate_caches()
    check_arguments(named)


def test_a_second_run_in_a_process_indexes_our_tasks_no_more_often_than_the_first(monkeypatch):
    builds = []
    monkeypatch.setattr(_index.TaskIndex, "build", staticmethod(lambda paths, **_: builds.append(list(paths)) or {}))
    counts = []
    for _ in range(3):
        register()
        index_ours_first(["somebodys"])
        _index.TaskIndex.build([])
        counts.append(len(builds))
    # Each time ours alone, which lacks the task, and then everything.
    assert counts == [2, 4, 6]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nomodel\x1b[2J"], r"Attempted to load model 'nomodel\x1b[2J'"),
        (["--samples", '{"mqa_illusion_en_mc": [99999]}'], "Elements of --samples should be in the interval"),
        (["--model_args", '{"a":'], 'Invalid JSON: {"a":.'),
        (["--model_args", "pretrained="], "'pretrained' '' is blank"),
    ],
    ids=["model", "samples", "model_args", "blank"],
)
def test_a_mistake_that_lm_eval_finds_is_one_line(arguments, message):
    done = run_command(["run", *RUN, *arguments])
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("lm-eval-illusion: ")]
    assert (done.returncode, message in line, "Traceback" in done.stderr) == (2, True, False)
