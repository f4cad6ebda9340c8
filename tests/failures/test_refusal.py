"""Refusals in every language with embedded items, and answers that are none."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.refusal import is_refusal
from lm_eval_illusion.languages import language, language_codes

REFUSALS = [
    ("en", "I'm sorry, but I don't know which city that is."),
    ("en", "I’m sorry."),
    ("de", "Das weiß ich nicht."),
    ("de", "Es tut mir leid, das kann ich nicht beantworten."),
    ("es", "Lo siento, no puedo responder a esa pregunta."),
    ("fi", "En tiedä, missä maassa se sijaitsee."),
    ("id", "Maaf, saya tidak tahu jawabannya."),
    ("ro", "Îmi pare rău, nu știu."),
    ("sw", "Samahani, sijui jibu."),
    ("tr", "Üzgünüm, bilmiyorum."),
    ("vi", "Xin lỗi, tôi không biết."),
    ("ru", "К сожалению, я не знаю ответа."),
    ("el", "Λυπάμαι, δεν γνωρίζω την απάντηση."),
    ("ar", "عذراً، لا أعرف الإجابة."),
    ("hi", "मुझे खेद है, मुझे नहीं पता।"),
    ("bn", "দুঃখিত, আমি জানি না।"),
    ("te", "క్షమించండి, నాకు తెలియదు."),
    ("th", "ขออภัย ฉันไม่ทราบคำตอบ"),
    ("zh", "抱歉，我不知道。"),
    ("ko", "죄송합니다, 잘 모르겠습니다."),
    # In English, whatever the item's language.
    ("ru", "I don't know."),
    ("zh", "I'm sorry, I cannot answer this."),
]


@pytest.mark.parametrize(("lang", "line"), REFUSALS)
def test_a_refusal(lang, line):
    assert is_refusal(line, lang)


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "Sorrento"),
        ("en", "The answer is Lyon."),
        ("de", "Weißrussland"),
        ("es", "Nosé"),
        ("ru", "Знаменка"),
        ("ar", "العراق"),
        ("hi", "पटना"),
        ("zh", "道里"),
        ("ko", "서울"),
        ("sw", "Sijuiland"),
    ],
)
def test_no_refusal(lang, line):
    assert not is_refusal(line, lang)


def test_each_language_with_embedded_items_has_phrases():
    with_items = {lang for lang, _ in REFUSALS}
    assert {code for code in language_codes() if language(code).failures.refusals} == with_items
