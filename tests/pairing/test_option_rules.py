"""What an answer costs as a distractor."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.option_rules import number_format


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("17 seconds", "340 miles", True),
        ("1939–1945", "1870–1939", True),
        ("1943", "39", False),
        ("1943", "1,943", False),
        ("63%", "17 seconds", False),
        ("2 м", "25 км", True),
        ("between 5 and 10", "5", False),
        ("四", "五个", True),
        ("17秒", "38份", True),
        ("১৯৭৫", "১৮৭০", True),
    ],
)
def test_formats_of_numbers(one, other, same):
    assert (number_format(one) == number_format(other)) is same
