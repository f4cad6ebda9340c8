"""Definitions that several subcommands share: the type of the subparsers, argument types, names of flags."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from lm_eval_illusion.option_values import number_in, shown, whole_number_in

if TYPE_CHECKING:
    Subparsers: TypeAlias = argparse._SubParsersAction[Any]


def whole_number(least: int, most: int, example: int) -> Callable[[str], int]:
    """Return an argument type: a whole number from `least` to `most`, in ASCII digits. `example` stands in the error message.

    The function raises argparse.ArgumentTypeError for anything else.
    """

    def read(text: str) -> int:
        number = whole_number_in(text)
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"{shown(text)} is not a whole number of at least {least} and at most {most:,}: give one, e.g. {example}"
            )
        return number

    return read


def number(text: str) -> float:
    """Read a number; it may be infinite or NaN, and its range is checked with its meaning.

    Raises:
        argparse.ArgumentTypeError: The text is no number.
    """
    value = number_in(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a number: give one, e.g. 0.5")
    return value


def name(text: str) -> str:
    """Mark an argument as a name, which `LineParser` checks: a blank one would stand for a default or for the current folder."""
    return text


def path(text: str) -> str:
    """Mark an argument as a path, which `LineParser` checks and turns into a `Path`: a blank one would be the current folder."""
    return text


def flag(argument: str) -> str:
    """Return the command-line flag of an argument: `mask_structure` -> `--mask-structure`."""
    return f"--{argument.replace('_', '-')}"
