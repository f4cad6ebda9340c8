"""Lines of a samples file: what is read of them, and every way in which one can be wrong."""

from __future__ import annotations

import json
import math

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.sample_file import SampleRow, read_rows

ROW = {
    "doc_id": 0,
    "doc": {"id": "a", "question": "Où?", "answer_type": "city_country", "gold": 1, "shot": {"id": "no"}},
    "arguments": {"gen_args_0": {"arg_0": 'Question: "acc": NaN\nAnswer:', "arg_1": " x"}},
    "resps": [[["-2.5", "False"]], [["-0.25", "True"]]],
    "filtered_resps": [["-2.5", "False"], ["-0.25", "True"]],
    "filter": "none",
    "metrics": ["acc", "invalid"],
    "doc_hash": "h",
    "acc": 1.0,
    "invalid": 0.0,
}
LINE = (json.dumps(ROW, ensure_ascii=False) + "\n").encode()


@pytest.fixture
def read(tmp_path):
    def read(content: bytes, metrics=("acc", "invalid"), optional=("gold_rank",), **options) -> list[SampleRow]:
        path = tmp_path / "samples_t.jsonl"
        path.write_bytes(content)
        return list(read_rows(path, metrics, optional, **options))

    return read


def line_of(**changes) -> bytes:
    return (json.dumps({**ROW, **changes}, ensure_ascii=False) + "\n").encode()


def test_a_row(read):
    (row,) = read(LINE)
    assert row == SampleRow("a", "h", "city_country", "none", {"acc": 1.0, "invalid": 0.0, "gold_rank": None})


def test_the_choices_scores(read):
    (row,) = read(LINE, scores=True)
    assert (row.gold, row.scores) == (1, (-2.5, -0.25))


@pytest.mark.parametrize("given", ["-inf", "nan", -3, -3.5, math.nan, -math.inf])
def test_a_score_may_be_a_string_or_a_number_and_need_not_be_finite(read, given):
    (row,) = read(line_of(filtered_resps=[[given, "False"], ["-0.25", True]]), scores=True)
    assert row.scores == pytest.approx((float(given), -0.25), nan_ok=True)


@pytest.mark.parametrize("given", [3, 3.0, math.nan, math.inf, -math.inf])
def test_a_metric_may_be_an_integer_and_need_not_be_finite(read, given):
    (_, row) = read(LINE + line_of(gold_rank=given))
    assert row.metrics["gold_rank"] == pytest.approx(given, nan_ok=True)


def test_a_metric_may_be_a_truth_value_under_any_name(read):
    (row,) = read(line_of(**{"pass@1": True}), metrics=["pass@1"])
    assert row.metrics["pass@1"] == 1


def test_a_nan_that_nobody_asked_for(read):
    assert len(read(line_of(f1=math.nan) + LINE)) == 2


def test_documents_of_other_tasks(read):
    (row,) = read(line_of(doc={"number": 7, "gold": "B", "answer_type": ["x"]}), id_field="number")
    assert (row.id, row.answer_type, row.gold) == ("7", None, None)


def test_an_empty_file_has_no_rows(read):
    assert read(b"") == []


def test_line_ends(read):
    expected = read(LINE * 2)
    assert len(expected) == 2
    assert read(LINE * 2)[:1] + read(LINE)[:1] == expected
    assert read((LINE * 2)[:-1]) == expected
    assert read((LINE * 2).replace(b"\n", b"\r\n")) == expected
    assert len(read(line_of(target="one\u2028line\x85"))) == 1


def test_of_a_doubled_key_the_last_counts(read):
    (row,) = read(LINE[:-2] + b', "acc": 0.5}\n')
    assert row.metrics["acc"] == 0.5


@pytest.mark.parametrize("length", [1, 10, LINE.index("ù".encode()) + 1, len(LINE) - 3, len(LINE) - 2])
def test_a_truncated_line(read, length):
    with pytest.raises(UserError, match=r"samples_t\.jsonl:3 is not a whole row \(.+\): the file is truncated"):
        read(LINE * 2 + LINE[:length])


@pytest.mark.parametrize(
    "line",
    [b"\n", b"\0" * 64, LINE[:-1] + LINE, b"hello\n", b'{"x":' + b"[" * 100_000 + b"\n", LINE.replace(b"O", b"\xff")],
)
def test_a_line_that_is_not_json(read, line):
    with pytest.raises(UserError, match=r"samples_t\.jsonl:2 is not a whole row"):
        read(LINE + line + LINE)


def test_text_that_is_not_asked_for_must_be_utf8_too(read):
    with pytest.raises(UserError, match=r"jsonl:1 is not a whole row .*0xff"):
        read(LINE.replace(b"Question", b"\xff\xfe"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[]\n", "got `array`"),
        (b"3\n", "got `int`"),
        (b'{"hello": NaN}\n', "missing required field `doc`"),
        (line_of(doc=None), r"\$.doc"),
        (line_of(doc={"question": "?"}), "missing required field `id`"),
        (line_of(doc={"id": None}), r"\$.doc.id"),
        (line_of(acc="yes"), r"\$.acc"),
        (line_of(acc=None), r"\$.acc"),
        (LINE.replace(b'"acc": 1.0, ', b""), "missing required field `acc`"),
    ],
)
def test_a_row_of_something_else(read, line, said):
    with pytest.raises(UserError, match=rf"samples_t\.jsonl:2 lacks what its task writes \(.*{said}"):
        read(LINE + line)


@pytest.mark.parametrize("outputs", [[" Paris"], [["-1.0"]], [["x", "True"]]])
def test_scores_that_are_none(read, outputs):
    with pytest.raises(UserError, match=r"samples_t\.jsonl:1 "):
        read(line_of(filtered_resps=outputs), scores=True)
