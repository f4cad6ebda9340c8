"""Particles and one-letter words that are written together with the answer."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching.words.clitics import find_with_clitics


@pytest.mark.parametrize(
    ("lang", "answer", "text", "expected"),
    [
        ("ko", ["서울"], ["답은", "서울입니다"], [1]),
        ("ko", ["인도"], ["인도네시아"], []),  # "네시아" is no particle: Indonesia is not India
        ("ko", ["인"], ["인도"], []),  # one syllable and one syllable: India
        ("ar", ["مدرسه"], ["في", "والمدرسه"], [1]),  # and-the-school
        ("ar", ["رد"], ["ورد"], []),  # too short: a rose, not "and a reply"
        ("ko", ["음악"], ["음악가"], []),  # after a consonant the subject has 이: a musician
        ("ko", ["경주"], ["경상북도", "경주시는"], [1]),  # the city of Gyeongju, with a particle
        ("ko", ["콩고"], ["콩고공화국"], []),  # two countries have this name, which is not the whole of theirs
        ("ko", ["바이올린"], ["바이올린보다는", "비올라"], []),  # rather than a violin
        ("ko", ["nato"], ["nato는"], [0]),  # how Latin letters are read is not known
        ("ar", ["قاهره"], ["بالقاهره"], [0]),  # in-the-Cairo
        ("ar", ["لبنان"], ["وللبنان"], [0]),  # and-to-Lebanon
        ("ar", ["مدرسه"], ["بمدرستنا"], [0]),  # in-school-our
        ("ar", ["ثلاث"], ["ثلاثون"], []),  # thirty
        ("he", ["בית", "ספר"], ["בית", "הספר"], [0]),  # house of the-book
        ("he", ["הים", "השחור"], ["לים", "השחור"], [0]),  # to the sea: the article is not written
        ("he", ["מדינה"], ["שבמדינות"], [0]),  # that-in-countries
        ("he", ["ה"], ["ה"], []),
        ("sw", ["jino"], ["meno"], [0]),  # tooth, teeth
        ("sw", ["mtu"], ["utu"], []),  # humanity
        ("sw", ["dini"], ["madini"], []),  # religion, minerals
        ("id", ["jakarta"], ["dijakarta"], [0]),  # in-Jakarta
        ("id", ["tiga"], ["ketiga"], []),  # three, third
        ("en", ["school"], ["schools"], []),  # nothing is attached in English
    ],
)
def test_where_an_answer_with_clitics_begins(lang, answer, text, expected):
    assert list(find_with_clitics(answer, text, lang)) == expected
