"""Commands whose output nobody reads any more: exit code 141, no message, and every file whole or absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loguru import logger

from lm_eval_illusion.cli import main
from lm_eval_illusion.pipes import EXIT_PIPE_CLOSED, OutputError, PipeClosed
from tests.lm_eval_files import DENSE, hits, write_run
from tests.prepared_process import start_function
from tests.sweep.sweeps import SHORT_GRID
from tests.test_demo import fake_demo
from tests.tiny_models import save_tiny

CLI = [sys.executable, "-m", "lm_eval_illusion.cli"]
QUESTIONS = [{"id": str(n), "lang": "en", "question": f"Which city is number {n}?", "answer": f"City {n}"} for n in range(8)]
REPORT_FILES = {
    "report.html",
    "report.json",
    "report.md",
    "leaderboard.csv",
    "outcomes.parquet",
    "figures",
    ".report-files.json",
}


def run_unread(command: list[str], **streams) -> subprocess.CompletedProcess[str]:
    """Run a command whose standard output is a pipe that nobody reads: each write fails, as after `head` has ended."""
    read, write = os.pipe()
    os.close(read)
    try:
        return subprocess.run(command, text=True, **{"stdout": write, "stderr": subprocess.PIPE, **streams})
    finally:
        os.close(write)


def prepared_unread(arguments: list[str]) -> int:
    """Run `lm-eval-illusion` in this process, a prepared one, with such an output."""
    read, write = os.pipe()
    os.close(read)
    return _with_output(write, arguments)


def prepared_full(arguments: list[str], also_errors: bool = False) -> int:
    """Run `lm-eval-illusion` in this process, a prepared one, with an output on a full disk."""
    full = os.open("/dev/full", os.O_WRONLY)
    if also_errors:
        os.dup2(full, 2)
    return _with_output(full, arguments)


def _with_output(descriptor: int, arguments: list[str]) -> int:
    os.dup2(descriptor, 1)
    # llmcompressor's log was opened before this process was forked, on the output of the other process.
    logger.remove()
    return main(arguments)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A run to report and questions to pair."""
    folder = tmp_path_factory.mktemp("inputs")
    write_run(folder / "runs", {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=0)}, illusion=DENSE)
    (folder / "questions.jsonl").write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))
    return folder


@pytest.mark.parametrize(
    "arguments", [["report", "{0}/runs", "--format", "json"], ["--help"]], ids=lambda arguments: arguments[0]
)
def test_a_process_ends_quietly(inputs, arguments):
    done = run_unread([*CLI, *(argument.format(inputs) for argument in arguments)])
    assert (done.returncode, done.stderr) == (EXIT_PIPE_CLOSED, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["pair", "{0}/questions.jsonl", "--name", "cities", "--out", "{1}/cities"],
        ["sweep", "--pretrained", "embedded", "--out", "{1}/sweep", "--dry-run"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_ends_quietly(inputs, tmp_path, arguments):
    running = start_function(prepared_unread, [argument.format(inputs, tmp_path) for argument in arguments])
    assert running.communicate() == ("", "")
    assert running.returncode == EXIT_PIPE_CLOSED
    if arguments[0] == "pair":
        # What the command printed comes after the folder, which is renamed when it is whole.
        items = (tmp_path / "cities" / "items" / "en.jsonl").read_text(encoding="utf-8").splitlines()
        assert {json.loads(line)["lang"] for line in items} == {"en"}


def test_the_files_of_a_report_are_whole(inputs, tmp_path):
    running = start_function(prepared_unread, ["report", str(inputs / "runs"), "--out", str(tmp_path / "out")])
    assert running.communicate() == ("", "")
    assert running.returncode == EXIT_PIPE_CLOSED
    assert {path.name for path in (tmp_path / "out").iterdir()} == REPORT_FILES
    assert json.loads((tmp_path / "out" / "report.json").read_text())["rows"]


def test_a_message_that_nobody_reads(tmp_path):
    # `2>&1 | head`: the error message itself can't be written.
    done = run_unread([*CLI, "report", str(tmp_path / "nowhere")], stderr=subprocess.STDOUT)
    assert done.returncode == EXIT_PIPE_CLOSED


def test_a_full_disk_is_one_line(inputs):
    running = start_function(prepared_full, ["report", str(inputs / "runs")])
    _, errors = running.communicate()
    assert (running.returncode, errors.count("\n")) == (2, 1)
    assert errors.startswith("lm-eval-illusion: error: the output can't be written (No space left on device): ")


def test_help_of_lm_eval():
    running = start_function(prepared_unread, ["run", "--help"])
    assert running.communicate() == ("", "")
    assert running.returncode == EXIT_PIPE_CLOSED


def test_a_checkpoint_is_whole(tmp_path):
    model, out = save_tiny("llama", tmp_path / "model"), tmp_path / "out"
    options = ["--pruner", "magnitude", "--sparsity", "0.5", "--store", "off"]
    running = start_function(prepared_unread, ["prune", "--pretrained", str(model), "--out", str(out), *options])
    _, errors = running.communicate()
    assert running.returncode == EXIT_PIPE_CLOSED, errors
    assert "Traceback" not in errors
    assert {"README.md", "config.json", "manifest.json", "model.safetensors"} <= {path.name for path in out.iterdir()}


def test_a_sweep_stops_without_a_failed_cell_and_can_be_resumed(tmp_path):
    model, out = save_tiny("llama", tmp_path / "model"), tmp_path / "out"
    command = ["sweep", "--out", str(out), *SHORT_GRID, "--pretrained", str(model)]
    running = start_function(prepared_unread, command)
    _, errors = running.communicate()
    assert running.returncode == EXIT_PIPE_CLOSED, errors
    assert "Traceback" not in errors
    assert list(out.glob("failed/*")) == []
    # Each cell is finished and whole, or not there.
    assert {path.name for path in out.glob("cells/*")} == {path.parent.name for path in out.glob("cells/*/completed.json")}


WAIT_FOR_THE_READER_TO_LEAVE = """
    started, go_on, run = map(pathlib.Path, sys.argv[2:5])
    started.touch()
    while not go_on.exists():
        time.sleep(0.01)
    shutil.copytree(run, runs, dirs_exist_ok=True)
"""


def test_a_demo_stops_when_its_reader_leaves(inputs, tmp_path):
    names = ("out", "started", "go_on")
    out, started, go_on = (tmp_path / name for name in names)
    command = fake_demo(WAIT_FOR_THE_READER_TO_LEAVE, out, started, go_on, inputs / "runs")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"5 variants of the embedded model")
    wait_for(started)
    process.stdout.close()
    go_on.touch()
    assert process.stderr is not None
    assert (process.wait(60), process.stderr.read()) == (EXIT_PIPE_CLOSED, b"")
    # The run that ended is whole; there is no report of a part of the variants.
    assert len(list(out.glob("runs-*/results_*.json"))) == 1
    assert not (out / "report.json").exists()
    process.stderr.close()


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_reader_that_leaves_after_the_first_line(inputs):
    command = " ".join([*CLI, "report", str(inputs / "runs"), "--format", "json"])
    done = subprocess.run(["bash", "-c", f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True)
    first, code = done.stdout.splitlines()
    # The output may fit into the pipe before `head` leaves.
    assert (first, code in ("0", str(EXIT_PIPE_CLOSED)), done.stderr) == ("{", True, "")


GATE = ["--fail-if", "recognition_only_rate >= 0 at dense"]


@pytest.mark.parametrize(
    ("streams", "gate", "code", "message"),
    [
        # `>&-` closes a stream.
        (">/dev/full", [], 2, "the output can't be written (No space left on device)"),
        (">&-", [], 2, "the output can't be written (Bad file descriptor)"),
        (">&-", GATE, 3, "gate: recognition_only_rate"),
        (">&- 2>&- <&-", GATE, 3, ""),
        (">/dev/null 2>&-", [], 0, ""),
    ],
)
def test_output_that_cannot_be_written(inputs, streams, gate, code, message):
    command = [*CLI, "report", str(inputs / "runs"), "--format", "headline", *gate]
    done = subprocess.run(["sh", "-c", f'"$@" {streams}', "sh", *command], capture_output=True, text=True)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (code, True, False)


def test_a_gate_whose_report_nobody_reads(inputs):
    running = start_function(prepared_unread, ["report", str(inputs / "runs"), *GATE])
    _, errors = running.communicate()
    assert (running.returncode, errors.count("gate: recognition_only_rate"), errors.count("\n")) == (3, 1, 1)


@pytest.mark.parametrize("also_errors", [False, True])
def test_a_gate_on_a_full_disk(inputs, also_errors):
    running = start_function(prepared_full, ["report", str(inputs / "runs"), "--format", "headline", *GATE], also_errors)
    _, errors = running.communicate()
    assert (running.returncode, "gate: recognition_only_rate" in errors) == (3, not also_errors)
    assert "Traceback" not in errors


def test_a_gate_whose_report_cannot_be_written_to_its_folder(inputs, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["report", str(inputs / "runs"), "--out", str(tmp_path / "file"), *GATE]) == 3
    errors = capsys.readouterr().err
    assert "can't be written" in errors
    assert "gate: recognition_only_rate" in errors


def test_output_of_an_encoding_without_these_characters(inputs, tmp_path):
    write_run(
        tmp_path / "runs",
        {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=0)},
        illusion={**DENSE, "base_model": "mallí"},
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    command = [*CLI, "report", str(tmp_path / "runs"), "--format", "headline"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert " mall\\xed: " in done.stdout


def test_a_lost_output_is_no_failure_of_a_file_or_a_run():
    # Handlers of these two types treat a file that can't be written, or a failed run.
    assert not issubclass(OutputError, Exception)
    assert not issubclass(PipeClosed, Exception)
