"""The judge file: what stays of earlier runs, and what a new run replaces."""

from __future__ import annotations

import os
import threading

import pytest
from msgspec.structs import replace

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.judging.verdict_file import check_verdicts, merged, write_verdicts
from lm_eval_illusion.results.judge_files import JudgeRow, read_judge_rows

ROW = JudgeRow(
    judge="org/m",
    prompt_version=1,
    samples="samples_x.jsonl",
    variant="dense",
    language="en",
    id="a",
    verdict="same",
    content="1" * 64,
    reply="SAME",
    served_model="m-1",
    produced=True,
)


def test_what_was_written_is_read(tmp_path):
    hostile = replace(ROW, id="b\u202e\n\ud800", content="2" * 64, reply="\x1b[2J\U000e0041", verdict="unclear")
    path = write_verdicts(tmp_path, [ROW, hostile])
    assert path.name == "judge_org-m.jsonl"
    assert read_judge_rows(path) == [ROW, replace(hostile, id="b\u202e\n\\ud800")]
    # Nothing that a terminal obeys stands in the file.
    text = path.read_text()
    assert not {"\x1b", "\u202e", "\U000e0041"} & set(text)
    assert text.count("\n") == 2


def test_rows_of_other_answers_and_judges_stay():
    other = [replace(ROW, id="b"), replace(ROW, prompt_version=2), replace(ROW, samples="y"), replace(ROW, judge="org-m")]
    new = replace(ROW, content="3" * 64, verdict="different")
    assert sorted(merged([ROW, *other], [new]), key=repr) == sorted([new, *other], key=repr)


def test_an_equal_answer_gets_the_new_verdict():
    # The same answer in another samples file; a judge has one verdict on it.
    elsewhere = replace(ROW, samples="y", produced=False)
    new = replace(ROW, verdict="different", reply="DIFFERENT")
    assert merged([elsewhere], [new]) == [new, replace(elsewhere, verdict="different", reply="DIFFERENT")]


def test_two_writers_lose_nothing(tmp_path):
    rows = [replace(ROW, id=str(number), content=str(number)) for number in range(20)]
    threads = [threading.Thread(target=write_verdicts, args=(tmp_path, [row])) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.id for row in read_judge_rows(tmp_path / "judge_org-m.jsonl")) == sorted(row.id for row in rows)


def test_a_folder_is_checked_before_anything_is_paid(tmp_path, monkeypatch):
    check_verdicts(tmp_path, "org/m")
    (tmp_path / "judge_org-m.jsonl").write_text("mine\n")
    with pytest.raises(UserError, match="is no row of a judge"):
        check_verdicts(tmp_path, "org/m")
    # The user root may write everywhere, so the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match="can't be written"):
        check_verdicts(tmp_path, "other")


def test_a_damaged_file_is_not_replaced(tmp_path):
    (tmp_path / "judge_org-m.jsonl").write_text("mine\n")
    with pytest.raises(UserError, match=r"judge_org-m\.jsonl:1 is no row of a judge"):
        write_verdicts(tmp_path, [ROW])
    assert (tmp_path / "judge_org-m.jsonl").read_text() == "mine\n"


def test_a_link_or_a_folder_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "judge_org-m.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="can't be written"):
        write_verdicts(tmp_path, [ROW])
    assert (tmp_path / "elsewhere").read_text() == ""
    os.unlink(tmp_path / "judge_org-m.jsonl")
    (tmp_path / "judge_org-m.jsonl").mkdir()
    with pytest.raises(UserError, match="can't be written"):
        write_verdicts(tmp_path, [ROW])
