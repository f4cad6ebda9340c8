"""The demonstration end to end, and what an interruption leaves of it: nothing that the next run minds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tiny_models import save_tiny

ONE_VARIANT = (
    "import sys; from pathlib import Path; from lm_eval_illusion.demo import evaluate_variant;"
    "base, store, runs = sys.argv[1:];"
    "settings = dict(calibration_samples=32, calibration_length=128, store=store, device='cpu');"
    "evaluate_variant(dict(pretrained=base, pruner='sparsegpt', **settings), 1, Path(runs))"
)


def start(base: Path, store: Path, runs: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", ONE_VARIANT, str(base), str(store), str(runs)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def unfinished(store: Path) -> list[Path]:
    return [path for path in store.glob(".work/*-*") if path.is_dir()]


def is_pruning(store: Path) -> bool:
    return bool(unfinished(store))


def is_writing(store: Path) -> bool:
    return any(list(folder.iterdir()) for folder in unfinished(store))


def report_of(runs: Path, out: Path) -> dict:
    from lm_eval_illusion.cli import main

    assert main(["report", str(runs), "--out", str(out)]) == 0
    report = json.loads((out / "report.json").read_text())
    for variant in report["variants"]:
        del variant["runs"]  # named by date
    return report


@pytest.mark.slow
def test_killed_while_pruning_or_writing_the_next_run_gives_the_same_report(tmp_path):
    base = save_tiny("llama", tmp_path / "base")
    assert start(base, tmp_path / "store", tmp_path / "undisturbed").wait() == 0
    store = tmp_path / "other-store"
    for moment, more_seconds in ((is_pruning, 0.3), (is_writing, 0.0)):
        process = start(base, store, tmp_path / "disturbed")
        while not moment(store):
            assert process.poll() is None
            time.sleep(0.0005)
        time.sleep(more_seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert unfinished(store)
        assert not list(store.glob("[!.]*"))
    assert start(base, store, tmp_path / "disturbed").wait() == 0
    assert not unfinished(store)
    assert report_of(tmp_path / "disturbed", tmp_path / "b") == report_of(tmp_path / "undisturbed", tmp_path / "a")


@pytest.mark.slow
def test_the_demo_shows_the_illusion(tmp_path):
    command = [sys.executable, "-m", "lm_eval_illusion.cli", "demo", "--limit", "3", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "trained on these very facts" in done.stdout
    rows = {
        row["variant"]: row for row in json.loads((tmp_path / "report.json").read_text())["rows"] if row["language"] == "all"
    }
    assert list(rows) == ["dense", "magnitude-0.6", "sparsegpt-0.7", "wanda-0.6", "wanda-0.7"]
    assert {row["n"] for row in rows.values()} == {54}
    produced = {name: row["production_accuracy"]["value"] for name, row in rows.items()}
    assert produced["dense"] - produced["wanda-0.7"] >= 0.25
    assert produced["sparsegpt-0.7"] > produced["wanda-0.7"]
    # Mostly demoted, not erased; and every strategy brings some back.
    wanda = rows["wanda-0.7"]
    assert wanda["illusion_gap"]["ci"][0] > rows["dense"]["illusion_gap"]["value"]
    assert wanda["demoted"]["value"] > 0.5
    assert set(wanda["recovery"]) == {"beam", "sample", "oneshot", "candidates", "any"}
    assert wanda["recovery"]["any"]["recovered"] > 0
