"""pairing.txt: a person finds in it what was read, what was dropped, where and why, and the short form has the same counts."""

from __future__ import annotations

import random
import sys

from rich.cells import cell_len

from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.pairing.build import Paired
from lm_eval_illusion.pairing.reading.question_file import DroppedRow, QuestionFile
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.summary.text import overview, pairing_of, summary
from tests.pairing.summary.test_surface_rules import item


def question(number, lang="en", text="Which is city", location=None):
    return Question(
        id=f"q{number}", lang=lang, question=f"{text} {number}?", context="", answer=f"City {number}",
        location=location or f"data/my.jsonl:{number}",
    )  # fmt: skip


def pairing(count=40, paired=None, **reading):
    questions = [question(number) for number in range(1, count + 1)]
    items = [{**item([f"City {number}", "Oslo", "Rome", "Bern"]), "id": f"q{number}"} for number in range(2, count + 1)]
    paired = paired or Paired({"en": items}, {}, ("q1",))
    return pairing_of("cities", "data/my.jsonl", QuestionFile(questions, reading.pop("notices", []), **reading), paired)


def test_counts_come_first_and_in_both_forms():
    found = pairing(
        dropped=[DroppedRow("data/my.jsonl:99", "five choices", "5 choices: give four")], duplicates=1_200, rows=1_241
    )
    counts = [
        "40 questions read, 40 ids.",
        "Rows that could not be used: 1 of 1,241: five choices (1).",
        "Questions left out because they repeat another one: 1,200.",
        "Items: en 39.",
        "Held out as one-shot examples: 1.",
        "Dropped: 0 of 40 ids.",
    ]
    assert summary(found).splitlines()[:8] == ["Items of cities, made from data/my.jsonl", "", *counts]
    assert overview(found)[:6] == counts


def test_what_was_dropped_is_grouped_by_reason_with_the_place_and_the_question():
    dropped = {f"q{number}": "a yes/no question" for number in range(2, 9)} | {"q9": "fewer than three other answers"}
    found = pairing(paired=Paired({}, dropped))
    text = summary(found)
    lines = text[text.index("Questions that gave no item:") :].splitlines()
    assert lines[:9] == [
        "Questions that gave no item:",
        "  a yes/no question (7)",
        *[f"      line {number}, q{number}: Which is city {number}?" for number in range(2, 7)],
        "      and 2 more",
        "  fewer than three other answers (1)",
    ]
    assert overview(found)[-1] == "  a yes/no question (7); fewer than three other answers (1)."


def test_ids_add_up_where_a_limit_leaves_some_over():
    # Of 40 ids 3 became items, in one or two languages, 1 is held out and 5 are dropped.
    items = {
        lang: [{**item(list("abcd"), lang=lang), "id": f"q{n}"} for n in range(start, 4)]
        for lang, start in (("en", 1), ("fi", 3))
    }
    found = pairing(paired=Paired(items, {f"q{n}": "a reason" for n in range(10, 15)}, ("q9",)))
    assert overview(found)[1:5] == [
        "Items: en 3, fi 1.",
        "Left over, because the limit is reached: 31 ids.",
        "Held out as one-shot examples: 1.",
        "Dropped: 5 of 40 ids.",
    ]


def test_rows_fields_and_notices_are_listed():
    rows = [DroppedRow(f"data/my.jsonl:{line}", "five choices", f"{line} choices: give four") for line in range(50, 57)]
    found = pairing(
        dropped=[*rows, DroppedRow("data/my.jsonl:70", "no answer")],
        unused_fields=["category", "level"],
        notices=[f"took U+200B out of the field {n}: 12 rows, the first at data/my.jsonl:{n}" for n in range(32)],
        paired=Paired({}, {}, notices=("2 items have their answer in the question",)),
    )
    text = summary(found)
    assert "\nFields not used: category, level.\n" in text
    assert "\n  five choices (7)\n      line 50: 50 choices: give four\n" in text
    assert "\n      and 2 more\n  no answer (1)\n      line 70: no answer\n" in text
    assert "\n  took U+200B out of the field 0: 12 rows, the first at line 0\n" in text
    assert "\n  and 2 more\nNotices of pairing:\n  2 items have their answer in the question\n" in text


def test_the_terminal_names_what_was_not_read_and_what_was_changed():
    found = pairing(
        unused_fields=[f"field {n}" for n in range(7)],
        notices=["data/my.jsonl:1: the positions of the answers are counted from 1"] * 6,
    )
    lines = overview(found)
    assert "Fields not used: field 0, field 1, field 2, field 3, field 4 and 2 more." in lines
    start = lines.index("Notices of reading:")
    assert lines[start + 1] == "  line 1: the positions of the answers are counted from 1"
    assert lines[start + 6] == "  and 1 more"


def test_examples_are_listed_with_their_answers():
    long = "Which of all the cities of the world, large or small, of the north or of the south, has the number"
    questions = [question(1, text=long), question(1, "fi", "Mikä"), question(2)]
    text = summary(pairing_of("x", "data/my.jsonl", QuestionFile(questions, []), Paired({}, {}, ("q1", "q2"))))
    lines = text[text.index("Held out as one-shot examples, ") :].splitlines()[1:]
    assert lines[0].startswith("  line 1, q1: Which of all the cities")
    assert lines[0].endswith("… -> City 1")
    assert lines[1] == "  line 2, q2: Which is city 2? -> City 2"


def test_the_first_of_what_was_dropped_are_the_first_of_the_file():
    dropped = {f"q{number}": "a yes/no question" for number in (8, 3, 7, 2, 6, 4, 5)}
    text = summary(pairing(paired=Paired({}, dropped)))
    assert "(7)\n      line 2, q2: Which is city 2?\n      line 3, q3: " in text


def test_an_id_made_from_the_line_is_not_repeated():
    made = Question("line-7", "en", "Who?", "", "Ada", location="data/my.jsonl:7")
    text = summary(pairing_of("x", "data/my.jsonl", QuestionFile([made], []), Paired({}, {"line-7": "a reason"})))
    assert "\n      line 7: Who?\n" in text


def test_places_of_other_kinds_stay_and_many_examples_are_cut():
    places = ["data/my.json[3]", "row 4 of hub:a/b", "data/my.csv:7"]
    questions = [question(n, location=place) for n, place in enumerate(places * 10)]
    ids = tuple(question.id for question in questions)
    lines = summary(pairing_of("x", "data/my.json", QuestionFile(questions, []), Paired({}, {}, ids))).splitlines()
    assert [line.partition(", q")[0] for line in lines[-21:-18]] == ["  my.json[3]", "  row 4 of hub:a/b", "  my.csv:7"]
    assert lines[-1] == "  and 10 more"


def test_notices_name_their_place_without_the_folder():
    notices = ["wrote HTML: 2 rows, the first at data/my.json:results[0]", "data/my.json:7: one", "data/my.json[3]: two"]
    text = summary(pairing_of("x", "data/my.json", QuestionFile([question(1)], notices), Paired({}, {})))
    assert "at my.json:results[0]\n  line 7: one\n  my.json[3]: two\n" in text


def test_many_reasons_are_cut_on_the_terminal_only():
    found = pairing(paired=Paired({}, {f"q{number}": f"reason {number}" for number in range(1, 10)}))
    assert overview(found)[-1].endswith("reason 5 (1); and 4 more reasons.")
    assert "\n  reason 9 (1)\n" in summary(found)


def test_hostile_text_is_escaped_and_every_line_fits():
    bad = "\x1b[2J\u202e\ud800 中" * 60
    questions = [
        Question("i" * 900, "en", bad, bad, bad, location=f"{bad}:1"),
        Question("j", "en", bad, bad, bad, location=f"{bad}:2"),
    ]
    items = {"en": [{**item([bad, bad + "b", "c", "d"], question=bad, context=bad), "id": "i" * 900, "aliases": [bad]}]}
    reading = QuestionFile(questions, [bad], [DroppedRow(bad, bad, bad)], [bad], 1)
    found = pairing_of("x", bad, reading, Paired(items, {"i" * 900: bad}, ("j",), {"en": frozenset()}, (bad,)))
    for lines in (summary(found).split("\n"), overview(found)):
        assert all(line == for_terminal(line) and cell_len(line) <= 100 for line in lines)


def test_the_work_is_linear_in_the_number_of_items():
    calls = []
    for count in (20, 200, 400):  # the first one imports what is needed
        # No text is that of a shorter run, because some functions remember texts.
        texts = [f"{count} {n}" for n in range(count)]
        items = [
            {
                **item([text, *random.Random(text).sample(texts, 3)], question=f"{text}?", context=f"In {count} {n // 4}."),
                "id": f"q{n}",
            }
            for n, text in enumerate(texts)
        ]
        questions = QuestionFile([question(number) for number in range(count)], [])
        paired = Paired({"en": items}, {f"q{n}": f"reason {n % 3}" for n in range(0, count, 2)}, ("q1",), {"en": frozenset()})
        made = 0

        def count_call(*_):
            nonlocal made
            made += 1

        sys.setprofile(count_call)
        try:
            summary(pairing_of("x", "my.jsonl", questions, paired))
        finally:
            sys.setprofile(None)
        calls.append(made)
    # Twice the items, twice the calls. If each item were compared with all others, it would be four times as many.
    assert 1.5 < calls[2] / calls[1] < 2.3
