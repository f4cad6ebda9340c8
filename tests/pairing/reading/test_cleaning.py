"""HTML entities and tags in texts."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.reading.cleaning import cleaned
from lm_eval_illusion.pairing.reading.notices import Notices


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("the king&#39;s &quot;son&quot;", 'the king\'s "son"'),
        ("a&nbsp;b", "a b"),
        ("3 &lt; 4 &#x2264; 5", "3 < 4 ≤ 5"),
        ("caf&eacute;", "café"),
        # Escaped twice.
        ("the king&amp;#39;s", "the king's"),
        # No entities: no semicolon, or no such name.
        ("AT&T", "AT&T"),
        ("AT&T; R&D; &amp", "AT&T; R&D; &amp"),
        ("a & b; c", "a & b; c"),
    ],
)
def test_entities_become_characters(text, expected):
    notices = Notices()
    assert cleaned(text, "answer", "file:1", notices) == expected
    assert len(notices.lines()) == (text != expected)


def test_the_notice_names_the_first_entity_and_counts_rows():
    notices = Notices()
    for line in (1, 1, 2, 3):
        cleaned("R&D &amp; &lt;", "question", f"file:{line}", notices)
    assert notices.lines() == ["wrote HTML entities such as &amp; in the question as characters: 3 rows, the first at file:1"]


@pytest.mark.parametrize(
    ("text", "is_noted"), [("H<sub>2</sub>O", True), ("<br/>", True), ("a < b > c", False), ("<unk> x", False)]
)
def test_tags_stay_and_are_noted(text, is_noted):
    notices = Notices()
    assert cleaned(text, "answer", "file:1", notices) == text
    assert bool(notices.lines()) == is_noted
