"""The files of a report in a folder that has an earlier one, or files of the user, or traps of another person."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.report.command import report_command
from lm_eval_illusion.report.own_files import LIST, left_over, replace_files
from tests.lm_eval_files import hits, write_run

NAMES = ["report.json", "figures/transition.svg"]
STALE = ["calibration_languages.csv", "figures/gold_rank.svg", "figures/of_an_older_version.svg"]


def write(folder, names, text):
    """Write files of this text below the folder, as a report that was just made."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text} {name}")
    return folder


def make(tmp_path, names, text):
    """Make a report of these files in tmp_path/out."""
    (tmp_path / "out").mkdir(exist_ok=True)
    new = write(tmp_path / f"new {text}", names, text)
    replace_files(new, names, tmp_path / "out")
    return tmp_path / "out"


def contents(folder):
    """Content of every file, target of every link, by relative path."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_files_that_only_the_earlier_report_has_are_removed(tmp_path):
    out = make(tmp_path, [*NAMES, *STALE], "old")
    users = write(out, ["notes.txt", "figures/mine.png", "figures/mine.svg"], "user")
    make(tmp_path, NAMES, "new")
    found = contents(users)
    listed = json.loads(found.pop(LIST))["files"]
    assert found == {
        **{name: f"new {name}" for name in NAMES},
        **{name: f"user {name}" for name in ("notes.txt", "figures/mine.png", "figures/mine.svg")},
    }
    assert listed == {name: hashlib.sha256(f"new {name}".encode()).hexdigest() for name in NAMES}


def test_a_file_that_the_user_changed_is_left_and_named(tmp_path):
    out = make(tmp_path, [*NAMES, *STALE], "old")
    (out / STALE[0]).write_text("changed")
    make(tmp_path, NAMES, "new")
    assert (out / STALE[0]).read_text() == "changed"
    assert left_over(out) == [out / STALE[0]]


def test_a_file_of_the_user_in_the_place_of_ours_is_kept_under_the_first_free_name(tmp_path):
    out = write(tmp_path / "out", NAMES, "user")
    (out / f"{NAMES[0]}.before-1").symlink_to("nowhere")
    new = write(tmp_path / "new", NAMES, "new")
    kept = [out / f"{NAMES[0]}.before-2", out / f"{NAMES[1]}.before-1"]
    assert replace_files(new, NAMES, out) == kept
    assert [path.read_text() for path in kept] == [f"user {name}" for name in NAMES]
    assert [(out / name).read_text() for name in NAMES] == [f"new {name}" for name in NAMES]
    # What we wrote ourselves is replaced.
    assert replace_files(write(tmp_path / "third", NAMES, "third"), NAMES, out) == []
    assert (out / NAMES[0]).read_text() == "third report.json"


def test_a_file_that_the_user_changed_is_kept_when_a_new_one_takes_its_place(tmp_path):
    out = make(tmp_path, NAMES, "old")
    (out / NAMES[1]).write_text("changed")
    make(tmp_path, NAMES, "new")
    assert (out / f"{NAMES[1]}.before-1").read_text() == "changed"
    assert not (out / f"{NAMES[0]}.before-1").exists()


@pytest.mark.parametrize("hard_links", [True, False])
@pytest.mark.parametrize("failing", [*NAMES, LIST])
def test_after_an_error_a_file_of_the_user_has_its_own_name(tmp_path, monkeypatch, failing, hard_links):
    out = write(tmp_path / "out", NAMES, "user")
    before = contents(out)
    real_replace = Path.replace

    def replace(self, target):
        if Path(target) == out / failing and "new" in self.parts:
            raise OSError(28, "No space left on device")
        return real_replace(self, target)

    def link(*_, **__):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", replace)
    if not hard_links:
        monkeypatch.setattr(os, "link", link)
    with pytest.raises(OSError, match="No space"):
        replace_files(write(tmp_path / "new", NAMES, "new"), NAMES, out)
    assert contents(out) == before


def test_a_file_of_the_user_that_cannot_be_renamed_stays(tmp_path, monkeypatch):
    out = write(tmp_path / "out", NAMES, "user")
    before = contents(out)

    def rename(self, target):
        raise OSError(1, "Operation not permitted")

    new = write(tmp_path / "new", NAMES, "new")
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="not permitted"):
        replace_files(new, NAMES, out)
    assert contents(out) == before


def test_without_a_list_nothing_is_removed(tmp_path):
    out = write(tmp_path / "out", [*NAMES, *STALE], "old")
    make(tmp_path, NAMES, "new")
    assert [(out / name).read_text() for name in STALE] == [f"old {name}" for name in STALE]
    assert left_over(out) == [out / name for name in STALE]


@pytest.mark.parametrize(
    "name",
    ["../victim", "figures/../../victim", "/{}/victim", "victim", "figures/victim", "figures/mine.png", "figures/link.svg"],
)
def test_a_planted_list_removes_no_other_file(tmp_path, name):
    out = make(tmp_path, NAMES, "old")
    for path in (tmp_path / "victim", out / "victim", out / "figures" / "victim", out / "figures" / "mine.png"):
        path.write_text("kept")
    (out / "figures" / "link.svg").symlink_to(tmp_path / "victim")
    plain = {"files": {name.format(tmp_path): hashlib.sha256(b"kept").hexdigest()}}
    (out / LIST).write_text(json.dumps(plain))
    before = contents(tmp_path / "out")
    make(tmp_path, NAMES, "new")
    assert (tmp_path / "victim").read_text() == "kept"
    # The files of the report are not in the planted list, so they may be the user's.
    assert contents(out).keys() == before.keys() | {f"{name}.before-1" for name in NAMES}


@pytest.mark.parametrize("text", ["", "[]", "null", '{"files": 3}', '{"files": {"report.html": 3}}', "[" * 100_000, "\x00\xff"])
def test_a_damaged_list_is_no_list(tmp_path, text):
    out = make(tmp_path, [*NAMES, *STALE], "old")
    (out / LIST).write_text(text)
    make(tmp_path, NAMES, "new")
    assert left_over(out) == [out / name for name in STALE]


def fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize("make_other", [Path.mkdir, fifo])
@pytest.mark.parametrize("name", [*NAMES, LIST])
def test_what_is_no_file_is_not_replaced(tmp_path, name, make_other):
    out = make(tmp_path, NAMES, "old")
    (out / name).unlink()
    make_other(out / name)
    before = contents(out)
    with pytest.raises(UserError, match="can't be replaced"):
        make(tmp_path, NAMES, "new")
    assert contents(out) == before


def test_files_are_not_written_through_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "victim").write_text("kept")
    out = tmp_path / "out"
    out.mkdir()
    (out / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="no folder, or a link"):
        make(tmp_path, NAMES, "new")
    assert contents(out) == {"figures": str(tmp_path / "elsewhere")}
    (out / "figures").unlink()
    (out / "report.json").symlink_to(tmp_path / "victim")
    make(tmp_path, NAMES, "new")
    assert (tmp_path / "victim").read_text() == "kept"
    assert (out / "report.json").read_text() == "new report.json"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("hard_links", [True, False])
@pytest.mark.parametrize("failing", [*NAMES, LIST, STALE[0]])
def test_an_error_in_the_middle_brings_the_earlier_report_back(tmp_path, monkeypatch, failing, hard_links):
    out = make(tmp_path, [*NAMES[:1], *STALE], "old")
    before = contents(out)
    real_replace, real_unlink = Path.replace, Path.unlink

    def replace(self, target):
        if Path(target) == out / failing and "new" in str(self) and "earlier" not in str(self):
            raise OSError(28, "No space left on device")
        return real_replace(self, target)

    def unlink(self, missing_ok=False):
        if self == out / failing and not missing_ok:
            raise KeyboardInterrupt
        return real_unlink(self, missing_ok)

    def link(*_, **__):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(Path, "unlink", unlink)
    if not hard_links:
        monkeypatch.setattr(os, "link", link)
    with pytest.raises((OSError, KeyboardInterrupt)):
        make(tmp_path, NAMES, "new")
    assert contents(out) == before


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "runs", {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=1)})
    return tmp_path / "runs"


def test_the_command_names_what_it_did_not_remove(tmp_path, runs, capsys):
    out = write(tmp_path / "out", ["calibration_languages.csv"], "old")
    report_command([runs], out)
    assert f"not of this report, and not removed: {out / 'calibration_languages.csv'}" in capsys.readouterr().out
    report_command([runs], tmp_path / "second")
    assert "not removed" not in capsys.readouterr().out


def test_the_command_names_what_it_kept(tmp_path, runs, capsys):
    out = tmp_path / "out"
    report_command([runs], out)
    # Earlier versions wrote no list. Their report is replaced, a link excepted, which no version made.
    (out / LIST).unlink()
    (out / "leaderboard.csv").unlink()
    (out / "leaderboard.csv").symlink_to("mine.csv")
    capsys.readouterr()
    report_command([runs], out)
    line = "not of an earlier report, and kept under another name: "
    assert f"{line}{out / 'leaderboard.csv.before-1'}\n" in capsys.readouterr().out
    assert [path.name for path in out.rglob("*.before-*")] == ["leaderboard.csv.before-1"]
    # With a list, a file that was changed since is the user's, although report.json is that of a report.
    (out / "report.html").write_text("changed")
    report_command([runs], out)
    assert (out / "report.html.before-1").read_text() == "changed"
    # A report.json of something else makes no file ours.
    (out / LIST).unlink()
    (out / "report.json").write_text("{}")
    (out / "report.md").write_text("MY NOTES")
    report_command([runs], out)
    assert str(out / "report.md.before-1") in capsys.readouterr().out
    assert (out / "report.md.before-1").read_text() == "MY NOTES"
    assert (out / "report.json.before-1").read_text() == "{}"


@pytest.mark.parametrize("name", ["report.html", "outcomes.parquet", "figures", "nul\x00", "x" * 300])
def test_a_folder_that_cannot_be_written_is_one_line_and_nothing_changes(tmp_path, runs, name):
    out = tmp_path / "out"
    if name.startswith(("nul", "x")):
        target = out / name
        out.mkdir()
    else:
        target = out
        write(out, ["report.json"], "old")
        if name == "figures":
            (out / name).write_text("a file")
        else:
            (out / name).mkdir()
    before = contents(out)
    with pytest.raises(UserError) as error:
        report_command([runs], target)
    assert "None" not in str(error.value)
    assert contents(out) == before
    assert not [path for path in out.iterdir() if path.name.startswith(".report-")]


def test_a_full_disk_while_the_table_is_written_is_one_line(tmp_path, runs, monkeypatch):
    """Pyarrow's error has no strerror."""
    from pyarrow import parquet

    report_command([runs], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}

    def full(*_):
        raise OSError("[Errno 28] Error writing bytes to file. Detail: No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    for out, after in ((tmp_path / "out", before), (tmp_path / "new", {})):
        with pytest.raises(UserError, match=r"can't be written \(.*No space left on device\): give another --out"):
            report_command([runs], out)
        assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != "out"} == after
    assert not (tmp_path / "new").exists()
