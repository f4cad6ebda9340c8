"""How many rows may be dropped, and the message that lists them."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.bad_rows import MOST_LINES
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions


def rows(count, bad):
    """So many rows, the first `bad` of which can't be used."""
    return [
        {"id": n, "lang": "en", "question": f"Who is {n}?", "answer": "" if n < bad else f"Person {n}"} for n in range(count)
    ]


def write(tmp_path, lines):
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.mark.parametrize(
    ("count", "bad", "is_allowed"),
    [(20, 1, True), (19, 1, False), (100, 5, True), (100, 6, False), (3, 1, False), (40, 2, True)],
)
def test_up_to_five_percent_may_be_dropped(tmp_path, count, bad, is_allowed):
    path = write(tmp_path, rows(count, bad))
    if is_allowed:
        file = read_questions(path)
        assert [row.location for row in file.dropped] == [f"{path}:{n + 1}" for n in range(bad)]
        assert {row.reason for row in file.dropped} == {"the question or the answer has no letter and no digit"}
        assert (len(file.questions), file.rows) == (count - bad, count)
        with pytest.raises(UserError, match=r"none may \(--strict\)"):
            read_questions(path, ReadingOptions(is_strict=True))
    else:
        with pytest.raises(UserError, match=f"{bad} of {count} rows can't be used, at most 5 % may"):
            read_questions(path)


def test_all_rows_are_listed_by_reason(tmp_path, capsys):
    lines = rows(60, 10)
    lines[20]["choices"] = list("abcde")
    lines[21] = [1]
    lines[22]["lang"] = "xx"
    path = write(tmp_path, lines)
    with pytest.raises(UserError) as error:
        read_questions(path)
    message = str(error.value).splitlines()
    assert message[0] == f"{path}: 13 of 60 rows can't be used, at most 5 % may: correct them or leave them out"
    assert message[1:3] == [
        "the question or the answer has no letter and no digit: 10 rows",
        f"  {path}:1: answer '' has no letter and no digit: give one, or leave the line out (and 9 more: 2, 3, 4, 5, 6, 7, 8, 9, 10)",
    ]
    assert "not four different choices with one right answer: 1 row" in message
    assert f"  {path}:21: 5 choices: give four, or none to have them made (--map choices=)" in message
    assert f"  {path}:22: not a JSON object but list: write one question per line" in message
    # The command shows the lines as lines, and no traceback.
    assert main(["pair", str(path), "--name", "x", "--out", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == len(message)
    assert shown[0].startswith("lm-eval-illusion: error: ")


def test_places_in_an_array_are_short(tmp_path):
    path = tmp_path / "items.json"
    path.write_text(json.dumps([{"id": n, "lang": "en", "question": f"Who is {n}?", "answer": ""} for n in range(4)]))
    with pytest.raises(UserError) as error:
        read_questions(path)
    assert str(error.value).endswith(r"or leave the line out (and 3 more: [1], [2], [3])")


def test_a_thousand_different_mistakes_take_forty_lines(tmp_path):
    lines = [{"id": n, "lang": "en", "question": f"Who is {n}?", "answer": {str(n): 1}} for n in range(1_000)]
    lines += [{"id": n, "lang": f"x{n}", "question": "Who?", "answer": "x"} for n in range(1_000, 2_000)]
    with pytest.raises(UserError) as error:
        read_questions(write(tmp_path, lines))
    message = str(error.value).splitlines()
    assert len(message) <= MOST_LINES + 1
    assert "  and 982 more: 19, 20, 21" in str(error.value)
    assert max(map(len, message)) < 500


def test_equal_rows_are_left_out_and_counted(tmp_path):
    lines = [{"lang": "en", "question": "Who?", "answer": "Ada"}, *rows(3, 0)]
    file = read_questions(
        write(tmp_path, [*lines, lines[0], lines[1], {**lines[2], "id": "other"}, {**lines[3], "id": 9, "answer": "x"}])
    )
    assert [question.id for question in file.questions] == ["line-1", "0", "1", "2", "9"]
    assert file.duplicates == 3
    assert file.dropped == []


def test_an_id_with_equal_text_in_one_of_its_languages_stays(tmp_path):
    lines = [
        {"id": n, "lang": lang, "question": "Who?", "answer": f"{lang} {n if lang == 'de' else ''}"}
        for n in (1, 2)
        for lang in ("en", "de")
    ]
    file = read_questions(write(tmp_path, lines))
    assert len(file.questions) == 4
    assert file.duplicates == 0


def test_an_id_that_is_not_parallel_is_dropped_in_all_languages(tmp_path):
    lines = [*rows(30, 0), {"id": 0, "lang": "de", "question": "Wer?", "answer": "x", "answer_type": "name"}]
    file = read_questions(write(tmp_path, lines))
    assert "0" not in {question.id for question in file.questions}
    assert [(row.location.rpartition(":")[2], row.is_mistake) for row in file.dropped] == [("1", False), ("31", True)]
    assert {row.reason for row in file.dropped} == {"the languages of an id differ in their answer type"}


def test_of_an_id_that_stands_for_two_questions_the_first_stays(tmp_path):
    file = read_questions(write(tmp_path, [*rows(30, 0), {"id": 3, "lang": "en", "question": "Who?", "answer": "x"}]))
    assert len(file.questions) == 30
    assert "--map id= to have ids made" in file.dropped[0].problem


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lang": "xx"}, "--lang 'xx': language 'xx' has no prompt words: give one of "),
        ({"lang": "Swedihs"}, "did you mean sv?"),
        ({"lang": ""}, "states no language: give --lang CODE for all rows"),
    ],
)
def test_a_wrong_or_missing_language(tmp_path, options, message):
    lines = [{"question": "Who?", "answer": "Ada"}]
    with pytest.raises(UserError) as error:
        read_questions(write(tmp_path, lines), ReadingOptions(**options))
    assert message in str(error.value)
