"""Numbers as text."""

from __future__ import annotations

import pytest

from lm_eval_illusion.report.format import UNDEFINED, count


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, UNDEFINED),
        (0, "0"),
        (100, "100"),
        (3571, "3,571"),
        (2.0, "2"),  # a whole rank has no decimals
        (1.5, "1.5"),  # the rank of two tokens tied at the top
        (1.75, "1.75"),  # the median of the ranks 1.5 and 2
        (120.5, "120.5"),
    ],
)
def test_counts_and_ranks(value, text):
    assert count(value) == text
