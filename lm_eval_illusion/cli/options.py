"""Definitions that several subcommands share: the type of the subparsers, argument types, names of flags."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def parse_positive(text: str) -> int:
    """Read a whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: The text is something else.
    """
    if parse_whole_number(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1: give one, e.g. 50")
    return parse_whole_number(text)


def parse_whole_number(text: str) -> int:
    """Read a whole number of at most nine digits; return 0 for anything else ("²" passes `isdigit`, but not `isdecimal`)."""
    return int(text) if text.isdecimal() and len(text) <= 9 else 0


def flag(name: str) -> str:
    """Return the command-line flag of an argument: `mask_structure` -> `--mask-structure`."""
    return f"--{name.replace('_', '-')}"
