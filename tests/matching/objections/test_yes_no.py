"""A yes/no answer counts only as a reply."""

from __future__ import annotations

import pytest

from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.objections.yes_no import is_yes_or_no


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        ("en", "no", "No."),
        ("en", "no", "No, bats are mammals."),
        ("en", "yes", "Answer: Yes"),
        ("en", "no", "The answer is no."),
        # another word for the same
        ("en", "no", "Nope, they can't."),
        ("hi", "हाँ", "हां, बिल्कुल।"),
        ("zh", "是", "是的，没错。"),
        # polite words beside it
        ("hi", "नहीं", "जी नहीं, ऐसा नहीं हुआ था।"),
        ("th", "ไม่ใช่", "ไม่ใช่นะคะ"),
        # a negation behind it does not deny a "no"
        ("el", "όχι", "Όχι, δεν είναι αλήθεια."),
        ("ko", "아니요", "아니요, 그렇지 않습니다."),
    ],
)
def test_replies(lang, answer, output):
    assert explain(output, [answer], lang).matched


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        ("en", "no", "There is no way to know."),
        ("en", "no", "No idea."),
        ("en", "yes", "Yes or no?"),
        ("en", "yes", "Yes? Nobody can tell."),
        ("en", "yes", "No, absolutely not."),
        ("de", "ja", "Das ist ja gerade die Frage."),
        ("es", "no", "No hay forma de saberlo."),
        ("ru", "да", "Да кто ж его знает."),
        ("sw", "hapana", "Hapana shaka yoyote kuhusu hilo."),
        ("th", "ใช่", "ไม่ใช่ครับ"),
        ("ko", "예", "예를 들어 주세요."),
        ("zh", "不是", "不知道，题目没有给出足够的信息。"),
    ],
)
def test_does_not_reply(lang, answer, output):
    match = explain(output, [answer], lang)
    assert not match.matched
    assert match.rule in ("no_reply", "not_said")


def test_true_and_false_are_words_as_any_other():
    assert explain("The statement is false.", ["false"], "en").matched
    assert explain("Câu này là sai.", ["sai"], "vi").matched
    assert explain("Correct.", ["yes"], "en").rule == "yes_no"


@pytest.mark.parametrize("lang", language_codes())
def test_no_word_means_both_yes_and_no(lang):
    own = language(lang).yes_no
    assert own.yes
    assert own.no
    assert not {*own.yes, *own.also_yes} & {*own.no, *own.also_no}
    assert all(is_yes_or_no(word, lang) for word in (*own.yes, *own.no))
