"""What leads, by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion.views.metrics import has_one_highest, is_strictly_highest

NAN = float("nan")


@pytest.mark.parametrize(
    ("scores", "leader"),
    [([-1.0, -2.0], 0), ([-2.0, -1.0, -3.0], 1), ([-1.0, -1.0], None), ([-1.0, NAN], None), ([NAN, -1.0], None), ([], None)],
)
def test_one_leads_or_none(scores, leader):
    assert [place for place in range(len(scores)) if is_strictly_highest(scores, place)] == ([] if leader is None else [leader])
    assert has_one_highest(scores) is (leader is not None)
