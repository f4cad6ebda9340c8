"""Full rows of a samples file: scores, generated texts, and the message for each kind of wrong line."""

from __future__ import annotations

import json
import math

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.sample_file import read_full_rows
from tests.lm_eval_files import choice_row, text_row

DOC = {"n": 0, "question": "What?"}


def read(tmp_path, *lines):
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines))
    return list(read_full_rows(path))


def test_scores_and_generated_texts(tmp_path):
    beams = text_row(DOC, "", match_any=1.0) | {"filtered_resps": [["one", "two"]]}
    scored, greedy, several = read(
        tmp_path, choice_row(DOC, [-1.5, float("nan")], 0), text_row(DOC, "so", exact_match=0.0), beams
    )
    assert scored.scores[0] == -1.5
    assert math.isnan(scored.scores[1])
    assert scored.outputs == []
    assert (greedy.scores, greedy.outputs, greedy.metrics) == ([], ["so"], {"exact_match": 0.0})
    assert several.outputs == ["one", "two"]
    assert scored.prompt == "Q: 0\nA:"


def test_a_pair_of_texts_is_not_a_score(tmp_path):
    # Two samples that look like a pair; the second of a scored pair is True or False.
    (row,) = read(tmp_path, text_row(DOC, "") | {"filtered_resps": [["1.0", "2.0"]]})
    assert (row.scores, row.outputs) == ([], ["1.0", "2.0"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"doc": {"n"', "is not a whole row"),
        (b"[]\n", "give the samples file"),
        (b'{"a": "\xff"}\n', "is not a whole row"),
        ({}, "missing required field `doc`"),
    ],
)
def test_a_line_that_is_not_a_row(tmp_path, line, message):
    with pytest.raises(UserError, match=rf"samples\.jsonl:2 .*{message}"):
        read(tmp_path, text_row(DOC, "so"), line)
