"""Whole numbers, numbers and names as users give them: each has one spelling and a range."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import number_in, read_name, read_whole_number, shown, whole_number_in

# Python's int() takes most of these texts; none is how a person writes a number on purpose.
NOT_WHOLE = ["", " 5 ", "+5", "1_000", "²", "１２", "٣", "0x10", "1e3", "5.0", "nan", "True", True, None, 5.0, [5], {}, b"5"]


@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
def test_what_is_no_whole_number(value):
    assert whole_number_in(value) is None
    with pytest.raises(UserError, match=r"^n .* is not a whole number: give a whole number from 1 to 9$"):
        read_whole_number("n", value, 1, 9)


@pytest.mark.parametrize(("value", "number"), [("5", 5), (5, 5), (np.int64(5), 5), ("007", 7), ("-5", -5), ("-0", 0)])
def test_whole_numbers(value, number):
    assert whole_number_in(value) == number


@pytest.mark.parametrize(
    ("value", "problem"), [(0, "small"), ("-3", "small"), (10, "large"), (10**30, "large"), ("9" * 5000, "large")]
)
def test_a_number_out_of_range_is_refused_at_once(value, problem):
    # Python's int() raises for a text of 5,000 digits, and its repr() for the number.
    with pytest.raises(UserError, match=f"is too {problem}: give a whole number from 1 to 9") as caught:
        read_whole_number("n", value, 1, 9)
    assert len(str(caught.value)) < 150


def test_a_whole_number_of_5000_digits_from_python_is_too_large():
    with pytest.raises(UserError, match="too large"):
        read_whole_number("n", 10**5000, 1, 9)


@pytest.mark.parametrize(
    ("value", "number"), [("0.5", 0.5), (".5", 0.5), ("5e-1", 0.5), (0.5, 0.5), (1, 1.0), (np.float32(0.5), 0.5)]
)
def test_numbers(value, number):
    assert number_in(value) == number


def test_numbers_that_no_range_has():
    assert number_in("1e400") == math.inf
    assert number_in(10**400) == math.inf
    assert number_in("-inf") == -math.inf
    assert math.isnan(number_in("nan"))
    # -0 would be part of a name: wanda--0.
    assert math.copysign(1, number_in("-0.0")) == 1


@pytest.mark.parametrize("value", ["", " 5", "+5", "1_0", "²", "１", "0x1", "1e", "infinity", True, None, [1], "1" + "e9" * 2])
def test_what_is_no_number(value):
    assert number_in(value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [("", "blank"), (" \t", "blank"), ("a\0", "NUL"), ("x" * 5000, "longer"), (None, "not a text"), ("x/" * 300, "folders")],
)
def test_what_is_no_name(value, problem):
    with pytest.raises(UserError, match=problem) as caught:
        read_name("--out", value)
    assert len(str(caught.value)) < 250
    assert read_name("--out", "a b") == "a b"


def test_a_long_value_is_cut_in_messages():
    assert len(shown("x" * 10**6)) < 100
    assert len(shown(["x"] * 10**5)) < 100
    assert shown("a\nb") == r"'a\nb'"
