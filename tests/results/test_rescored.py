"""Which files of a run count that was judged several times."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results import find_runs, load_outcomes
from lm_eval_illusion.results.rescored import folder_of_version, is_rescored_folder, original_folder
from tests.lm_eval_files import DENSE, write_run

MC = [{"id": "a", "acc": 1.0}]


def write_version(folder: Path, version: int | None, original: Path | None, *, illusion=DENSE) -> Path:
    """Write a run, or what was made from the run `original` by a version of the rules."""
    fields = {} if version is None else {"match_version": version, "match_rule": "words"}
    path = write_run(folder, {"mc": MC, "gen": [{"id": "a", "match": 1.0, **fields}]}, illusion=illusion)
    if original is not None:
        sha256 = hashlib.sha256(original.read_bytes()).hexdigest()
        rescored = {"rules_version": version, "original": sha256, "sources": {}}
        path.write_text(json.dumps({**json.loads(path.read_text()), "rescored": rescored}))
    return path


def the_version(*paths):
    (outcome,) = load_outcomes(paths)
    return outcome.match_version


def test_the_newest_judgement_counts(tmp_path):
    original = write_version(tmp_path, None, None)
    assert the_version(tmp_path) == 1
    for version in (10, 9, 11):
        write_version(tmp_path / f"rescored_v{version}", version, original)
    # By number, not by name.
    assert the_version(tmp_path) == 11
    assert the_version(original) == 11
    assert the_version(tmp_path / "rescored_v9") == 9
    assert [run.results.rescored.rules_version for run in find_runs([tmp_path])] == [11]


def test_it_may_stand_in_another_folder(tmp_path):
    original = write_version(tmp_path / "runs", None, None)
    write_version(tmp_path / "out" / "rescored_v2", 2, original)
    write_version(tmp_path / "copy" / "rescored_v2", 2, original)
    assert the_version(tmp_path / "runs", tmp_path / "out") == 2
    assert the_version(tmp_path) == 2


def test_what_was_made_from_another_run_replaces_none(tmp_path):
    original = write_version(tmp_path, None, None)
    write_version(tmp_path / "rescored_v2", 2, original)
    original.write_text(original.read_text() + "\n")
    with pytest.raises(UserError, match=r"report them one at a time"):
        load_outcomes([tmp_path])


def test_equal_runs_are_still_two(tmp_path):
    original = write_version(tmp_path / "a", None, None)
    write_version(tmp_path / "b", None, None)
    write_version(tmp_path / "a" / "rescored_v2", 2, original)
    # The copy was not judged again, but it is the same run.
    assert the_version(tmp_path) == 2
    (tmp_path / "a" / "rescored_v2" / original.name).unlink()
    with pytest.raises(UserError, match="report them one at a time"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize(
    "field",
    [{}, 3, {"rules_version": 0, "original": "0" * 64, "sources": {}}, {"rules_version": 2, "original": "../x", "sources": {}}],
)
def test_a_damaged_field(tmp_path, field):
    path = write_version(tmp_path, None, None)
    path.write_text(json.dumps({**json.loads(path.read_text()), "rescored": field}))
    with pytest.raises(UserError, match=r"results_.*json: rescored"):
        find_runs([tmp_path])


def test_folders():
    beside = folder_of_version(Path("runs/m/results_x.json"), 3)
    assert beside == Path("runs/m/rescored_v3")
    assert folder_of_version(beside / "results_x.json", 4) == Path("runs/m/rescored_v4")
    assert original_folder(beside) == original_folder(Path("runs/m")) == Path("runs/m")
    assert not any(map(is_rescored_folder, ("rescored_v0", "rescored_v", "rescored_v2x", "my_rescored_v2", "rescored_v2/..")))
