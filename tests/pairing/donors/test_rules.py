"""The rules of options against `option_rules`, text by text, and sets of options that do not overlap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.donors import rules as module
from lm_eval_illusion.pairing.donors.answer_table import answer_table
from lm_eval_illusion.pairing.donors.rules import OptionRulesOfLanguage, allowed_options, compatible, more_compatible
from lm_eval_illusion.pairing.option_rules import is_allowed, overlaps, right_answers
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question


def rules_of(questions):
    """The rules for questions in English, and the number of each answer among their texts."""
    grouped = group_by_id(questions)
    table = answer_table(grouped, "en")
    return OptionRulesOfLanguage(grouped, table, right_answers(questions)), table.own.tolist()


answers = st.text("ab1 ", min_size=1, max_size=5).filter(str.strip)
question_texts = st.sampled_from(["Who?", "Which a is it?", "What is ab1?"])


@pytest.mark.parametrize("many", [0, module._MANY])
@given(st.lists(st.tuples(question_texts, answers, st.lists(answers, max_size=2)), min_size=1, max_size=6))
def test_what_is_allowed_is_what_option_rules_say(many, rows):
    questions = [Question(str(n), "en", text, "", answer, tuple(aliases)) for n, (text, answer, aliases) in enumerate(rows)]
    with pytest.MonkeyPatch.context() as patch:
        # Many right answers of one text are searched in another way.
        patch.setattr(module, "_MANY", many)
        rules, own = rules_of(questions)
        answer_key = right_answers(questions)
        for number, question in enumerate(questions):
            expected = [is_allowed(other.answer, question, answer_key) for other in questions]
            assert rules.allowed(number, own) == expected


@pytest.mark.parametrize("wide", [0, module._WIDE])
@given(texts=st.lists(answers, min_size=1, max_size=8))
def test_overlapping_answers_are_found(wide, texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_WIDE", wide)
        check_overlapping(texts)


def check_overlapping(texts):
    rules, own = rules_of([Question(str(n), "en", f"Who {n}?", "", answer) for n, answer in enumerate(texts)])
    forms = [rules._compact[text] for text in own]
    for first, form in zip(own, forms, strict=True):
        expected = {second for second, other in zip(own, forms, strict=True) if overlaps(form, (other,))}
        # A text that overlaps only itself need not be named.
        assert sorted(rules.overlapping.get(first, [first])) == sorted(expected)


@pytest.mark.parametrize("wide", [0, 2, module._WIDE])
@given(texts=st.lists(answers, min_size=1, max_size=8), most=st.integers(1, 4))
def test_compatible_options_do_not_overlap_and_none_could_be_added(wide, texts, most):
    with pytest.MonkeyPatch.context() as patch:
        # Texts that overlap many others are tested in another way.
        patch.setattr(module, "_WIDE", wide)
        check_compatible(texts, most)


def check_compatible(texts, most):
    rules, own = rules_of([Question(str(n), "en", f"Who {n}?", "", answer) for n, answer in enumerate(texts)])
    forms = [rules._compact[text] for text in own]
    kept = compatible(range(len(own)), [own], [rules], most)
    assert kept == sorted(kept)
    assert len(kept) <= most
    for index, place in enumerate(kept):
        assert not overlaps(forms[place], [forms[other] for other in kept[:index]])
    if len(kept) < most:
        rest = set(range(len(own))) - set(kept)
        assert all(overlaps(forms[place], [forms[other] for other in kept]) for place in rest)


def test_a_text_that_overlaps_all_others_gives_way_where_few_are_left():
    questions = [
        Question(str(n), "en", f"Who {n}?", "", answer) for n, answer in enumerate(["Ann Bea Cleo", "Ann", "Bea", "Cleo"])
    ]
    rules, own = rules_of(questions)
    kept = compatible(range(4), [own], [rules], 3)
    assert kept == [0]
    assert more_compatible(kept, range(4), [own], [rules]) == [1, 2, 3]
    assert more_compatible([1, 2, 3], [0, 1], [own], [rules]) == [1, 2, 3], "what is kept stays if nothing better is found"


def test_an_option_must_be_allowed_in_every_language():
    rows = [("Rome", "Rom"), ("Oslo", "Oslo"), ("Kyiv", "Rom II"), ("Bonn", "Bonn")]
    questions = [
        Question(str(n), lang, f"Where {n}?", "", text)
        for n, texts in enumerate(rows)
        for lang, text in zip(("en", "de"), texts, strict=True)
    ]
    grouped, answer_key = group_by_id(questions), right_answers(questions)
    tables = [answer_table(grouped, lang) for lang in ("de", "en")]
    rules = [OptionRulesOfLanguage(grouped, table, answer_key) for table in tables]
    texts = [table.own.tolist() for table in tables]
    # "Rom II" contains the right answer in German only.
    assert list(allowed_options(0, texts, rules)) == [1, 3]


def test_the_right_answers_of_one_text_are_compared_once_with_each_option(monkeypatch):
    calls = []
    monkeypatch.setattr(module, "overlaps", lambda text, others: calls.append(text) or overlaps(text, others))
    # 2 x 60 questions of two texts: each of 60 options of the other text is tested once, not once for each of 60 questions.
    questions = [Question(str(n), "en", f"Who is {'AB'[n % 2]}?", "", f"Name{n:03}x") for n in range(120)]
    rules, own = rules_of(questions)
    calls.clear()
    for row in range(120):
        rules.allowed(row, own)
    assert len(calls) <= 2 * 120
