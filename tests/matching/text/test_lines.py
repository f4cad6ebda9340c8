"""A line as written, its normal form, and the places that belong together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.lines import line_of, units, without_spaces

LANGS = st.sampled_from(sorted(embedded_languages()))
# Letters that change under normalisation, marks, numbers, signs and any other character.
TEXTS = st.text(st.sampled_from("aAßİıΣς é\u0301ำก東한ا٣12.,'’-–%€½ \u200b"), max_size=30) | st.text(max_size=20)


def written(text, lang, first, after, keeps_articles=False):
    start, end = line_of(text, lang, keeps_articles).span(first, after)
    return text[start:end]


@pytest.mark.parametrize(
    ("lang", "text", "word", "place"),
    [
        ("en", "It is Oslo.", "oslo", "Oslo"),
        # an article has no word of the normal form
        ("en", "In the Hague", "hague", "Hague"),
        # one word of the normal form from several units
        ("en", "about 1,234 people", "1234", "1,234"),
        ("en", "minus -5 degrees", "−5", "-5"),
        # letters that become longer or shorter
        ("de", "die Große Straße", "strasse", "Straße"),
        ("en", "the e\u0301clair", "eclair", "e\u0301clair"),
        ("fr", "l’Egypte antique", "egypte", "Egypte"),
        ("tr", "İzmir'de kaldı", "izmir", "İzmir"),
    ],
)
def test_span_of_a_word(lang, text, word, place):
    words = line_of(text, lang).words
    assert written(text, lang, words.index(word), words.index(word) + 1) == place


def test_span_of_several_words():
    assert written("the Red (and White) Sea", "en", 0, 3) == "Red (and White"


def test_signs_and_articles_between_words_have_no_place():
    assert written("The Sea; the (old) Sea.", "en", 0, 1) == "Sea"
    assert written("The Sea; the (old) Sea.", "en", 1, 3) == "old) Sea"
    # Only the leading article is removed here; the other one is a word.
    line = line_of("The Sea; the (old) Sea.", "en", keeps_articles=True)
    assert line.words == ("sea", "the", "old", "sea")
    assert [line.text[slice(*line.span(at, at + 1))] for at in range(4)] == ["Sea", "the", "old", "Sea"]


def test_a_clause_has_its_place_in_the_line():
    clause = line_of("不,是 New York 還有50%。", "zh").clauses[1]
    assert clause.normal == "是new york还有50%"
    assert [clause.line[slice(*clause.span(*place))] for place in ((1, 9), (9, 10), (11, 14))] == ["New York", "還", "50%"]


def test_clauses_of_a_line_without_word_spaces():
    line = line_of("是北京，不是上海3,000人", "zh")
    # The comma between digits belongs to the number.
    assert [clause.normal for clause in line.clauses] == ["是北京", "不是上海3000人"]
    start, end = line.clauses[1].span(2, 4)
    assert line.text[start:end] == "上海"
    assert line.whole.normal == "是北京不是上海3000人"


def test_units():
    found = units("Don’t go, Ann!", "en")
    assert [unit.text for unit in found] == ["don", "'", "t", "go", ",", "ann", "!"]
    assert [unit.is_word for unit in found] == [True, False, True, True, False, True, False]
    assert [unit.is_capital for unit in found if unit.is_word] == [True, False, False, True]
    # Where no spaces separate words, each letter is a unit; letters of another script form words.
    assert [unit.text for unit in units("東京のTokyo駅", "ja")] == ["東", "京", "の", "tokyo", "駅"]


def test_without_spaces():
    assert without_spaces("東 京 new york 駅") == "東京new york駅"


@given(TEXTS, LANGS)
def test_units_are_in_order_and_hold_all_visible_characters(text, lang):
    found = units(text, lang)
    assert all(unit.start < unit.end for unit in found)
    assert all(left.end <= right.start for left, right in pairwise(found))
    between = "".join(text[left.end : right.start] for left, right in pairwise(found))
    assert not any(character.isalnum() for character in between)


@given(TEXTS, LANGS)
def test_every_word_has_a_place_and_the_places_are_in_order(text, lang):
    line = line_of(text, lang)
    if not language(lang).words.spaces:
        clauses = [(clause, clause.span(at, at + 1)) for clause in line.clauses for at in range(len(clause.normal))]
        assert all(clause.start <= start <= end <= clause.end for clause, (start, end) in clauses)
        return
    places = [line.span(at, at + 1) for at in range(len(line.words))]
    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert places == sorted(places)
