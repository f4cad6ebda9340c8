"""The command line: help, wrong use, and the forwarding to lm_eval."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from lm_eval_illusion.cli import main
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
