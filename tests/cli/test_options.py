"""KEY=VALUE on a command line: numbers and switches as lm_eval reads them, and nothing changes its value."""

from __future__ import annotations

import argparse

import pytest

from lm_eval_illusion.cli.options import entry


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", 1),
        ("a=-3", -3),
        ("a=0.5", 0.5),
        ("a=1e-3", 0.001),
        ("a=true", True),
        ("a=False", False),
        ("a=b=c", "b=c"),
        ("a=texts/my.txt", "texts/my.txt"),
        ("a=1_0", "1_0"),
        # Neither a number that another spelling would replace, nor one that no number holds.
        ("a=007", "007"),
        ("a=" + "9" * 40, "9" * 40),
        ("a=inf", "inf"),
        ("a=nan", "nan"),
    ],
)
def test_a_value_is_what_it_looks_like(text, value):
    key, read = entry(text)
    assert key == "a"
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", ["a", "a=", "=1", " =1", "a= ", ""])
def test_an_entry_without_key_or_value_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not KEY=VALUE: give e\.g\. dtype=float32"):
        entry(text)
