"""A file of questions: each mistake is reported with file and line, and invisible characters are removed."""

from __future__ import annotations

import json
import time

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import read_questions

GOOD = {"id": "a", "lang": "en", "question": "Who?", "answer": "Ada Lovelace"}


def write(tmp_path, *rows):
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


@pytest.mark.parametrize(
    ("wrong_line", "message"),
    [
        ({"id": "b", "lang": "en", "question": "Who?"}, "lacks answer"),
        ({**GOOD, "id": "b", "answer": " "}, "no letter and no digit"),
        ({**GOOD, "answer": "Charles Babbage"}, "in en twice, first at"),
        ({**GOOD, "lang": "de", "answer_type": "date"}, "answer_type 'date', but ''"),
        ({**GOOD, "id": "b", "choices": ["1", "2", "3", "4", "5"], "gold": 0}, "5 choices"),
        ({**GOOD, "id": "b", "choices": ["Ada Lovelace", "2", "3", "4"], "gold": 4}, "gold 4 is not 0, 1, 2 or 3"),
        ({**GOOD, "id": "b", "choices": ["Ada Lovelace", "2", "3", "4"], "gold": 1}, "make them the same"),
        ({**GOOD, "id": "b", "context": "x" * 2_000_000}, "2,000,000 characters"),
        ({**GOOD, "id": "b\u200b"}, "can't be seen"),
        ({**GOOD, "id": "b", "lang": "xx"}, "'xx' has no prompt words"),
        (
            {**GOOD, "id": "b", "lang": "x" * 36},
            "lang of 36 characters is longer than 35: give a code of letters, digits and hyphens",
        ),
        ({**GOOD, "id": "b", "lang": "../../x"}, "language '../../x' is no language code: give at most 35 letters"),
        *[({**GOOD, "id": "b", "answer": value}, "answer " + json.dumps(value)) for value in ([], [[]], {})],
        *[({**GOOD, "id": "b", field: None}, f"lacks {field}") for field in ("question", "answer", "lang")],
        *[({**GOOD, "id": "b", "question": value}, "question " + json.dumps(value)) for value in (False, 0, [], {})],
        *[({**GOOD, "id": "b", "lang": value}, "lang " + json.dumps(value)) for value in (False, 0, [], {})],
        *[({**GOOD, "id": value}, "id " + json.dumps(value)) for value in (False, True, 1.5, [], {})],
        *[({**GOOD, "id": "b", "context": value}, "is not a text") for value in (False, 0, [], ["x"])],
        *[({**GOOD, "id": "b", field: ["x"]}, "is not a text") for field in ("topic", "source", "license", "answer_type")],
        *[({**GOOD, "id": "b", "aliases": value}, "is not a list of texts") for value in (False, 0)],
        ({**GOOD, "id": "b", "aliases": {}}, "aliases {} is not a text, a list of texts"),
        ({**GOOD, "id": "b", "answer": ["x", {}]}, "answer {} is not a text, a list of texts"),
        ({**GOOD, "id": "b", "meta": {"article": [1]}}, "topic [1] is not a text"),
        ({**GOOD, "id": "b", "question": "who " * 3_000}, "longer than 10,000"),
        ({**GOOD, "id": "b", "answer": "ada " * 300}, "longer than 1,000"),
        ({**GOOD, "id": "b", "aliases": ["ada " * 300]}, "longer than 1,000"),
        ({**GOOD, "id": "b", "choices": ["Ada Lovelace", "2", "3", "4" * 1001], "gold": 0}, "longer than 1,000"),
        (
            {**GOOD, "id": "b", "choices": ["Ada Lovelace", "the Bonn", "bonn!", "4"], "gold": 0},
            "'the Bonn' and 'bonn!' are the same",
        ),
        ({**GOOD, "id": "b", "choices": ["Ada Lovelace", "ADA  Lovelace.", "3", "4"], "gold": 0}, "are the same"),
        ({**GOOD, "id": "b", "choices": ["Ada Lovelace", "...", "3", "4"], "gold": 0}, "no letter and no digit"),
        (
            {**GOOD, "id": "b", "choices": ["Ada Lovelace", "Ada, countess", "3", "4"], "gold": 0, "aliases": ["ada countess"]},
            "'Ada, countess' is the alias 'ada countess'",
        ),
        ({**GOOD, "lang": "de", "choices": ["Ada Lovelace", "2", "3", "4"], "gold": 0}, "choices in de, but none in en at "),
        (b'{"id": "b", "meta": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "too many digits"),
        (b'{"id": "b", "lang": "en", "question": "Who?", "answer": "a\\ud800b"}', "\\ud800 is half a character"),
        (b'{"id": "b\\uDC00", "lang": "en", "question": "Who?", "answer": "ab"}', "\\udc00 is half a character"),
        (b'{"id": "b", "question": "\xff"}', "not UTF-8"),
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object but list"),
        ({**GOOD, "id": "b", "answer": "x", "choices": ["a", "b", "c", "d"]}, "the answer 'x' is none of the choices"),
        ({**GOOD, "id": "b", "answer": [[[[[[[[[[["x"]]]]]]]]]]]}, "nested too deep"),
    ],
)
def test_a_wrong_line_is_reported_with_its_location(tmp_path, wrong_line, message):
    with pytest.raises(UserError, match=r"items\.jsonl:2") as error:
        read_questions(write(tmp_path, GOOD, wrong_line))
    assert message in str(error.value)


def test_invisible_characters_are_removed_and_joiners_kept(tmp_path):
    answer = "\u200fنیم\u200cفاصله\u200b"
    file = read_questions(write(tmp_path, {**GOOD, "lang": "fa", "answer": answer}))
    assert file.questions[0].answer == "نیم\u200cفاصله"
    assert file.notices == [f"{tmp_path / 'items.jsonl'}:1: took U+200B, U+200F (invisible) out of the answer"]


def test_surrogate_pairs_and_integers_as_ids_are_accepted(tmp_path):
    row = b'{"id": 7, "lang": "en", "question": "Who?", "answer": "\\ud83d\\ude00 Ada", "context": null, "aliases": null}'
    question = read_questions(write(tmp_path, row)).questions[0]
    assert (question.id, question.answer, question.context, question.aliases) == ("7", "😀 Ada", "", ())


def test_choices_in_the_first_language_only_are_reported_too(tmp_path):
    rows = {**GOOD, "choices": ["Ada Lovelace", "2", "3", "4"], "gold": 0}, {**GOOD, "lang": "de"}
    with pytest.raises(UserError, match=r"items\.jsonl:2: id 'a' has no choices in de, but some in en at .*items\.jsonl:1"):
        read_questions(write(tmp_path, *rows))


def test_a_missing_and_an_empty_file_are_reported(tmp_path):
    with pytest.raises(UserError, match="can't be read"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="is empty"):
        read_questions(write(tmp_path, b""))


@pytest.mark.parametrize("field", ["id", "lang", "answer_type", "topic", "license"])
def test_a_field_of_a_million_characters_fills_no_screen(tmp_path, field):
    row = {"id": "1", "lang": "en", "question": "Which city?", "answer": "Paris", field: "x" * 10**6}
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(UserError, match=f"{field} of 1,000,000 characters is longer than"):
        read_questions(path)


def test_time_grows_with_the_rows_and_not_faster(tmp_path):
    def seconds(count):
        rows = [
            {**GOOD, "id": n, "question": f"Who is {n}?", "answer": "" if n % 30 == 0 else f"Person {n}"} for n in range(count)
        ]
        path = write(tmp_path, *rows)
        before = time.process_time()
        assert len(read_questions(path).questions) == count - len(range(0, count, 30))
        return time.process_time() - before

    # Four times as many rows: a loop over all rows within each row would take sixteen times as long.
    assert min(seconds(2_000) for _ in range(2)) < 8 * min(seconds(500) for _ in range(2))


def test_questions_of_several_languages_without_a_common_id_are_noted(tmp_path):
    def notices(*rows):
        return [line for line in read_questions(write(tmp_path, *rows)).notices if "translations" in line]

    english = {"lang": "en", "question": "Which river flows through Vienna?", "answer": "Danube"}
    german = {"lang": "de", "question": "Welcher Fluss fließt durch Wien?", "answer": "Donau"}
    (notice,) = notices(english, german)
    assert "need the same id (perhaps --map id=COLUMN)" in notice
    assert notices({**english, "id": "a"}, {**german, "id": "a"}) == []
    assert notices(english, {**english, "question": "Which river flows through Ulm?"}) == []
