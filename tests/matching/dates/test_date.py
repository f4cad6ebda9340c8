"""Which date says another one."""

from __future__ import annotations

from lm_eval_illusion.matching.dates.date import Date, agrees


def test_a_date_that_says_more_agrees_and_one_that_says_less_does_not():
    assert agrees(Date(2004, 3, 12), Date(2004, 3, None))
    assert not agrees(Date(2004, 3, None), Date(2004, 3, 12))
    assert not agrees(Date(1357, 11, 22, 1), Date(1357, 11, 22))
