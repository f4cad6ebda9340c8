"""Codes and names of languages."""

from __future__ import annotations

import pytest

from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.pairing.reading.language_codes import near_languages, resolved_code


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("en", "en EN eng en-GB en_US English english ENGLISH"),
        ("pt", "pt-BR pt_BR por pt-PT por_Latn Portuguese português"),
        ("sw", "sw swa swh Swahili Kiswahili"),
        ("zh", "zh zh-CN zh_TW zh-Hans zh-Hant zho zho_Hans cmn chi Chinese 中文"),
        ("de", "de deu ger German Deutsch deutsch de-AT"),
        ("he", "iw heb Hebrew"),
        ("id", "in ind Indonesian"),
        ("no", "nb nn nor nob nno nb-NO Norwegian"),
        ("fa", "fas per pes"),
        ("ar", "arb ara ar-EG"),
        ("ms", "zsm may"),
    ],
)
def test_a_code_or_a_name_gives_the_code_of_the_file(code, texts):
    assert {text: resolved_code(text) for text in texts.split()} == dict.fromkeys(texts.split(), code)


def test_every_language_file_has_its_own_code():
    assert {code: resolved_code(code) for code in language_codes()} == {code: code for code in language_codes()}


@pytest.mark.parametrize("text", ["xx", "enn", "", "tlh", "a b", "english language", "en/us", "yue"])
def test_what_is_no_language_of_ours_stays(text):
    assert resolved_code(text) == text


def test_codes_that_look_alike_are_suggested():
    assert "sv" in near_languages("sve")
    assert near_languages("Swedihs") == ("sv",)
    assert near_languages("jp") == ("ja",)  # the code of the country
    assert near_languages("tlhingan") == ()
