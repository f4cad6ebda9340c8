"""Bad questions: each a clear message with file and line."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.source import read_source

GOOD = {"id": "a", "lang": "en", "question": "Who?", "answer": "Ada Lovelace"}


def write(tmp_path, *rows):
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"id": "b", "lang": "en", "question": "Who?"}, "lacks answer"),
        ({**GOOD, "id": "b", "answer": " "}, "no letter and no digit"),
        (GOOD, "in en twice, first at"),
        ({**GOOD, "lang": "de", "answer_type": "date"}, "answer_type 'date', but ''"),
        ({**GOOD, "id": "b", "choices": ["1", "2", "3", "4", "5"], "gold": 0}, "5 choices"),
        ({**GOOD, "id": "b", "choices": ["Ada Lovelace", "2", "3", "4"], "gold": 4}, "gold 4 is not 0, 1, 2 or 3"),
        ({**GOOD, "id": "b", "choices": ["Ada Lovelace", "2", "3", "4"], "gold": 1}, "make them the same"),
        ({**GOOD, "id": "b", "context": "x" * 2_000_000}, "2,000,000 characters"),
        ({**GOOD, "id": "b\u200b"}, "can't be seen"),
        ({**GOOD, "id": "b", "lang": "xx"}, "'xx' has no prompt words"),
        (b'{"id": "b", "question": "\xff"}', "not UTF-8"),
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object but list"),
    ],
)
def test_a_bad_line_is_named(tmp_path, bad, message):
    with pytest.raises(UserError, match=r"items\.jsonl:2") as error:
        read_source(write(tmp_path, GOOD, bad))
    assert message in str(error.value)


def test_invisible_characters_go_and_joiners_stay(tmp_path):
    answer = "\u200fنیم\u200cفاصله\u200b"
    source = read_source(write(tmp_path, {**GOOD, "lang": "fa", "answer": answer}))
    assert source.questions[0].answer == "نیم\u200cفاصله"
    assert source.notices == [f"{tmp_path / 'items.jsonl'}:1: took U+200B, U+200F (invisible) out of the answer"]


def test_no_file_and_an_empty_one(tmp_path):
    with pytest.raises(UserError, match="can't be read"):
        read_source(tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="is empty"):
        read_source(write(tmp_path, b""))
