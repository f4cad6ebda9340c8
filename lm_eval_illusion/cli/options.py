"""Definitions that several subcommands share: the type of the subparsers, argument types, names of flags."""

from __future__ import annotations

import argparse
import math
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


def entry(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE: the key, and the value as a number or as true or false where it looks like one, else as text. lm_eval does so, too.

    Raises:
        argparse.ArgumentTypeError: There is no key or no value.
    """
    key, _, value = text.partition("=")
    if not key.strip() or not value.strip():
        raise argparse.ArgumentTypeError(f"{shown(text)} is not KEY=VALUE: give e.g. dtype=float32")
    if value.lower() in ("true", "false"):
        return key, value.lower() == "true"
    whole, decimal = whole_number_in(value), number_in(value)
    if str(whole) == value:
        return key, whole
    return key, decimal if whole is None and decimal is not None and math.isfinite(decimal) else value


def name(text: str) -> str:
    """Mark an argument as a name, which `LineParser` checks: a blank one would stand for a default or for the current folder."""
    return text


def path(text: str) -> str:
    """Mark an argument as a path, which `LineParser` checks and turns into a `Path`: a blank one would be the current folder."""
    return text


def flag(argument: str) -> str:
    """Return the command-line flag of an argument: `mask_structure` -> `--mask-structure`."""
    return f"--{argument.replace('_', '-')}"
