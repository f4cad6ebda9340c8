"""The search for results files: no folder is left out without a word, and links neither hide runs nor repeat them."""

from __future__ import annotations

import hashlib
import os

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results import run_files
from lm_eval_illusion.results.run_files import results_files
from tests.lm_eval_files import DATE, DENSE, hits, write_run

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0)}


@pytest.fixture
def two_runs(tmp_path):
    return [write_run(tmp_path / name, VIEWS, illusion=illusion) for name, illusion in (("dense", DENSE), ("pruned", None))]


def deny(monkeypatch, folder, error):
    """Let listing a folder fail. Root may list every folder, and these tests may run as root."""
    scandir = os.scandir

    def scan(path):
        if os.fspath(path) == os.fspath(folder):
            raise error
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), FileNotFoundError(2, "No such file or directory")])
def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, two_runs, monkeypatch, error):
    deny(monkeypatch, tmp_path / "pruned", error)
    with pytest.raises(
        UserError, match=rf"pruned can't be listed \({error.strerror}\): its runs would be missing in the report"
    ):
        load_outcomes([tmp_path])


def test_a_gate_does_not_pass_without_the_variants_of_an_unreadable_folder(tmp_path, two_runs, monkeypatch, capsys):
    command = ["report", str(tmp_path), "--fail-if", "recognition_only_rate > 99 % at dense"]
    assert main(command) == 0
    deny(monkeypatch, tmp_path / "pruned", PermissionError(13, "Permission denied"))
    assert main(command) == 2
    assert "pruned can't be listed" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_without_permission(tmp_path, two_runs):
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:  # with pytest-xdist there is one more
        parent.chmod(0o755)
    (tmp_path / "pruned").chmod(0)
    os.seteuid(65534)
    try:
        with pytest.raises(UserError, match=r"pruned can't be listed \(Permission denied\)"):
            results_files([tmp_path])
    finally:
        os.seteuid(0)


def test_linked_folders_are_searched_and_loops_end(tmp_path, two_runs):
    shared = tmp_path / "elsewhere"
    (tmp_path / "pruned").rename(shared)
    runs = tmp_path / "runs"
    runs.mkdir()
    (tmp_path / "dense").rename(runs / "dense")
    (runs / "pruned").symlink_to(shared)
    (runs / "latest").symlink_to("dense")
    (runs / "dense" / "up").symlink_to("..")
    (runs / "itself").symlink_to("itself")
    (runs / "nothing").symlink_to("nowhere")
    # Each run once, by its real path: its samples are beside it there.
    assert sorted(results_files([runs])) == sorted([runs / "dense" / f"results_{DATE}.json", shared / f"results_{DATE}.json"])


def test_a_linked_results_file_is_read_where_it_is(tmp_path, two_runs):
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "results_a.json").symlink_to(two_runs[0])
    assert results_files([folder, tmp_path / "dense"]) == [two_runs[0]]


def as_hashes(run, blobs):
    """Move each file of a run into `blobs`, named by a number, and leave a link: so the hub's cache, git-annex and DVC keep files."""
    blobs.mkdir()
    for number, file in enumerate(sorted(run.parent.iterdir())):
        blob = blobs / f"{number:040x}"
        file.rename(blob)
        file.symlink_to(os.path.relpath(blob, run.parent))


@pytest.mark.parametrize("given", [[""], ["pruned", "pruned/" + f"results_{DATE}.json"]])
def test_a_run_whose_files_are_links_to_their_contents(tmp_path, two_runs, given):
    as_hashes(two_runs[1], tmp_path / "blobs")
    paths = [tmp_path / "pruned" / name.removeprefix("pruned") if name == "" else tmp_path / name for name in given]
    # The date and the samples are those of the link: the file that it leads to has neither.
    assert results_files(paths) == [two_runs[1]]
    assert [outcome.run for outcome in load_outcomes(paths)] == [two_runs[1].name] * 2


def test_two_runs_with_equal_answers_in_a_store_of_contents(tmp_path, two_runs):
    # Both runs have the same samples: a store of contents holds them once.
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for run in two_runs:
        for file in sorted(run.parent.iterdir()):
            blob = blobs / hashlib.sha256(file.read_bytes()).hexdigest()
            file.replace(blob)
            file.symlink_to(blob)
    assert len(list(blobs.iterdir())) == 4
    assert len(load_outcomes([tmp_path])) == 4


def test_a_content_that_has_two_names_is_one_run(tmp_path, two_runs):
    as_hashes(two_runs[1], tmp_path / "blobs")
    later = tmp_path / "later"
    later.mkdir()
    (later / two_runs[1].name).symlink_to(two_runs[1])
    # Only one of the names has samples beside it.
    assert results_files([later, tmp_path / "pruned"]) == [two_runs[1]]
    assert results_files([later]) == [later / two_runs[1].name]


def test_a_linked_results_file_with_linked_samples_elsewhere(tmp_path, two_runs):
    folder = tmp_path / "links"
    folder.mkdir()
    samples = tmp_path / "samples"
    samples.mkdir()
    for file in sorted(two_runs[0].parent.glob("samples_*")):
        file.rename(samples / file.name)
        (folder / file.name).symlink_to(samples / file.name)
    (folder / two_runs[0].name).symlink_to(two_runs[0])
    assert len(load_outcomes([folder])) == 2


def test_the_files_of_macos_beside_a_run_are_no_results(tmp_path, two_runs):
    for run in two_runs:
        run.with_name(f"._{run.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        \0\2")
    assert sorted(results_files([tmp_path])) == sorted(two_runs)
    assert len(load_outcomes([tmp_path])) == 4


def make(path, kind):
    {
        "folder": path.mkdir,
        "FIFO": lambda: os.mkfifo(path),
        "dangling": lambda: path.symlink_to("nowhere"),
        "loop": lambda: path.symlink_to(path.name),
        "device": lambda: path.symlink_to("/dev/zero"),
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder", "it is a folder"),
        ("FIFO", "it is a FIFO"),
        ("dangling", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("device", "it is a device"),
    ],
)
@pytest.mark.parametrize("name", ["results_x.json", f"samples_mqa_illusion_en_gen_{DATE}.jsonl"])
def test_files_that_are_no_regular_files(tmp_path, two_runs, name, kind, message):
    path = tmp_path / "pruned" / name
    path.unlink(missing_ok=True)
    make(path, kind)
    with pytest.raises(UserError, match=rf"can't be read \({message}\)"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no", "no does not exist"),
        ("dense/results_x.json/y", "does not exist"),
        ("a\0b", "can't be read"),
        ("\ud800", "can't be read"),
        ("x" * 300, "can't be read"),
        ("loop", "can't be read"),
    ],
)
def test_a_path_that_leads_nowhere(tmp_path, two_runs, path, message):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match=message):
        results_files([tmp_path / path])


def test_a_tree_beyond_the_limit(tmp_path, two_runs, monkeypatch):
    monkeypatch.setattr(run_files, "MOST_ENTRIES", 8)  # two folders of a results file and two samples files
    assert len(results_files([tmp_path])) == 2
    (tmp_path / "dense" / "more").touch()
    with pytest.raises(UserError, match="has more than 8 files and folders below it: give the folders of the runs"):
        results_files([tmp_path])
