"""The lines of a samples file: limits, the message for each kind of wrong line, and responses that are no scores."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.report.command import report_command
from lm_eval_illusion.results import sample_lines
from lm_eval_illusion.results.sample_file import read_rows
from lm_eval_illusion.results.sample_lines import RowError, index_of, number_of, scores_and_outputs
from tests.lm_eval_files import DATE, hits, write_run

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "abc"], "gen": hits("match", a=1, b=0, c=1)}
ROW = json.dumps({"doc": {"id": "a"}, "acc": 1.0}).encode() + b"\n"


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "samples_t.jsonl"
        path.write_bytes(content)
        return list(read_rows(path, ["acc"]))

    return read


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"\n", "is not a whole row (it is empty): remove the line if no row is missing, or run it again"),
        (b" \r\n", "is not a whole row (it is empty): remove the line if no row is missing, or run it again"),
        (b"\0\0\0\n", "the file is damaged, run it again"),
        (ROW[:9], "the file is truncated, run it again"),
        (ROW.replace(b"1.0", b"9" * 5_000), "lacks what its task writes (Number out of range - at `$.acc`)"),
        (ROW.replace(b'{"id"', b'{"x": ' + b"[" * 10_000 + b', "id"'), "is not a whole row"),
        (ROW.replace(b'"a"', b'"' + b"\xed\xa0\x80" + b'"'), "is not a whole row"),
        (
            ROW.replace(b'"acc"', b'"' + b"x" * 10_000 + b'"'),
            "lacks what its task writes (Object missing required field `acc`)",
        ),
    ],
)
def test_the_message_states_what_is_wrong_with_the_line(read, line, message):
    with pytest.raises(UserError) as error:
        read(ROW + line)
    assert message in str(error.value)
    assert "samples_t.jsonl:2 " in str(error.value)
    assert "None" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_line_over_the_limit_is_not_read_whole(read, monkeypatch):
    monkeypatch.setattr(sample_lines, "MOST_OF_A_LINE", len(ROW) + 1)
    assert len(read(ROW * 3)) == 3
    with pytest.raises(UserError, match=r"samples_t\.jsonl:2 has more than \d+ bytes"):
        read(ROW + b" " * len(ROW) + ROW)


def test_a_hole_of_16_gigabytes(tmp_path):
    path = tmp_path / "samples_t.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(UserError, match=r"samples_t\.jsonl:1 has more than 67,108,864 bytes"):
        list(read_rows(path, ["acc"]))


def test_a_mark_at_the_start(read):
    assert [row.id for row in read(b"\xef\xbb\xbf" + ROW)] == ["a"]


def test_half_a_character_in_an_id_goes_through_the_report(tmp_path):
    # "\ud800" in JSON is half a character: Python reads it, and no encoding can write it.
    ids = ["\ud800", "a\udfff", "b"]
    views = {"mc": [{"id": i, "acc": 1.0} for i in ids], "gen": [{"id": i, "match": 0.0} for i in ids]}
    write_run(tmp_path, views)
    assert [outcome.id for outcome in load_outcomes([tmp_path])] == ids
    assert report_command([tmp_path], None) == 0


def of_mc(folder, **changes):
    write_run(folder, VIEWS)
    path = folder / f"samples_mqa_illusion_en_mc_{DATE}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1]["doc"] |= changes.pop("doc", {})
    rows[1] |= changes
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # A negative index would take the score of another choice.
        ({"doc": {"gold": -1}}, r"gold is -1, not the index of one of 4 scored choices, from 0"),
        ({"doc": {"gold": 4}}, r"gold is 4, not the index of one of 4 scored choices, from 0"),
        ({"doc": {"gold": None}}, r"\$\.doc\.gold"),
        ({"doc": {"gold": True}}, r"\$\.doc\.gold"),
        ({"doc": {"choices": ["a", "b"]}}, r"the document has 2 choices, but the row has 4 scores"),
        ({"filtered_resps": []}, r"the document has 4 choices, but the row has 0 scores"),
        ({"doc": {"choices": None}, "filtered_resps": []}, r"gold is 1, not the index of one of 0 scored choices"),
        ({"filtered_resps": [["-1.0", "False"]] * 3 + [["low", "False"]]}, r'a log-likelihood is "low", not a number'),
        # The document was changed: lm_eval writes the index of the gold choice as the target of the row, too.
        ({"target": "2"}, r"gold is 1, but the target of the row is 2"),
        ({"doc": {"lang": "fi"}}, r'the document is in "fi", but its task is in en: it is a row of another task'),
    ],
)
def test_choices_scores_and_gold_choice_of_a_row_fit(tmp_path, changes, message):
    path = of_mc(tmp_path, **changes)
    with pytest.raises(UserError, match=rf"{path.name}:2 .*{message}"):
        load_outcomes([tmp_path])


def test_a_collapsed_model_has_scores_that_are_no_numbers(tmp_path):
    of_mc(
        tmp_path, filtered_resps=[["nan", "False"], ["-inf", "False"], [float("nan"), False], ["-1", "False"]], acc=0, invalid=1
    )
    assert [outcome.gold_logprob for outcome in load_outcomes([tmp_path])] == [-1.5, None, -1.5]


@pytest.mark.parametrize(
    ("doc", "message"),
    [
        ({"choices": 3}, r"\$\.doc\.choices"),
        ({"question": ["x"]}, r"\$\.doc\.question"),
        ({"aliases": [1]}, r"\$\.doc\.aliases"),
        ({"choices": ["a"], "gold": 1}, "gold is 1, not the index of one of 1 choices"),
    ],
)
def test_an_item_for_the_browser_has_the_fields_of_an_item(tmp_path, doc, message):
    # Only with --out the texts are read: before, these were tracebacks there.
    write_run(tmp_path / "runs", VIEWS)
    path = tmp_path / "runs" / f"samples_mqa_illusion_en_gen_{DATE}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[2]["doc"] |= doc
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(UserError, match=rf"{path.name}:3 .*{message}"):
        report_command([tmp_path / "runs"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rows_of_two_filters(tmp_path):
    write_run(tmp_path, VIEWS)
    path = tmp_path / f"samples_mqa_illusion_en_gen_{DATE}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1].replace('"filter": "none"', '"filter": "other"') + lines[2])
    with pytest.raises(UserError, match=r'jsonl:2 has the filter "other", the rows before it "none"'):
        load_outcomes([tmp_path])


@pytest.mark.parametrize(
    ("target", "index"),
    # "²" is a digit for `str.isdigit` and no number for `int`; "-1" would take the last choice.
    [
        ("0", 0),
        ("12", 12),
        ("²", None),
        ("٣", None),
        ("-1", None),
        ("", None),
        ("two", None),
        (1, None),
        (None, None),
        ("9" * 5_000, None),
    ],
)
def test_the_index_of_the_gold_choice(target, index):
    assert index_of(target) == index


@pytest.mark.parametrize("score", ["low", "", None, [], "1,5"])
def test_a_score_that_is_no_number(score):
    with pytest.raises(RowError, match=r"a log-likelihood is .*, not a number"):
        number_of(score)


def test_texts_that_look_like_scores():
    assert scores_and_outputs([["-1.0", "True"], ["-2.0", False]]) == ([-1.0, -2.0], [])
    # A twin: scores of the choices, then the answer, which may be empty.
    assert scores_and_outputs([["-1.0", "True"], ["-2.0", "False"], ""]) == ([-1.0, -2.0], [""])
    assert scores_and_outputs([["-1.0", "2.0"]]) == ([], ["-1.0", "2.0"])
    assert scores_and_outputs([["-1.0", ["True"]], 3, None]) == ([], ["['-1.0', ['True']]", "3", "None"])
    with pytest.raises(RowError, match="a log-likelihood is a list of 0"):
        scores_and_outputs([[[], "True"]])
