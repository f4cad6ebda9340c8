"""Prompt words that a user gives: what is taken, what is completed from the language's file, what is refused."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import PromptWords, prompt_words
from lm_eval_illusion.languages.own_words import as_record, check_words, complete_words

GIVEN = {"question": "Potšišo", "answer": "Karabo"}


def test_without_a_file_question_and_answer_are_enough():
    words = complete_words(GIVEN, None, "nso")
    assert words == PromptWords(question="Potšišo", answer="Karabo", context="", options="", colon=":", delimiter=" ")


def test_words_of_the_file_stand_for_those_that_are_not_given():
    # French has a space before the colon.
    words = complete_words({"answer": "Solution"}, prompt_words("fr"), "fr")
    assert (words.question, words.answer, words.colon, words.delimiter) == ("Question", "Solution", " :", " ")


@pytest.mark.parametrize(("colon", "delimiter"), [("：", ""), (" :", " "), ("፦", " ")])
def test_only_the_full_width_colon_has_its_space_in_itself(colon, delimiter):
    words = complete_words(check_words({**GIVEN, "colon": colon}), None, "xx")
    assert (words.colon, words.delimiter) == (colon, delimiter)


def test_white_space_around_a_word_is_removed():
    assert check_words({"question": " Q ", "colon": " : "}) == {"question": "Q", "colon": " :"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"frage": "x"}, "'frage' is no prompt word: the words are question, answer, context, options, colon"),
        ({"delimiter": ""}, "'delimiter' is no prompt word"),
        ({"question": ""}, "prompt word question is empty or no text"),
        ({"question": " "}, "prompt word question is empty or no text"),
        ({"question": 3}, "prompt word question is empty or no text"),
        ({"question": "a\nb"}, "is no single line of at most 100 visible characters"),
        ({"question": "x" * 101}, "is no single line of at most 100 visible characters"),
        ({"question": "Q:"}, "ends with a colon, which the prompt adds: leave it out"),
        ({"options": "选项："}, "ends with a colon"),
    ],
)
def test_a_wrong_word_is_one_line(given, message):
    with pytest.raises(UserError, match=message) as raised:
        check_words(given)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("given", "missing"), [({}, "question and answer"), ({"answer": "A"}, "question"), ({"question": "Q"}, "answer")]
)
def test_missing_words_are_named(given, missing):
    with pytest.raises(UserError, match=f"'nso' has no prompt words, and {missing} was not given"):
        complete_words(given, None, "nso")


@pytest.mark.parametrize("words", [3, "x", {"question": "Q"}, {**GIVEN, "context": "", "options": None}, {**GIVEN, "x": ""}])
def test_a_wrong_field_of_an_item_is_refused(words):
    with pytest.raises(UserError, match="prompt_words of an item is no object of texts question, answer, context, options"):
        as_record(words)
