"""Centuries in Roman numerals."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.numbers.roman_centuries import is_roman, roman_centuries, with_roman_century


@pytest.mark.parametrize(
    ("lang", "text", "digits"),
    [
        *[("es", "siglo XVI", ["16"]), ("es", "los siglos XVI y XVII", ["16", "17"]), ("fr", "XVIIIe siècle", ["18"])],
        *[("ru", "XIX век", ["19"]), ("it", "secolo XXI", ["21"]), ("pl", "XIV wiek", ["14"]), ("fr", "Ier siècle", [])],
        *[
            ("es", "Luis XIV", []),
            ("es", "siglo XXX", []),
            ("en", "XIX", ["19"]),
            ("ru", "IX—XII", ["9", "12"]),
            ("en", "Rocky IV", []),
            ("fr", "siècle de Louix", []),
            ("eu", "XIX mende", ["19"]),
            ("xx", "XIX mende", []),
        ],
    ],
)
def test_roman_numerals_of_centuries(lang, text, digits):
    found = roman_centuries(text, lang)
    assert [number.digits for number in found] == digits
    assert all(is_roman(text, number) for number in found)


def test_other_centuries():
    text = "XVIIIe siècle"
    (number,) = roman_centuries(text, "fr")
    written = {value: with_roman_century(text, number, value) for value in (4, 9, 14, 19, 20, 21, 22)}
    assert written == {
        **{4: "IVe siècle", 9: "IXe siècle", 14: "XIVe siècle", 19: "XIXe siècle", 20: "XXe siècle", 21: "XXIe siècle"},
        22: None,
    }
