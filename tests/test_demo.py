"""The demonstration: its results, what it shows on a terminal and elsewhere, and runs that fail, are interrupted or are killed."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from lm_eval_illusion import demo, prune
from lm_eval_illusion.cli import main
from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.report.format import percent
from tests.mounts import can_mount
from tests.prepared_process import start_function
from tests.report.report_examples import make_report
from tests.tiny_models import save_tiny

NAMES = ["dense", "wanda-0.6", "wanda-0.7", "sparsegpt-0.7", "magnitude-0.6"]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# The evaluation of a variant is replaced, and the check before it, so that lm_eval and torch are not imported.
DEMO = """
import os, pathlib, shutil, sys, time
from lm_eval_illusion import demo
from lm_eval_illusion.cli import main
def evaluate_variant(variant, items, runs):
{body}
demo.evaluate_variant, demo.check_variants = evaluate_variant, lambda: None
sys.exit(main(["demo", "--limit", "3", "--out", sys.argv[1]]))
"""
COPY = """
    print("printed by a library")
    os.write(2, b"Tokenizing:  50%|#####     | 1/2\\rTokenizing: 100%|##########| 2/2\\n")
    shutil.copytree(sorted(pathlib.Path(sys.argv[2]).iterdir())[demo.VARIANTS.index(variant)], runs, dirs_exist_ok=True)
"""
FAIL = """
    print(*range(100), sep="\\n")
    os.write(2, b"loading:  50%\\rloading: 100%\\n")
    raise RuntimeError("no memory\\nleft")
"""
WAIT = """
    pathlib.Path(sys.argv[2]).touch()
    time.sleep(60)
"""

TERMINAL = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | {"TERM": "xterm"}


def fake_demo(body, *arguments):
    """Return the command of a demo that runs `body` for each variant."""
    return [sys.executable, "-c", DEMO.format(body=body), *map(str, arguments)]


def terminal():
    """A pseudo-terminal of 80 columns: the file descriptors of its two ends."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    return ours, its


def on_terminal(command):
    """Start a process on a pseudo-terminal; return it and the file descriptor to read its output from."""
    ours, its = terminal()
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True, env=TERMINAL)
    os.close(its)
    return process, ours


def read_terminal(process, descriptor):
    """Return everything that the process writes until it ends."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:  # Linux reports the closed other end so
            break
        if not part:
            break
        parts.append(part)
    os.close(descriptor)
    process.wait()
    return b"".join(parts).decode()


def demo_on_terminal(terminal, out):
    """Run the real demo with this terminal (its path) as the controlling one, as a shell would start it."""
    os.setsid()
    descriptor = os.open(terminal, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(descriptor, number)
    # Those of this process were made for files.
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    return main(["demo", "--limit", "3", "--out", str(out)])


@pytest.fixture(scope="module")
def finished_demo(tmp_path_factory):
    """One real demo with three items per language, on a terminal: its folder and its output."""
    out = tmp_path_factory.mktemp("demo")
    environment = {**TERMINAL, "LM_EVAL_ILLUSION_STORE": str(out / "store")}
    ours, its = terminal()
    running = start_function(demo_on_terminal, os.ttyname(its), out, environment=environment)
    parts = []
    while running.poll() is None or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            parts.append(os.read(ours, 1 << 16))
    os.close(ours)
    os.close(its)
    text = b"".join(parts).decode()
    running.communicate()
    assert running.returncode == 0, text[-2000:]
    return out, text


@pytest.fixture(scope="module")
def copied_demo(finished_demo, tmp_path_factory):
    """A demo without a terminal that copies the runs of the finished demo: its folder and its process."""
    (runs,) = finished_demo[0].glob("runs-*")
    separate = tmp_path_factory.mktemp("variants")
    # lm_eval puts the date into the names, so the variants follow each other in the order of the names.
    for number, results in enumerate(sorted(runs.rglob("results_*.json"), key=lambda path: path.name)):
        for path in results.parent.glob(f"*{results.stem.removeprefix('results_')}*"):
            target = separate / str(number) / path.relative_to(runs)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    out = tmp_path_factory.mktemp("copied")
    (out / demo.LOG).write_text("of an earlier demo")
    return out, subprocess.run(fake_demo(COPY, out, separate), capture_output=True, text=True)


@pytest.mark.slow
def test_the_demo_shows_the_illusion(finished_demo):
    out, _ = finished_demo
    rows = {row["variant"]: row for row in json.loads((out / "report.json").read_text())["rows"] if row["language"] == "all"}
    assert list(rows) == ["dense", "magnitude-0.6", "sparsegpt-0.7", "wanda-0.6", "wanda-0.7"]
    assert {row["n"] for row in rows.values()} == {54}
    produced = {name: row["production_accuracy"]["value"] for name, row in rows.items()}
    assert produced["dense"] - produced["wanda-0.7"] >= 0.25
    assert produced["sparsegpt-0.7"] > produced["wanda-0.7"]
    # Most errors are demoted, not erased, and every strategy recovers some.
    wanda = rows["wanda-0.7"]
    assert wanda["illusion_gap"]["ci"][0] > rows["dense"]["illusion_gap"]["value"]
    assert wanda["demoted"]["value"] > 0.5
    assert set(wanda["recovery"]) == {"beam", "sample", "oneshot", "candidates", "any"}
    assert wanda["recovery"]["any"]["recovered"] > 0


@pytest.mark.slow
def test_on_a_terminal_one_live_line_shows_variant_view_count_and_time_left(finished_demo):
    _, text = finished_demo
    plain = ESCAPES.sub("", text)
    for name in NAMES:
        assert f"{name}: answering" in plain
        assert f"{name}: scoring" in plain
    assert re.search(r"about \d+ s left wanda-0.7: answering \d+/\d+ \(twin", plain)
    assert "━━━" in plain
    check_summary(plain.replace("\r\n", "\n"))


def check_summary(text):
    """At most 25 lines remain on the screen, with the sentence, a row per variant and the paths; no bar of a library is there."""
    lines = [line.split("\r")[-1] for line in text.strip("\n").split("\n")]
    assert len(lines) <= 25
    assert "it/s" not in text
    assert "Tokenizing" not in text
    assert [line.split(":")[0] for line in lines if line.startswith("[")] == [
        f"[{n}/5] {name}" for n, name in enumerate(NAMES, 1)
    ]
    assert any(line.startswith("wanda-0.7 of embedded: recognition fell by") for line in lines)
    table = [
        line.split() for line in lines if line.startswith(("dense", "wanda", "sparsegpt", "magnitude")) and "of" not in line
    ]
    assert sorted(row[0] for row in table) == sorted(NAMES)
    assert {len(row) for row in table} == {6}
    assert "was trained on these very facts" in text
    assert "report.html" in lines[-2]
    assert "demo.log" in lines[-1]


def test_the_summary_has_a_row_per_variant_with_the_numbers_of_the_report(tmp_path, capsys, monkeypatch):
    report, _ = make_report()
    (tmp_path / "report.json").write_text(json.dumps(report))
    monkeypatch.setenv("COLUMNS", "80")
    demo._print_summary("headline", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["variant", "recognition", "production", "gap", "recognition-only", "recovered"]
    rows = [row for row in report["rows"] if row["language"] == "all"]
    for row, line in zip(rows, lines[5:], strict=False):
        rates = [row[name] for name in ("recognition_accuracy", "production_accuracy", "illusion_gap", "recognition_only_rate")]
        values = [rate["value"] for rate in (*rates, row["recovery"]["any"])]
        assert line.split() == [row["variant"], *(percent(value) for value in values)]
    assert lines[5 + len(rows)].startswith("% of 100 items;")
    assert "by beam, sample or oneshot." in " ".join(" ".join(lines).split())


@pytest.mark.slow
def test_without_a_terminal_there_is_one_line_per_variant(copied_demo):
    _, done = copied_demo
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert len([line for line in done.stdout.splitlines() if "done" in line]) == len(NAMES)
    check_summary(done.stdout)


@pytest.mark.slow
def test_the_log_has_the_output_of_the_libraries_in_this_demo(copied_demo):
    log = (copied_demo[0] / demo.LOG).read_text()
    assert log.count("printed by a library") == log.count("2/2") == len(NAMES)
    assert "of an earlier demo" not in log


def test_an_error_shows_the_last_lines_of_the_log_and_its_path(tmp_path):
    done = subprocess.run(fake_demo(FAIL, tmp_path), capture_output=True, text=True)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == demo.LOG_LINES_SHOWN + 2
    assert lines[-4:] == [
        "  RuntimeError: no memory",
        "  left",
        f"lm-eval-illusion: the lines above are the last of {tmp_path / demo.LOG}",
        "lm-eval-illusion: error: the demo failed (no memory left)",
    ]
    log = (tmp_path / demo.LOG).read_text()
    assert "Traceback" in log
    assert "loading: 100%" in log


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (
            None,
            r"error: store \S+: the checkpoint wanda-0\.6 of embedded is not in it, and it can't be made here \(llmcompressor is not",
        ),
        ("/no/python", r"error: LM_EVAL_ILLUSION_PRUNER=/no/python can't be run \(No such file"),
    ],
)
def test_what_can_not_be_pruned_is_said_before_the_dense_model_is_evaluated(tmp_path, capfd, monkeypatch, python, message):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("LM_EVAL_ILLUSION_PRUNER", raising=False)
    if python:
        monkeypatch.setenv("LM_EVAL_ILLUSION_PRUNER", python)
    # As in an environment without llmcompressor: every import of it fails.
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    evaluated = []
    monkeypatch.setattr(demo, "evaluate_variant", lambda *arguments: evaluated.append(arguments))
    assert main(["demo", "--limit", "3", "--out", str(tmp_path / "out")]) == 2
    assert evaluated == []
    (line,) = capfd.readouterr().err.splitlines()
    assert re.search(message, line)
    # Nothing was made.
    assert sorted(path.name for path in tmp_path.rglob("*")) == [demo.LOG, "out"]


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file")]) == 2
    error = capfd.readouterr().err
    assert error.startswith("lm-eval-illusion: error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda out: (out / demo.LOG).symlink_to(out / "other"), "demo.log is a link and no regular file"),
        # Python would wait for a reader of the FIFO without end.
        (lambda out: os.mkfifo(out / demo.LOG), "demo.log is a FIFO and no regular file"),
        (lambda out: (out / demo.LOG).mkdir(), "demo.log is a folder and no regular file"),
    ],
    ids=["link", "FIFO", "folder"],
)
def test_a_log_that_leads_elsewhere_is_refused(tmp_path, capfd, put, reason):
    put(tmp_path)
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert capfd.readouterr().err.endswith(f"{reason}): give another --out\n")
    assert [path.name for path in tmp_path.iterdir()] == [demo.LOG]


@pytest.mark.parametrize(
    ("name", "message"), [("a\0b", "NUL"), ("x" * 10_000, "is longer than 4,096 characters")], ids=["NUL", "long"]
)
def test_an_impossible_folder_is_one_short_line(tmp_path, capfd, name, message):
    assert main(["demo", "--out", str(tmp_path / name)]) == 2
    error = capfd.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert len(error) < 500


def test_the_last_lines_of_a_hostile_log_are_safe_and_short(tmp_path):
    # A libraries' log may have the text of a model or of a hub: here it clears the screen and sets the clipboard.
    log = tmp_path / demo.LOG
    log.write_bytes(b"a" * (1 << 20) + b"\n\x1b[2Jx\x1b]52;c;Zg==\x07\n\xff\xfe " + b"y" * 10_000)
    lines = demo._last_lines(log)
    assert lines[-2] == "\\x1b[2Jx\\x1b]52;c;Zg==\\x07"
    assert all(line.isprintable() and len(line) <= demo.LONGEST_LINE + 4 for line in lines)
    log.unlink()
    assert demo._last_lines(log) == ["(it can't be read: No such file or directory)"]


@pytest.mark.parametrize("size", ["8k", "64k"])
def test_a_full_disk_is_one_line_after_the_last_ones_of_the_log(tmp_path, size):
    if not can_mount():
        pytest.skip("nothing can be mounted here")
    mount = f"""
import pathlib
from tests.mounts import Mount, mount_in_this_process
mount_in_this_process(Mount(pathlib.Path({str(tmp_path)!r}), "size={size}"))
"""
    body = """
    print("results", flush=True)
    (runs / "results.json").write_text("x" * 100_000)
"""
    done = subprocess.run([sys.executable, "-c", mount + DEMO.format(body=body), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == ("lm-eval-illusion: error: the demo failed ([Errno 28] No space left on device)")
    assert "Traceback" not in "".join(line for line in done.stderr.splitlines(keepends=True) if not line.startswith("  "))


def test_an_interrupted_demo_prints_one_line(tmp_path):
    process, descriptor = on_terminal(fake_demo(WAIT, tmp_path / "out", tmp_path / "started"))
    wait_until(lambda: (tmp_path / "started").exists(), process)
    process.send_signal(signal.SIGINT)
    text = ESCAPES.sub("", read_terminal(process, descriptor)).replace("\r\n", "\n")
    assert process.returncode == 130
    assert text.rstrip("\n").split("\n")[-1] == "lm-eval-illusion: interrupted"
    assert "Traceback" not in text


def wait_until(condition, process):
    while not condition():
        assert process.poll() is None
        time.sleep(0.0005)


def unfinished(store: Path) -> list[Path]:
    return [path for path in store.glob(".work/*-*") if path.is_dir()]


def is_pruning(store: Path) -> bool:
    return bool(unfinished(store))


def is_writing(store: Path) -> bool:
    return any(list(folder.iterdir()) for folder in unfinished(store))


def prune_small(base, store):
    prune(base, "sparsegpt", 0.6, calibration="embedded", calibration_samples=32, calibration_length=128, store=store)


def report_of(base: Path, store: Path, runs: Path, out: Path) -> dict:
    """Evaluate and report in this process; return report.json without the names of the runs, which contain the date."""
    settings = {
        "calibration": "embedded",
        "calibration_samples": 32,
        "calibration_length": 128,
        "store": str(store),
        "device": "cpu",
    }
    model_args = {"pretrained": str(base), "pruner": "sparsegpt", **settings}
    evaluate(model_args, ["mqa_illusion_en", "mqa_illusion_zh"], runs, limit=2, batch_size=64, metadata={})
    assert main(["report", str(runs), "--out", str(out)]) == 0
    report = json.loads((out / "report.json").read_text())
    for variant in report["variants"]:
        del variant["runs"]
    return report


@pytest.mark.slow
def test_killed_while_pruning_or_writing_the_next_run_gives_the_same_report(tmp_path):
    base = save_tiny("llama", tmp_path / "base")
    undisturbed = report_of(base, tmp_path / "store", tmp_path / "undisturbed", tmp_path / "a")
    store = tmp_path / "other-store"
    keys = set()
    for is_reached, more_seconds in ((is_pruning, 0.05), (is_writing, 0.0)):
        process = start_function(prune_small, str(base), str(store))
        wait_until(lambda moment=is_reached: moment(store), process)
        time.sleep(more_seconds)
        process.kill()
        assert process.returncode == -signal.SIGKILL
        assert unfinished(store)
        keys |= {path.name.rsplit("-", 1)[0] for path in unfinished(store)}
        assert not list(store.glob("[!.]*"))
    assert report_of(base, store, tmp_path / "disturbed", tmp_path / "b") == undisturbed
    assert not unfinished(store)
    # The killed processes worked on the same checkpoint.
    assert {path.name for path in store.glob("[!.]*")} == keys
