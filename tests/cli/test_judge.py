"""The options of `judge`: what is refused before anything is read or sent, in one line."""

from __future__ import annotations

import pytest

from lm_eval_illusion.cli import main
from tests.judging.runs import write_answers

REQUIRED = ["--base-url", "http://127.0.0.1:1/v1", "--model", "m"]


def refused(arguments, capsys):
    """The one line of an error with code 2."""
    try:
        code = main(["judge", *arguments])
    except SystemExit as error:
        code = error.code
    error = capsys.readouterr().err
    assert code == 2
    assert error.startswith("lm-eval-illusion: error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--base-url", "x", "--model", "m"], "--base-url 'x'"),
        ([*REQUIRED, "--base-url", "http://h/v2"], "--base-url is given twice"),
        ([*REQUIRED, "--concurrency", "0"], "--concurrency"),
        ([*REQUIRED, "--concurrency", "257"], "--concurrency"),
        ([*REQUIRED, "--max-tokens", "1.5"], "--max-tokens"),
        ([*REQUIRED, "--limit", "0"], "--limit"),
        ([*REQUIRED, "--tries", "0"], "--tries"),
        ([*REQUIRED, "--timeout", "-1"], "--timeout"),
        ([*REQUIRED, "--seed", "x"], "--seed"),
        ([*REQUIRED, "--sample-seed", "-1"], "--sample-seed"),
        ([*REQUIRED, "--price-in", "1"], "--price-in and --price-out belong together"),
        ([*REQUIRED, "--price-in", "nan", "--price-out", "1"], "--price-in nan"),
        ([*REQUIRED, "--price-in", "1", "--price-out", "-1"], "--price-out -1"),
        ([*REQUIRED, "--price-in", "1", "--price-out", "inf"], "--price-out inf"),
        ([*REQUIRED, "--request", "[]"], "--request"),
        ([*REQUIRED, "--api-key-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
        ([*REQUIRED[:2], "--model", " "], "--model"),
        (REQUIRED[:2], "--model"),
        (REQUIRED[2:], "--base-url"),
        (REQUIRED, "no_runs_here does not exist"),
    ],
)
def test_a_mistake_is_one_line(options, named, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert named in refused([str(tmp_path / "no_runs_here"), *options], capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_answers(tmp_path / "runs")
    # Nothing listens at port 1.
    assert "http://127.0.0.1:1/v1 can't be reached" in refused([str(tmp_path / "runs"), *REQUIRED], capsys)
