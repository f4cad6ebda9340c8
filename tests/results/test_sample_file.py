"""The lines of a samples file: which fields are read, and the message for each kind of wrong line."""

from __future__ import annotations

import itertools
import json
import math

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.sample_file import SampleRow, read_rows_and_texts

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
        rows = read_rows_and_texts(path, metrics, optional, needs_text=lambda _: False, **options)
        return [row for row, _ in rows]

    return read


def line_of(**changes) -> bytes:
    return (json.dumps({**ROW, **changes}, ensure_ascii=False) + "\n").encode()


def test_the_fields_of_a_row(read):
    (row,) = read(LINE)
    assert row == SampleRow("a", "h", "city_country", "none", {"acc": 1.0, "invalid": 0.0, "gold_rank": None})


@pytest.mark.parametrize(("said", "kept"), [(True, True), (False, False), (None, None), ("yes", None), (1, None)])
def test_whether_the_options_are_asked_otherwise(read, said, kept):
    # Documents of other projects may have any value in a field of this name.
    (row,) = read(line_of(doc={**ROW["doc"], "asked_otherwise": said}))
    assert row.asked_otherwise is kept
    assert read(LINE)[0].asked_otherwise is None


def test_the_scores_of_the_choices(read):
    (row,) = read(LINE, scores=True)
    assert (row.gold, row.scores) == (1, (-2.5, -0.25))


@pytest.mark.parametrize("score", ["-inf", "nan", -3, -3.5, math.nan, -math.inf])
def test_a_score_may_be_a_string_or_a_number_and_need_not_be_finite(read, score):
    collapsed = {"acc": 0.0, "invalid": 1.0} if math.isnan(float(score)) else {}
    (row,) = read(line_of(filtered_resps=[[score, "False"], ["-0.25", True]], **collapsed), scores=True)
    assert row.scores == pytest.approx((float(score), -0.25), nan_ok=True)


@pytest.mark.parametrize("scores", itertools.product([-1.0, -2, math.nan, -math.inf], repeat=3))
@pytest.mark.parametrize("gold", [0, 2])
def test_acc_and_invalid_are_those_of_the_scores(read, scores, gold):
    # By the definitions: the gold score is above all others; no score is above all others. A NaN is above nothing.
    above = [all(score > other for other in [*scores[:n], *scores[n + 1 :]]) for n, score in enumerate(scores)]
    responses = [[str(score), "False"] for score in scores]
    for acc, invalid in itertools.product([0.0, 1, True], [0.0, 1]):
        line = line_of(filtered_resps=responses, doc={"id": "a", "gold": gold}, acc=acc, invalid=invalid)
        if acc == above[gold] and invalid == (not any(above)):
            assert read(line, scores=True)[0].metrics["acc"] == acc
            assert read(line, scores=True, keeps_scores=False)[0].scores is None
        else:
            name = "acc" if acc != above[gold] else "invalid"
            with pytest.raises(
                UserError, match=rf"samples_t\.jsonl:1 is not as its task writes it \({name} is [01], but by the log"
            ):
                read(line, scores=True)


@pytest.mark.parametrize("value", [3, 3.0, math.nan, math.inf, -math.inf])
def test_a_metric_may_be_an_integer_and_need_not_be_finite(read, value):
    (_, row) = read(LINE + line_of(gold_rank=value))
    assert row.metrics["gold_rank"] == pytest.approx(value, nan_ok=True)


def test_a_metric_may_be_a_boolean_and_have_any_name(read):
    (row,) = read(line_of(**{"pass@1": True}), metrics=["pass@1"])
    assert row.metrics["pass@1"] == 1


def test_nan_in_a_metric_that_is_not_read(read):
    assert len(read(line_of(f1=math.nan) + LINE)) == 2


def test_a_document_with_other_fields(read):
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


def test_the_last_of_duplicate_keys_counts(read):
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


def test_text_that_is_not_read_must_be_utf8_too(read):
    with pytest.raises(UserError, match=r"jsonl:1 is not a whole row .*0xff"):
        read(LINE.replace(b"Question", b"\xff\xfe"))


@pytest.mark.parametrize(
    ("line", "message"),
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
def test_a_line_of_another_kind_of_file(read, line, message):
    with pytest.raises(UserError, match=rf"samples_t\.jsonl:2 lacks what its task writes \(.*{message}"):
        read(LINE + line)


@pytest.mark.parametrize("outputs", [[" Paris"], [["-1.0"]], [["x", "True"]]])
def test_outputs_where_scores_are_expected(read, outputs):
    with pytest.raises(UserError, match=r"samples_t\.jsonl:1 "):
        read(line_of(filtered_resps=outputs), scores=True)
