"""Other ways to write an answer: umlauts, initials, spaces, scripts of Japanese, and pairs of spellings in the language files."""

from __future__ import annotations

import pytest

from lm_eval_illusion import matches
from lm_eval_illusion.matching.words.spellings import find_with_initials, find_with_other_spaces, spelling_forms


def test_umlauts_are_spelled_out_in_the_answer_only():
    assert list(spelling_forms("Übersee", "de")) == ["Uebersee"]
    assert matches("Muenchen", ["München"], "de")
    assert not matches("Göthe", ["Goethe"], "de")


def test_a_list_with_and_without_the_word_for_and_is_the_same_list():
    assert matches("red, yellow, and blue", ["red, yellow, blue"], "en")
    assert matches("red, yellow, blue", ["red, yellow and blue"], "en")
    assert matches("红、黄和蓝", ["红、黄、蓝"], "zh")
    assert matches("แดง เหลือง และน้ำเงิน", ["แดง เหลือง น้ำเงิน"], "th")
    assert not matches("red and blue", ["red, yellow, blue"], "en")


def test_old_characters_in_japanese_names_are_the_usual_ones():
    assert matches("澁澤榮一", ["渋沢栄一"], "ja")
    # another surname, not an old form of 佐藤
    assert not matches("佐東", ["佐藤"], "ja")


RIGHT = [
    ("en", "George W. Bush", "It was George Bush."),
    ("en", "George Bush", "George W. Bush"),
    ("en", "John F. Kennedy", "President John Kennedy"),
    ("en", "George H. W. Bush", "George Bush"),
    ("en", "J. R. R. Tolkien", "J R R Tolkien"),
    ("en", "J. R. R. Tolkien", "J.R.R. Tolkien"),
    ("ru", "Франклин Д. Рузвельт", "Франклин Рузвельт"),
    ("en", "US", "the U.S."),
    ("en", "U.S.", "It is the US."),
    ("en", "UK", "in the u.k."),
    ("en", "Johnson & Johnson", "Johnson and Johnson"),
    ("es", "Pull & Bear", "Pull and Bear"),
    ("es", "Simon y Garfunkel", "Simon & Garfunkel"),
    ("ko", "키릴 문자", "키릴문자입니다"),
    ("ko", "김치찌개", "김치 찌개예요"),
    ("fa", "بادام‌زمینی", "بادام زمینی"),
    ("ar", "عبد القادر", "عبدالقادر"),
    ("ja", "リンゴ", "りんごです"),
    ("ja", "りんご", "リンゴ"),
    ("ja", "ヴァイオリン", "バイオリンです"),
    ("ja", "コンピューター", "コンピュータ"),
    ("vi", "Quy Nhơn", "Qui Nhơn"),
    ("vi", "Mỹ", "nước Mĩ"),
    ("id", "Soekarno", "Sukarno"),
    ("pt", "António", "Antônio"),
    ("bn", "গ্রিস", "গ্রীস"),
    ("te", "హైదరాబాదు", "హైదరాబాద్"),
    ("th", "สหรัฐอเมริกา", "สหรัฐฯ"),
    ("zh", "法国", "在法國"),
    ("zh", "臺北", "台北"),
]
WRONG = [
    ("en", "George W. Bush", "George H. W. Bush"),
    ("en", "U.S.", "It is for us."),
    ("en", "US", "tell us"),
    ("en", "AT&T", "AT and T"),
    ("de", "Goethe", "Göthe"),
    ("ko", "인도", "인 도시"),
    ("ko", "사과", "사 과일"),
    ("ja", "ビル", "ビール"),
    ("bn", "দিন", "দীন"),
    ("zh", "后", "後天"),
]


@pytest.mark.parametrize(("lang", "answer", "output"), RIGHT)
def test_another_spelling_of_the_answer_counts(lang, answer, output):
    assert matches(output, [answer], lang)


@pytest.mark.parametrize(("lang", "answer", "output"), WRONG)
def test_a_similar_word_does_not_count(lang, answer, output):
    assert not matches(output, [answer], lang)


def test_places_of_a_name_with_an_initial():
    words = ("it", "was", "george", "w", "bush")
    assert list(find_with_initials("George Bush", ["george bush"], words)) == [(2, 5)]
    assert list(find_with_initials("george bush", ["george bush"], words)) == []
    assert list(find_with_initials("Bush", ["bush"], words)) == []


def test_places_of_words_with_other_spaces():
    assert list(find_with_other_spaces(["키릴 문자"], ("그", "키릴문자는"), "ko")) == [(1, 2)]
    assert list(find_with_other_spaces(["키릴문자"], ("그", "키릴", "문자"), "ko")) == [(1, 3)]
    # English spaces are fixed.
    assert list(find_with_other_spaces(["no where"], ("nowhere",), "en")) == []
