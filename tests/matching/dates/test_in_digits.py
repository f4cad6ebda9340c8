"""Dates in digits, judged by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import matches


@pytest.mark.parametrize(
    ("lang", "answer", "right", "wrong"),
    [
        ("de", "12.03.2004", "12. März 2004", "3. Dezember 2004"),  # the day is first in German
        ("ru", "12.03.2004", "12 марта 2004 года", "12 мая 2004 года"),
        ("fr", "03/12/2004", "3 décembre 2004", "12 mars 2004"),
        ("ja", "2004/03/12", "2004年3月12日", "2004年12月3日"),
        ("vi", "2/9/1945", "ngày 2 tháng 9 năm 1945", "ngày 9 tháng 2 năm 1945"),
        ("en", "3/13/2004", "March 13, 2004", "3 January 2004"),  # there is no 13th month
        ("en", "3/12/2004", "3/12/2004", "March 12, 2004"),  # the order is unknown
        ("fa", "۲۲ بهمن ۱۳۵۷", "۱۳۵۷/۱۱/۲۲", "۱۳۵۷/۲/۲۲"),  # Bahman is the eleventh month
        ("en", "12 March 2004", "3/12/2004 or so", "March 2004"),
    ],
)
def test_dates_in_digits(lang, answer, right, wrong):
    assert matches(right, [answer], lang)
    assert not matches(wrong, [answer], lang)
