"""What is tried again, and when."""

from __future__ import annotations

import pytest

from lm_eval_illusion.judging.retries import LONGEST_WAIT, asked_wait, is_tried_again, wait_before

NOW = 1_795_000_000.0
"""Wed, 18 Nov 2026 11:06:40 GMT."""


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_an_overloaded_endpoint_is_asked_again(status):
    assert is_tried_again(status)


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 405, 413, 422])
def test_a_wrong_request_is_not_repeated(status):
    assert not is_tried_again(status)


def test_the_wait_doubles_up_to_a_limit_and_half_of_it_is_chance():
    assert [wait_before(attempt, 1.0) for attempt in (1, 2, 3, 4, 5, 6, 7)] == [1, 2, 4, 8, 16, 32, LONGEST_WAIT]
    assert wait_before(3, 0.0) == 2.0
    assert wait_before(10_000, 1.0) == LONGEST_WAIT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("inf", 0.0),
        ("nan", 0.0),
        ("9" * 400, 0.0),
        ("Wed, 18 Nov 2026 11:06:50 GMT", 10.0),
        ("Wed, 18 Nov 2026 11:06:30 GMT", 0.0),
        ("Wed, 18 Nov 2026 11:06:50 -0000", 10.0),
        ("Wed, 99 Nov 2026 11:06:50 GMT", 0.0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(header, seconds):
    assert asked_wait(header, NOW) == seconds
