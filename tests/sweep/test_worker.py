"""A local sweep survives the death of the process that runs its cells, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import sys
from types import SimpleNamespace

import psutil
import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.sweep import worker
from lm_eval_illusion.sweep.worker import end_of_process
from tests.prepared_process import start_function, wait_until
from tests.sweep.sweeps import CELLS, GRID, SHORT_CELLS, SHORT_GRID, arguments_of, report_of, start, states_of, wait_for
from tests.tiny_models import save_tiny

pytestmark = pytest.mark.slow

KILLED = "failed: killed by signal 9: out of memory? give a smaller batch_size or max_batch_tokens"


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    return save_tiny("llama", tmp_path / "model")


def start_and_wait_for_a_cell(model, out, grid=SHORT_GRID):
    """Start a sweep; return its process, and the process that runs its first cell, once it writes the log of the cell."""
    process = start(model, out, grid=grid)
    wait_until(lambda: list(out.glob("logs/*")), process)
    (cell_process,) = psutil.Process(process.pid).children()
    return process, cell_process


def test_a_killed_cell_fails_alone_and_runs_again_on_request(tmp_path, model):
    out = tmp_path / "out"
    process, cell_process = start_and_wait_for_a_cell(model, out, GRID)
    # As the kernel does when memory runs out.
    cell_process.kill()
    code, events, errors = wait_for(process)
    assert code == 1
    assert [event["state"] for event in events] == [KILLED, *["done"] * (CELLS - 1)]
    assert errors.count("\n") == errors.count("--retry-failed runs it again") == 1
    assert "killed by signal 9" in next((out / "failed").iterdir()).read_text()
    assert not list((out / ".unfinished").iterdir())
    # Without the dense run there is no comparison, but there is a report of the others.
    assert {row["variant"] for row in report_of(out)["rows"]} == {"magnitude-0.5", "magnitude-0.6"}
    code, events, _ = wait_for(start(model, out))
    assert (code, states_of(events)) == (1, ["failed before", *["done before"] * (CELLS - 1)])
    code, events, errors = wait_for(start(model, out, "--retry-failed"))
    assert (code, errors) == (0, "")
    assert sorted(states_of(events)) == ["done", *["done before"] * (CELLS - 1)]
    assert {row["variant"] for row in report_of(out)["rows"]} == {"dense", "magnitude-0.5", "magnitude-0.6"}


def test_ctrl_c_stops_the_cell_too_and_the_sweep_resumes(tmp_path, model):
    out = tmp_path / "out"
    process, cell_process = start_and_wait_for_a_cell(model, out)
    # A terminal sends it to both.
    os.kill(process.pid, signal.SIGINT)
    cell_process.send_signal(signal.SIGINT)
    code, events, errors = wait_for(process)
    assert (code, events, errors) == (130, [], "lm-eval-illusion: interrupted\n")
    assert not cell_process.is_running()
    assert not list((out / ".unfinished").iterdir())
    code, events, errors = wait_for(start(model, out, grid=SHORT_GRID))
    assert (code, states_of(events), errors) == (0, ["done"] * SHORT_CELLS, "")


def stop_at_the_start_of_the_process(arguments, number, note):
    """Run a sweep that gets a signal as soon as the process that runs its cells exists, before Python knows it; note its number."""
    fork = os.fork

    def fork_and_stop():
        child = fork()
        if child:
            note.write_text(str(child))
            os.kill(os.getpid(), number)
        return child

    # Under `nohup` the tests ignore SIGHUP, and so would the command.
    signal.signal(number, signal.default_int_handler)
    os.fork = fork_and_stop
    sys.argv = ["lm-eval-illusion", *arguments]
    return main()


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)])
def test_a_signal_while_the_process_starts_ends_it_too(name, code, tmp_path, model):
    arguments = arguments_of(model, tmp_path / "out", SHORT_GRID)
    note = tmp_path / "note"
    process = start_function(stop_at_the_start_of_the_process, arguments, getattr(signal, name), note)
    # Else it would wait for its process for ever.
    wait_until(lambda: process.poll() is not None, process, 60)
    assert process.poll() == code
    assert not psutil.pid_exists(int(note.read_text()))


def test_neither_a_process_nor_a_temporary_checkpoint_outlives_a_killed_or_finished_sweep(tmp_path, monkeypatch, model):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        patch.setenv("LM_EVAL_ILLUSION_STORE", "off")
        process, cell_process = start_and_wait_for_a_cell(model, tmp_path / "killed")
        wait_until(lambda: list(temporary.glob("lm-eval-illusion-*/*.safetensors")), process)
    os.kill(process.pid, signal.SIGKILL)
    cell_process.wait(timeout=60)
    assert not list(temporary.glob("lm-eval-illusion-*"))
    process.communicate()
    process, cell_process = start_and_wait_for_a_cell(model, tmp_path / "finished")
    assert wait_for(process)[0] == 0
    assert not cell_process.is_running()


def test_temporary_files_are_deleted_also_if_the_main_thread_does_not_end(monkeypatch):
    # As in native code, or where a library drops the exception of the signal.
    done, (read, write) = [], os.pipe()
    os.close(write)  # what is waited for is ready: the parent is dead
    monkeypatch.setattr(worker.multiprocessing, "parent_process", lambda: SimpleNamespace(sentinel=read))
    monkeypatch.setattr(worker.os, "kill", lambda _, number: done.append(signal.Signals(number).name))
    monkeypatch.setattr(worker.time, "sleep", lambda _: done.append("wait"))
    monkeypatch.setattr(worker.atexit, "_run_exitfuncs", lambda: done.append("delete"))
    monkeypatch.setattr(worker.os, "_exit", lambda code: done.append(code))
    worker._end_with_parent()
    os.close(read)
    assert done == ["SIGTERM", "wait", "delete", 1]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (-9, KILLED.removeprefix("failed: ")),
        (-11, "killed by signal 11 (Segmentation fault)"),
        (3, "its process ended with exit code 3"),
    ],
)
def test_how_the_end_of_a_process_is_told(code, text):
    assert end_of_process(code) == text
