"""The form of an answer is decided by a majority of its languages."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.answer_types import answer_form, writing_of


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"en": "1388", "de": "1388"}, "date"),
        ({"en": "1,388", "de": "1.388", "es": "1388", "ru": "1388", "hi": "1,388"}, "number"),
        ({"en": "1,388"}, "number"),
        ({"id": "2.045"}, "number"),
        ({"en": "oxyacetylene welding", "de": "1901", "es": "soldadura oxiacetilénica"}, "phrase"),
        ({"en": "12 March 2004", "de": "12. März 2004"}, "date"),
        ({"bn": "১৯৭৫"}, "date"),
        ({"en": "63%", "tr": "%63'lük", "de": "63 %"}, "number"),
        ({"en": "17 seconds", "ru": "17 секунд"}, "number"),
        ({"en": "Astra 2A", "de": "Astra 2A"}, "name"),
        ({"en": "CO2"}, "name"),
        ({"en": "Ada Lovelace", "ru": "Ада Лавлейс"}, "name"),
        ({"en": "trial division", "zh": "试除法"}, "phrase"),
    ],
)
def test_answer_forms(answers, kind):
    assert answer_form(answers) == kind


@pytest.mark.parametrize(
    ("text", "lang"), [("日本", "ja"), ("パリ", "ja"), ("りんご", "ja"), ("ローマ字", "ja"), ("한국", "ko"), ("北京", "zh")]
)
def test_east_asian_scripts_are_one_writing(text, lang):
    assert writing_of(text, lang) == writing_of("京都", "ja") != writing_of("Rome", "ja")
