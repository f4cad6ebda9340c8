"""The files of a rescored run: those of other projects, links of a store, folders that can't be written, two commands at a time."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from filelock import FileLock

from lm_eval_illusion.cli import main
from lm_eval_illusion.matching import RULES_VERSION
from lm_eval_illusion.results import load_outcomes
from lm_eval_illusion.results.sample_file import read_rows
from tests.lm_eval_files import DATE, DENSE, choice_row, text_row, write_run

RESCORED = f"rescored_v{RULES_VERSION}"
GEN = f"samples_mqa_illusion_en_gen_{DATE}.jsonl"
LATER = "2026-11-23T11-00-00.000000"


def write(folder, **options):
    """Write a run in which only the older rules found the answer of `a`, and only those of today that of `b`."""
    answers = [
        {"id": "a", "match": 1.0, "exact_match": 0.0, "output": "One."},
        {"id": "b", "match": 0.0, "exact_match": 0.0, "output": "It is two."},
    ]
    return write_run(folder, {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": answers}, **options)


def produced(*paths):
    return {(one.variant.variant, one.id): one.produced for one in load_outcomes(paths)}


def test_files_of_other_projects_are_part_of_the_run_and_named(tmp_path, capsys):
    path = write(tmp_path)
    content = json.loads(path.read_text())
    docs = [{"n": 0}, {"n": 1}]
    for name, rows in {
        "arc": [choice_row(doc, [-1.0, -2.0], 0) for doc in docs],
        "gsm8k": [text_row(doc, "4", exact_match=1.0, match=0.0) for doc in docs],
    }.items():
        content["configs"][name] = {"metadata": {"version": 1.0}}
        content["n-samples"][name] = {"effective": 2}
        (tmp_path / f"samples_{name}_{DATE}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path.write_text(json.dumps(content))
    assert main(["rescore", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert "1 run, 2 rows judged" in output
    assert "  en: 2 rows, 1 wrong -> right, 1 right -> wrong" in output
    assert (
        f"of other projects, which these rules do not judge, and left as they are: samples_arc_{DATE}.jsonl, samples_gsm8k"
        in output
    )
    made = tmp_path / RESCORED
    names = {entry.name for entry in made.glob("*.json*")}
    assert names == {entry.name for entry in tmp_path.glob("*.json*")}
    for name in names - {path.name, GEN}:
        assert (made / name).read_bytes() == (tmp_path / name).read_bytes()
    # The foreign tasks can be paired in the rescored run.
    assert main(["report", str(tmp_path), "--pair", "arc=gsm8k"]) == 0


def test_the_hashes_are_those_of_the_sources(tmp_path):
    path = write(tmp_path)
    assert main(["rescore", str(tmp_path)]) == 0
    rescored = json.loads((tmp_path / RESCORED / path.name).read_text())["rescored"]
    hashes = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in (path.name, GEN)}
    assert rescored == {"rules_version": RULES_VERSION, "original": hashes[path.name], "sources": hashes}


def test_a_run_that_is_added_later(tmp_path, capsys):
    write(tmp_path, illusion=DENSE)
    assert main(["rescore", str(tmp_path)]) == 0
    write(tmp_path, date=LATER)
    capsys.readouterr()
    assert main(["rescore", str(tmp_path)]) == 0
    assert "1 run is judged by version" in capsys.readouterr().out
    expected = {(variant, item): item == "b" for variant in ("dense", "wanda-0.6") for item in "ab"}
    assert produced(tmp_path) == expected


def test_an_older_rescoring_is_judged_again_beside_the_run(tmp_path, monkeypatch):
    write(tmp_path)
    assert main(["rescore", str(tmp_path)]) == 0
    for module in ("rescoring.command", "rescoring.run_files", "views.metrics"):
        monkeypatch.setattr(f"lm_eval_illusion.{module}.RULES_VERSION", RULES_VERSION + 1)
    assert main(["rescore", str(tmp_path)]) == 0
    newer = tmp_path / f"rescored_v{RULES_VERSION + 1}"
    assert {row.match_version for row in read_rows(newer / GEN, ())} == {RULES_VERSION + 1}
    assert {one.match_version for one in load_outcomes([tmp_path])} == {RULES_VERSION + 1}


def test_a_store_of_contents_with_links_to_them(tmp_path):
    write(tmp_path / "written")
    runs, store = tmp_path / "runs", tmp_path / "store"
    runs.mkdir()
    store.mkdir()
    for path in (tmp_path / "written").iterdir():
        content = store / hashlib.sha256(path.read_bytes()).hexdigest()
        path.rename(content)
        (runs / path.name).symlink_to(content)
    before = {path: path.read_bytes() for path in store.iterdir()}
    assert main(["rescore", str(runs)]) == 0
    assert produced(runs) == {("wanda-0.6", "a"): False, ("wanda-0.6", "b"): True}
    assert {path: path.read_bytes() for path in store.iterdir()} == before


def test_a_linked_folder_is_judged_in_its_place(tmp_path):
    write(tmp_path / "shared" / "m")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "shared" / "m")
    assert main(["rescore", str(tmp_path / "runs")]) == 0
    assert (tmp_path / "shared" / "m" / RESCORED / GEN).is_file()
    assert produced(tmp_path / "runs") == {("wanda-0.6", "a"): False, ("wanda-0.6", "b"): True}


def test_a_copy_where_the_disk_has_no_links(tmp_path, monkeypatch):
    def no_link(*_):
        raise OSError(18, "Invalid cross-device link")

    write(tmp_path)
    monkeypatch.setattr(os, "link", no_link)
    assert main(["rescore", str(tmp_path)]) == 0
    mc = f"samples_mqa_illusion_en_mc_{DATE}.jsonl"
    assert (tmp_path / RESCORED / mc).read_bytes() == (tmp_path / mc).read_bytes()


@pytest.mark.parametrize("in_place", ["link", "file", "held"])
def test_a_folder_that_cannot_be_written(tmp_path, capsys, in_place):
    write(tmp_path / "runs")
    folder = tmp_path / "runs" / RESCORED
    lock = FileLock(folder / ".rescoring.lock")
    if in_place == "link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    elif in_place == "file":
        folder.touch()
    else:
        folder.mkdir()
        lock.acquire()
    assert main(["rescore", str(tmp_path / "runs")]) == 2
    lock.release()
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert str(folder) in message
    assert not list(tmp_path.rglob(f"{RESCORED}/samples*"))
    assert not list((tmp_path / "elsewhere").glob("*"))


def test_a_file_that_fails_while_it_is_written(tmp_path, monkeypatch, capsys):
    write(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lm_eval_illusion.rescoring.run_files.replace_text", full)
    assert main(["rescore", str(tmp_path)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    # Without a results file the folder is no run, and nothing unfinished is left.
    assert {one.match_version for one in load_outcomes([tmp_path])} == {1}
    assert not list(tmp_path.glob(f"{RESCORED}/.rescoring-*"))
    monkeypatch.undo()
    assert main(["rescore", str(tmp_path)]) == 0
    assert produced(tmp_path) == {("wanda-0.6", "a"): False, ("wanda-0.6", "b"): True}


def test_folders_of_several_models_below_another_folder(tmp_path):
    write(tmp_path / "runs" / "x" / "m", illusion=DENSE)
    write(tmp_path / "runs" / "y" / "m", date=LATER)
    assert main(["rescore", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("results_*")}
    assert made == {f"x/m/{RESCORED}/results_{DATE}.json", f"y/m/{RESCORED}/results_{LATER}.json"}


def test_a_row_too_few(tmp_path, capsys):
    write(tmp_path)
    lines = (tmp_path / GEN).read_bytes().splitlines(keepends=True)
    (tmp_path / GEN).write_bytes(lines[0])
    assert main(["rescore", str(tmp_path)]) == 2
    assert "has 1 rows, but its run evaluated 2 items" in capsys.readouterr().err
    assert not (tmp_path / RESCORED).exists()


def test_the_two_dense_runs_of_the_noise_floor_are_the_rescored_ones(tmp_path, capsys):
    runs = [write(tmp_path / name, illusion=DENSE, date=date) for name, date in (("a", DATE), ("b", LATER))]
    command = ["report", str(tmp_path), "--noise", *map(str, runs)]
    assert main(["rescore", str(tmp_path / "a")]) == 0
    # One of them was judged by older rules.
    assert main(command) == 2
    assert main(["rescore", str(runs[1])]) == 0
    assert main(command) == 0
    assert f"Answers judged by version {RULES_VERSION} of the matching rules." in capsys.readouterr().out
