"""How good the options are: figures counted by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.summary import option_quality as module
from lm_eval_illusion.pairing.summary.option_quality import option_quality
from tests.pairing.summary.test_surface_rules import item


def test_shares_and_the_median_ratio_are_counted_over_the_wrong_options():
    items = [
        # Ratios to the answer "abcd": 2, 4, 2. In the passage: "ab", "a".
        {**item(["ab", "abcd", "a", "abcdefgh"], gold=1, context="ab cd"), "id": "1"},
        # Ratios to "ab": 1, 1, 1.5.
        {**item(["ab", "cd", "ef", "ghi"]), "id": "2"},
    ]
    found = option_quality({"en": items}, {"en": frozenset({"2"})})["en"]
    assert (found.items, found.tried, found.asked_alike) == (2, 2, 0.5)
    assert found.length_ratio == pytest.approx((1.5 + 2) / 2)
    assert found.in_passage == pytest.approx(2 / 3)
    # The answer is the longest in no item, and the shortest in a third of the second.
    assert (found.rules["longest"].hits, found.rules["shortest"].hits) == (0, pytest.approx(1 / 3))


def test_what_is_not_known_is_none():
    found = option_quality({"en": [item(["a", "b", "c", "d"])], "fi": []}, {})
    assert list(found) == ["en"]
    assert (found["en"].asked_alike, found["en"].in_passage) == (None, None)


def test_of_many_items_the_first_are_tried_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(module, "MOST_TRIED", 3)
    items = [{**item(["abc", "de", "fg", "hi"]), "id": str(number)} for number in range(5)]
    found = option_quality({"en": items}, {"en": frozenset("4")})["en"]
    assert (found.items, found.tried, found.rules["longest"].items) == (5, 3, 3)
    assert found.asked_alike == pytest.approx(0.8)
