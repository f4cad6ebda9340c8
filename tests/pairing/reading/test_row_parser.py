"""Rows in the shapes of public data sets: what each field of the question becomes."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.reading.row_parser import RowParser, RowSettings, parse_question
from lm_eval_illusion.pairing.reading.rows import SourceRow

EN = {"lang": "en"}
Q = {"question": "Who?", **EN}
FOUR = ["a", "b", "c", "d"]


def read(tmp_path, row, **options):
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    return read_questions(path, ReadingOptions(**options))


@pytest.mark.parametrize(
    ("value", "answer", "aliases"),
    [
        ("Ada", "Ada", ()),
        (3, "3", ()),
        # pandas makes whole numbers floats where one of the column is missing; nobody answers "1945.0".
        (1945.0, "1945", ()),
        (2.5, "2.5", ()),
        (1e-07, "0.0000001", ()),
        (1e22, "10000000000000000000000", ()),
        (True, "true", ()),
        (["Ada", "Ada Lovelace", "Ada"], "Ada", ("Ada Lovelace",)),
        (["Ada", 3], "Ada", ("3",)),
        ({"text": ["Ada", "Lovelace"], "answer_start": [1, 9]}, "Ada", ("Lovelace",)),
        ([{"text": "Ada", "answer_start": 1}, {"text": "Lovelace", "answer_start": 9}], "Ada", ("Lovelace",)),
        ({"value": "Ada", "aliases": ["A. L."], "normalized_aliases": ["a l"], "type": "x"}, "Ada", ("A. L.",)),
        ({"mention": "the US", "answerType": "entity", "answer": [{"name": "Q30", "label": {"en": "USA"}}]}, "USA", ()),
        ({"mention": "three", "answerType": "numerical", "answer": [3]}, "three", ("3",)),
        ([{"type": "entity", "entity": "Q7259", "text": "Ada", "aliases": ["A. L."]}], "Ada", ("A. L.",)),
        ({"en": "Ada", "de": "Adele"}, "Ada", ()),
        ('["Ada", "A. L."]', "Ada", ("A. L.",)),
        ("[1, 2]", "[1, 2]", ()),
        # A numpy array that was written as text; Python would read 'Ada' 'A. L.' as one text.
        ("['Ada' 'A. L.'\n \"O'Hara\"]", "Ada", ("A. L.", "O'Hara")),
        ("{'text': array(['Ada' 'A. L.'], dtype=object)}", "Ada", ("A. L.",)),
        # WebQuestions in its own form.
        ('(list (description Ada) (description "A. L."))', "Ada", ("A. L.",)),
    ],
)
@pytest.mark.parametrize("field", ["answer", "answers"])
def test_shapes_of_answers(tmp_path, value, answer, aliases, field):
    question = read(tmp_path, {**Q, field: value}).questions[0]
    assert (question.answer, question.aliases) == (answer, aliases)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"mention": "three", "answerType": "numerical", "answer": [3]}, "numerical"),
        ([{"type": "entity", "text": "Ada"}], "entity"),
        ("Ada", ""),
    ],
)
def test_the_type_of_the_answer_may_stand_in_it(tmp_path, value, kind):
    assert read(tmp_path, {**Q, "answer": value}).questions[0].answer_type == kind
    assert read(tmp_path, {**Q, "answer": value, "answer_type": "own"}).questions[0].answer_type == "own"


LABELLED = {"text": FOUR, "label": ["A", "B", "C", "D"]}
NUMBERED = {"text": FOUR, "label": ["1", "2", "3", "4"]}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"choices": FOUR, "answer": "c"}, "c"),
        ({"choices": FOUR, "answer": 2}, "c"),
        ({"choices": FOUR, "answer": "2"}, "c"),
        ({"choices": ["w", "x", "y", "z"], "answer": "C"}, "y"),
        ({"choices": ["w", "x", "y", "z"], "answer": "(C)"}, "y"),
        ({"choices": FOUR, "gold": 0}, "a"),
        ({"choices": FOUR, "label": 3}, "d"),
        ({"choices": FOUR, "answer": "b", "gold": 1}, "b"),
        ({"choices": FOUR, "answer": "b", "answer_idx": "B"}, "b"),
        ({"options": FOUR, "answer": "b"}, "b"),
        ({"options": "a | b | c | d", "answer": "B"}, "b"),
        ({"endings": FOUR, "label": "1"}, "b"),
        ({"answerA": "w", "answerB": "x", "answerC": "y", "answerD": "z", "label": "B"}, "x"),
        ({"options": str(FOUR), "answer": "b"}, "b"),
        ({"options": {"A": "w", "B": "x", "C": "y", "D": "z"}, "answer": "D"}, "z"),
        ({"choices": LABELLED, "answerKey": "B"}, "b"),
        # Labels from 1 on are no indices: "2" is the second choice.
        ({"choices": NUMBERED, "answerKey": "2"}, "b"),
        ({"choices": [{"label": str(n), "text": text} for n, text in enumerate(FOUR, 1)], "answerKey": "4"}, "d"),
        # An index beside choices in quotes (MMLU), a value beside choices that are numbers.
        ({"choices": ["0", "4", "2", "6"], "answer": 1}, "4"),
        ({"choices": ["0", "4", "2", "6"], "answer": "2"}, "2"),
        ({"choices": [0, 4, 2, 6], "answer": 2}, "2"),
        ({"A": "w", "B": "x", "C": "y", "D": "z", "answer": "D"}, "z"),
        # Labels are letters here: "B" is the second choice, also where a choice is the letter B.
        ({"A": "B", "B": "A", "C": "D", "D": "C", "answer": "B"}, "A"),
        ({"A": "3", "B": "2", "C": "1", "D": "0", "answer": "2"}, "2"),
        ({"A": "w", "B": "x", "C": "y", "D": "z", "answer": 2}, "y"),
        ({"option1": "w", "option2": "x", "option3": "y", "option4": "z", "answer": "1"}, "w"),
        ({"correct_answer": "w", "incorrect_answers": ["x", "y", "z"]}, "w"),
        ({"correct_answer": "w", "distractor1": "x", "distractor2": "y", "distractor3": "z"}, "w"),
        ({"choices": {"en": FOUR, "de": ["1", "2", "3", "4"]}, "answer": "b"}, "b"),
        # Labels before the texts go: a model that knows the answer says "Rome", not "B. Rome".
        ({"choices": ["A. Oslo", "B. Rome", "C. Bern", "D. Kyiv"], "answer": "B"}, "Rome"),
        ({"choices": ["A. Oslo", "B. Rome", "C. Bern", "D. Kyiv"], "answer": "B. Rome"}, "Rome"),
        ({"choices": ["(A)Oslo", "(B)Rome", "(C)Bern", "(D)Kyiv"], "gold": [1]}, "Rome"),
        ({"choices": ["a) 1.5", "b) 2.5", "c) 3.5", "d) 4.5"], "answer": "2.5"}, "2.5"),
        ({"choices": ["1) Oslo", "2) Rome", "3) Bern", "4) Kyiv"], "answer": "2"}, "Rome"),
        ({"choices": ["A、奥斯陆", "B、罗马", "C、伯尔尼", "D、基辅"], "answer": "B"}, "罗马"),
        # These are no labels: not in order, no blank behind, not before each.
        ({"choices": ["1.5", "2.5", "3.5", "4.5"], "answer": "2.5"}, "2.5"),
        ({"choices": ["1:30", "2:15", "3:00", "4:10"], "answer": "2:15"}, "2:15"),
        ({"choices": ["B. Obama", "A. Lincoln", "D. Trump", "C. Clinton"], "answer": "A. Lincoln"}, "A. Lincoln"),
        ({"choices": ["A. Oslo", "Rome", "C. Bern", "D. Kyiv"], "answer": "Rome"}, "Rome"),
        ({"options": "a ) 38 , b ) 27.675 , c ) 30 , d ) no data", "answer": "b"}, "27.675"),
        ({"options": "A. Oslo\nB. St. Petersburg\nC. Bern\nD. Kyiv", "answer": "B"}, "St. Petersburg"),
        ({"options": str(FOUR).replace(",", ""), "answer": 1}, "b"),
        ({"mc_answer1": "w", "mc_answer2": "x", "mc_answer3": "y", "mc_answer4": "z", "correct_answer_num": "2"}, "x"),
        ({"opa": "w", "opb": "x", "opc": "y", "opd": "z", "cop": 2}, "y"),
        ({"options": FOUR, "correct_option": "c"}, "c"),
    ],
)
def test_shapes_of_choices(tmp_path, fields, answer):
    file = read(tmp_path, {**Q, **fields})
    question = file.questions[0]
    assert question.answer == answer
    assert len(question.choices) == 4
    assert question.choices.count(answer) == 1
    assert file.unused_fields == []


@pytest.mark.parametrize("mark", [{"is_impossible": True}, {"answerable": False}])
def test_a_question_that_is_marked_as_one_without_answer_is_no_mistake(tmp_path, mark):
    path = tmp_path / "items.jsonl"
    rows = [{**Q, "answer": "Ada", **dict.fromkeys(mark, not next(iter(mark.values())))}, {**Q, "answers": [], **mark}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    file = read_questions(path)
    assert [(row.reason, row.is_mistake) for row in file.dropped] == [
        ("the source says that the question has no answer", False)
    ]
    assert len(file.questions) == 1
    assert file.unused_fields == []


def test_a_field_of_a_wrong_type_that_is_not_needed_may_be_left_out(tmp_path):
    row = {**Q, "answer": "Ada", "context": [["T", ["S."]]]}
    with pytest.raises(UserError, match=r"is not a text \(--map context= leaves it out\)"):
        read(tmp_path, row)
    assert read(tmp_path, row, mapping=["context="]).questions[0].context == ""


def test_no_column_of_a_numbered_series_is_suggested_as_the_answer(tmp_path):
    # Any of them may be right: answer_2 of FreshQA is the third way to write it, mc_answer4 of Belebele may be wrong.
    with pytest.raises(UserError, match="lacks answer: give one, or --map answer=COLUMN"):
        read(tmp_path, {**Q, "answer_0": "Ada", "answer_1": "A. L.", "answer_2": None})


def test_a_question_with_its_choices_inside():
    stem = {"stem": "Who?", "choices": [{"label": label, "text": text} for label, text in zip("ABCD", FOUR, strict=True)]}
    question, _ = parse_question({"id": "x", "lang": "en", "question": stem, "answerKey": "C"}, "here")
    assert (question.question, question.answer, question.choices) == ("Who?", "c", tuple(FOUR))


def test_wrong_answers_that_are_not_three_are_left_to_pair(tmp_path):
    file = read(tmp_path, {**Q, "correct_answer": "w", "incorrect_answers": ["x"]})
    assert file.questions[0].choices == ()
    assert "did not use the wrong answers, which are not three" in file.notices[0]


def test_without_a_column_choices_serve_only_to_find_the_answer(tmp_path):
    row = {**Q, "choices": {"text": [*FOUR, "e"], "label": list("ABCDE")}, "answerKey": "E"}
    question = read(tmp_path, row, mapping=["choices="]).questions[0]
    assert (question.answer, question.choices) == ("e", ())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"question": {"en": "Who?", "de": "Wer?"}, "answer": {"en": "Ada", "de": "Adele"}}, {"en": "Ada", "de": "Adele"}),
        ({"question": {"en": "Who?", "de": "Wer?"}, "answer": "Ada"}, {"en": "Ada", "de": "Ada"}),
        (
            {"question": [{"language": "en", "string": "Who?"}, {"language": "de", "string": "Wer?"}], "answer": "Ada"},
            {"en": "Ada", "de": "Ada"},
        ),
        (
            {"question": {"en": "Who?"}, "answer": [{"language": "en", "string": "Ada"}, {"language": "en", "string": "A."}]},
            {"en": "Ada"},
        ),
        (
            {"Question_en": "Who?", "question_pt-BR": "Quem?", "answer_en": "Ada", "answer_pt-BR": "Adi", "question_fi": None},
            {"en": "Ada", "pt": "Adi"},
        ),
        # MKQA: the language without prompt words and the second Chinese are left out, the text that is null has no answer.
        (
            {
                "queries": {"en": "Who?", "zh_cn": "谁", "zh_tw": "誰", "tlh": "x", "fi": "Kuka?"},
                "query": "who?",
                "answers": {
                    "en": [{"text": "Ada"}],
                    "zh_cn": [{"text": "艾达"}],
                    "zh_tw": [{"text": "艾達"}],
                    "tlh": [{"text": "x"}],
                    "fi": [{"text": None, "type": "unanswerable"}],
                },
            },
            {"en": "Ada", "zh": "艾达"},
        ),
    ],
)
def test_several_languages_in_a_row(tmp_path, row, expected):
    file = read(tmp_path, row)
    assert {question.lang: question.answer for question in file.questions} == expected
    assert {question.id for question in file.questions} == {"line-1"}
    assert not any(dropped.is_mistake for dropped in file.dropped)


@pytest.mark.parametrize(
    ("fields", "field", "value"),
    [
        ({"qid": "7"}, "id", "7"),
        ({"QuestionID": 7}, "id", "7"),
        ({"id": 7.0}, "id", "7"),
        ({"id": None}, "id", "line-1"),
        ({}, "id", "line-1"),
        ({"lang": None, "Language": "fi"}, "lang", "fi"),
        ({"lang": "pt-BR"}, "lang", "pt"),
        ({"passage": "P.\nQ."}, "context", "P.\nQ."),
        ({"support": "P."}, "context", "P."),
        ({"title": "T"}, "topic", "T"),
        ({"meta": {"article": "M"}, "title": "T"}, "topic", "M"),
        ({"topic": 3}, "topic", "3"),
        ({"aliases": "A. L."}, "aliases", ("A. L.",)),
        ({"aliases": ["A. L.", 3]}, "aliases", ("A. L.", "3")),
        ({"context": float("nan")}, "context", ""),
    ],
)
def test_other_fields(tmp_path, fields, field, value):
    question = read(tmp_path, {**Q, "answer": "Ada", **fields}).questions[0]
    assert getattr(question, field) == value


@pytest.mark.parametrize(
    "names",
    [("prompt", "target"), ("input", "output"), ("query", "label"), ("Question", "Best Answer"), ("instruction", "output")],
)
def test_other_names_of_question_and_answer(tmp_path, names):
    question = read(tmp_path, {names[0]: "Who?", names[1]: "Ada"}, lang="en").questions[0]
    assert (question.question, question.answer) == ("Who?", "Ada")


def test_a_blank_text_is_left_for_another_name(tmp_path):
    row = {"input": "", "instruction": "Who?", "output": "Ada"}
    assert read(tmp_path, row, lang="en").questions[0].question == "Who?"


def test_a_column_that_may_tell_the_right_choice_is_suggested(tmp_path):
    row = {**Q, "choices": FOUR, "correct": "b"}
    with pytest.raises(UserError, match=r"or its index or label as gold: did you mean 'correct'\? Give --map gold=correct"):
        read(tmp_path, row)
    assert read(tmp_path, row, mapping=["gold=correct"]).questions[0].answer == "b"


def test_columns_that_were_not_read_are_named(tmp_path):
    file = read(tmp_path, {**Q, "answer": "Ada", "category": "x", "difficulty": 3, "label": "y"})
    assert file.unused_fields == ["category", "difficulty", "label"]


@pytest.mark.parametrize(
    ("lang", "answer", "noted"), [("en", "a " * 15, 0), ("en", "a " * 16, 1), ("zh", "字" * 40, 0), ("zh", "字" * 41, 1)]
)
def test_very_long_answers_are_noted(tmp_path, lang, answer, noted):
    notices = read(tmp_path, {**Q, "lang": lang, "answer": answer}).notices
    assert sum("which models rarely repeat" in notice for notice in notices) == noted


def test_the_language_of_a_row_goes_before_that_of_the_option(tmp_path):
    assert read(tmp_path, {**Q, "answer": "x"}, lang="fi").questions[0].lang == "en"


def test_languages_with_words_of_their_own_are_taken_as_they_are():
    row = SourceRow("here", "line-1", {**Q, "lang": "nso", "answer": "x"})
    (question,) = RowParser(RowSettings(extra_languages=frozenset({"nso"}))).questions(row)
    assert isinstance(question, Question)
    assert question.lang == "nso"
    (error,) = RowParser().questions(row)
    assert "--words lang=nso,question=...,answer=..." in str(error)


@pytest.mark.parametrize("answer", [10**400, float("inf"), 1e308, -1, 4, 2.5])
def test_a_number_that_is_no_choice_is_a_bad_row(tmp_path, answer):
    with pytest.raises(UserError, match=r"items\.jsonl:1: "):
        read(tmp_path, {**Q, "choices": FOUR, "answer": answer})


WORDS = {"question": "Potšišo", "answer": "Karabo"}


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ({"lang": "nso", "prompt_words": WORDS}, [("nso", WORDS)]),
        ({"lang": "pt-BR"}, [("pt", None)]),
        ({"lang": 3, "prompt_words": WORDS}, []),
        ({"prompt_words": WORDS}, [("fi", WORDS)]),
        ({"question": {"en": "Who?", "nso": "Mang?"}, "prompt_words": {"nso": WORDS}}, [("en", None), ("nso", WORDS)]),
        ({"question": {"nso": "Mang?"}, "prompt_words": WORDS}, [("nso", WORDS)]),
    ],
)
def test_prompt_words_that_rows_give(fields, stated):
    parser = RowParser(RowSettings(lang="fi"))
    assert parser.stated_words(SourceRow("here", "line-1", {"question": "Who?", "answer": "x", **fields})) == stated
