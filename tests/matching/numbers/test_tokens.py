"""The tokens in which dates and quantities are read."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.numbers.tokens import phrase_table, tokens_of, words_of


@pytest.mark.parametrize(
    ("lang", "text", "words"),
    [
        ("en", "on the 12th of the March", ("on", "the", "12", "of", "the", "march")),
        ("zh", "2004年3月12日", ("2004", "年", "3", "月", "12", "日")),
        ("ja", "3.5kgです", ("3٫5", "kg", "で", "す")),
        ("en", "5 m² or $10", ("5", "m", "2", "or", "$", "10")),
    ],
)
def test_tokens_by_hand(lang, text, words):
    assert tokens_of(text, lang).words == words


def test_places_in_the_text_as_written():
    tokens = tokens_of("それは3.5kgです", "ja")
    number = tokens.numbers[3]
    assert (number.value, number.after) == (Decimal("3.5"), 4)
    assert tokens.span(3, 5) == (3, 8)
    assert tokens_of("1868/1/3", "ja").span(1, 2) == (5, 6)


def test_the_longest_phrase_counts_with_a_prefix_or_a_particle():
    phrases = phrase_table([("km", 1), ("km h", 2)], "en")
    assert phrases.at(("5", "km", "h"), 1) == (2, 3)
    assert phrases.at(("5", "km"), 1) == (1, 2)
    assert phrases.at(("5", "km"), 0) is None
    assert phrase_table([("מרץ", 3)], "he").at(words_of("במרץ", "he"), 0) == (3, 1)
    assert phrase_table([("킬로그램", 3)], "ko").at(("킬로그램이다",), 0) == (3, 1)


texts = st.text(max_size=12) | st.text(alphabet="12 0.-/'%€$²年月日kmgT三MayBC до", max_size=16)


@given(texts, texts, st.sampled_from(sorted(embedded_languages())))
def test_no_text_is_an_error_and_the_place_is_within_it(output, answer, lang):
    found = explain(output, [answer, "12 March 2004", "3 kg", "10 €", "44 BC", "1990s", "2004年3月12日"], lang)
    assert found.span is None or 0 <= found.span[0] <= found.span[1] <= len(output)
