"""The name of a river, a lake or an island without the word for what it is."""

from __future__ import annotations

import pytest

from lm_eval_illusion.languages.record import ClassWords, Language, Words
from lm_eval_illusion.matching.words import class_words


@pytest.fixture(autouse=True)
def _the_language(monkeypatch):
    record = Language(
        words=Words(articles=("the",), capitals_mark_names=True),
        class_words=ClassWords(
            before=("river", "isle", "isle of"), after=("river",), classifiers=("piece of",), kept=("yellow",)
        ),
    )
    monkeypatch.setattr(class_words, "language", lambda code: record)
    cached = (class_words.without_class_word, class_words._patterns, class_words._kept)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("River Nile", "Nile"),
        ("the Nile River", "Nile"),
        ("Isle of Skye", "Skye"),  # the longest class word
        ("river bank", None),  # in lower case no name remains
        ("Yellow River", None),  # a colour is no name
        ("Isle of Y", None),  # too short
        ("Rivera", None),
        ("Nile", None),
        ("river", None),
        ("piece of cake", "cake"),  # a classifier stands before a common noun
    ],
)
def test_the_name_without_its_class_word(answer, expected):
    assert class_words.without_class_word(answer, "en") == expected
