"""Definitions that several subcommands share: the type of the subparsers, argument types, names of flags."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lm_eval_illusion.option_values import number_in, problem_of_name, shown, whole_number_in

if TYPE_CHECKING:
    from lm_eval_illusion.cli.parser import LineParser

    Subparsers: TypeAlias = argparse._SubParsersAction[LineParser]


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
    """Read a name. A blank one would stand for a default or for the current folder.

    Raises:
        argparse.ArgumentTypeError: The text is blank, has a NUL character or is too long.
    """
    if problem := problem_of_name(text):
        raise argparse.ArgumentTypeError(f"{shown(text)} {problem}: give a name, or leave the option out")
    return text


def path(text: str) -> Path:
    """Read a path. A blank one would be the current folder.

    Raises:
        argparse.ArgumentTypeError: As `name`.
    """
    if problem := problem_of_name(text):
        raise argparse.ArgumentTypeError(f"{shown(text)} {problem}: give a path")
    return Path(text)


def flag(argument: str) -> str:
    """Return the command-line flag of an argument: `mask_structure` -> `--mask-structure`."""
    return f"--{argument.replace('_', '-')}"
