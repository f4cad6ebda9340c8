"""Which answers are dates."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching.dates.answers import date_of
from lm_eval_illusion.matching.dates.date import Date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 March 2004", Date(2004, 3, 12)),
        ("March 2004", Date(2004, 3, None)),
        ("March 12", Date(None, 3, 12)),
        ("30 February 2004", None),  # there is no such day
        ("29 February 2003", None),
        ("29 February 2004", Date(2004, 2, 29)),
        ("12 March 2004 in Rome", None),  # more than a date
        ("12/3", None),  # a score or a fraction
        ("March", None),
        ("2004", None),
        ("44 BC", Date(-44, None, None)),
        ("", None),
    ],
)
def test_what_is_a_date(text, expected):
    assert date_of(text, "en") == expected
