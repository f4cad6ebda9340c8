"""The command line: help, wrong use, and the forwarding to lm_eval."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lm_eval_illusion.cli import execution, main
from lm_eval_illusion.report.terminal import FORMATS
from lm_eval_illusion.results.join_views import RECOGNITION
from tests.lm_eval_files import hits, write_run


def test_importing_the_package_imports_no_heavy_module():
    code = "import sys, lm_eval_illusion; print({'torch', 'lm_eval', 'numpy', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_help_imports_no_heavy_module():
    code = (
        "import sys; from lm_eval_illusion.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print({'torch', 'lm_eval', 'numpy', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_command_that_is_installed_is_this_one():
    done = subprocess.run(
        [Path(sys.executable).with_name("lm-eval-illusion"), "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: lm-eval-illusion ")


def test_report_of_an_empty_folder_is_one_line_and_code_2(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lm-eval-illusion: error: ")
    assert error.count("\n") == 1


def test_report_writes_to_the_folder_out(tmp_path):
    write_run(tmp_path / "runs", {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=0)})
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["rows"][0]["cells"]["recognition_only"] == 1


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "²", "9" * 5000])
def test_pair_refuses_a_wrong_limit(limit, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["pair", str(tmp_path / "x.jsonl"), "--name", "x", "--out", str(tmp_path / "out"), "--limit", limit])
    assert caught.value.code == 2
    assert "is not a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "²"])
def test_demo_refuses_a_wrong_limit(limit, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--limit", limit])
    assert caught.value.code == 2
    assert "is not a number from 1 to 200" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [("recognition", "accuracy", RECOGNITION), ("format", "xml", FORMATS)],
    ids=["recognition", "format"],
)
def test_report_refuses_an_unknown_value(option, value, allowed, tmp_path, capsys):
    assert main(["report", str(tmp_path), f"--{option}", value]) == 2
    error = capsys.readouterr().err
    assert error == f"lm-eval-illusion: error: {option} '{value}' is unknown: give one of {', '.join(allowed)}\n"


def test_the_help_of_report_explains_every_value(capsys):
    with pytest.raises(SystemExit):
        main(["report", "--help"])
    words = set(re.findall(r"\w+", capsys.readouterr().out))
    assert words >= {*RECOGNITION, *FORMATS}


def test_run_passes_all_arguments_to_lm_eval(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["run", "--help"])
    assert caught.value.code == 0
    assert "--model_args" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "runs", "--on", "id"], "--on id needs --pair, whose documents it joins: give both or neither"),
        (["report", ""], "DIR '' is blank: give one"),
        (["report", "runs", "--out", " "], "--out ' ' is blank: give one, or leave the option out"),
        (["sweep", "--pretrained", "", "--out", "x"], "--pretrained '' is blank: give one, or leave the option out"),
        (
            ["prune", "--pretrained", "embedded", "--out", "x", "--revision", ""],
            "--revision '' is blank: give one, or leave the option out",
        ),
        (
            ["prune", "--pretrained", "embedded", "--out", "x", "--calibration-samples", "1" + "0" * 30],
            f"calibration_samples 1{'0' * 30} is too large: give a whole number from 1 to 65,536",
        ),
        (
            [
                "prune",
                "--pretrained",
                "embedded",
                "--out",
                "x",
                "--calibration-samples",
                "65536",
                "--calibration-length",
                "4096",
            ],
            "calibration_samples 65,536 of calibration_length 4,096 are more than 134,217,728 tokens: give less",
        ),
        (
            ["prune", "--pretrained", "embedded", "--out", "x", "--store", ""],
            "store '' is blank: give a folder or off, or leave it out",
        ),
    ],
)
def test_a_value_that_would_have_another_meaning_is_refused(arguments, message, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"lm-eval-illusion: error: {message}\n"


def test_two_hyphens_are_no_value(capsys):
    with contextlib.suppress(SystemExit):
        assert main(["sweep", "--pretrained", "embedded", "--out", "x", "--sparsity=--"]) == 2
    error = capsys.readouterr().err
    # Python 3.12.5 and newer pass the value on, earlier ones drop it.
    expected = ("error: --sparsity has no value: give one, or leave it out", "error: argument --sparsity: '--' is not a number")
    assert error.removeprefix("lm-eval-illusion: ").startswith(expected)
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "runs", "--\x1b[2J"], r"unrecognized arguments: --\x1b[2J: see lm-eval-illusion --help"),
        (["rep\u202e"], r"invalid choice: 'rep\u202e'"),
        (["report", "runs", "--form", "json"], "unrecognized arguments: --form json"),
        (["report", "runs", "--out", "a", "--out", "b"], "--out is given twice: give it once"),
        (
            ["sweep", "--out", "x", "--sparsity", "0.5", "--sparsity", "0.6"],
            "--sparsity is given twice: give all values after one",
        ),
        (["report", "--out"], "argument --out: expected one argument"),
        (["report", "runs", "--nothing" + "x" * 10**5], "xxx ...: see"),
    ],
)
def test_a_mistake_in_the_command_is_one_line_that_a_terminal_can_show(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert message in error
    assert error.startswith("lm-eval-illusion: error: ")
    assert error.removesuffix("\n").isprintable()


def test_a_repository_that_cannot_exist_is_refused_before_the_pruning(tmp_path, capsys):
    arguments = ["prune", "--pretrained", "embedded", "--out", str(tmp_path / "out"), "--push-to-hub", "a/b/c"]
    assert main(arguments) == 2
    assert "--push-to-hub 'a/b/c' is no repository name" in capsys.readouterr().err


def test_errors_of_the_machine_are_one_line_and_mistakes_of_the_program_are_not_hidden(monkeypatch, capsys):
    errors = [OSError(28, "No space left on device", "a/b"), MemoryError(), RuntimeError("ours")]
    monkeypatch.setattr(execution, "_run", lambda _: (_ for _ in ()).throw(errors.pop(0)))
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("lm-eval-illusion: error: a/b can't be used (No space left on device): ")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("lm-eval-illusion: error: not enough memory (MemoryError): ")
    assert main([]) == 1
    first, *_, error, last = capsys.readouterr().err.splitlines()
    assert (first, error) == ("Traceback (most recent call last):", "RuntimeError: ours")
    assert "please report it" in last
