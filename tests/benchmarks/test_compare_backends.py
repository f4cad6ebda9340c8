"""Stock `hf` and `pruned-hf` on the real model, a few items of two tasks; and that a difference is found."""

from __future__ import annotations

import pytest

from benchmarks.compare_backends import COMPARED, Difference, _difference, differences
from lm_eval_illusion.views import VIEWS


@pytest.mark.real_model
def test_both_backends_agree_on_the_real_model(smollm2):
    # With the chat template: turns, late answers, and 64 tokens of stock `hf` after them. The benchmark takes all views and 60 items.
    found = differences(str(smollm2), 2, "en", [True], ["twin", "oneshot"], batch_size=2)
    assert [(difference.task, difference.items) for difference in found] == [
        ("mqa_illusion_en_twin", 2),
        ("mqa_illusion_en_oneshot", 2),
    ]
    assert all(difference.is_small for difference in found), "\n".join(map(str, found))


def test_a_difference_is_found():
    first = [{"filtered_resps": [(-1.0, False), "Paris"]}, {"filtered_resps": [(-2.0, False), "Rome"]}]
    second = [{"filtered_resps": [(-1.0, False), "Paris"]}, {"filtered_resps": [(-2.002, False), "Rome"]}]
    assert _difference("t", False, first, first).is_small
    found = _difference("t", False, first, second)
    assert found.score == pytest.approx(0.002)
    assert not found.is_small
    assert not Difference("t", True, 1, 0.0, [("a", "b")]).is_small


def test_every_view_with_one_output_is_compared():
    assert set(COMPARED) == {"twin"} | {view.name for view in VIEWS if view.repeats == 1} - {"mc", "gen"}
