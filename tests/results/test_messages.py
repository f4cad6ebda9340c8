"""Values in messages: as they stand in the file, and cut."""

from __future__ import annotations

import pytest

from lm_eval_illusion.results.messages import join_truncated, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"x"'),
        ('a"b', '"a\\"b"'),
        (None, "null"),
        (True, "true"),
        (float("nan"), "NaN"),
        (0.5, "0.5"),
        ({"a": 1, "b": 2}, "an object of 2 fields"),
        ([1], "a list of 1"),
    ],
)
def test_a_value_as_in_json(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", ["x" * 10_000, 10**4_000, "\0" * 1_000])
def test_a_long_value_is_cut(value):
    assert len(shown(value)) <= 64


def test_names():
    assert join_truncated("abcde") == "a, b, c and 2 more"
    assert len(join_truncated(["x" * 10_000] * 5)) < 800
