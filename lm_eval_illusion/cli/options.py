"""What several subcommands share: the type of their subparsers and of their numbers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def positive(text: str) -> int:
    """Read a whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    if whole(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on: give how many items a language to keep")
    return whole(text)


def whole(text: str) -> int:
    """Read a whole number of at most nine digits; return 0 for anything else ("²" passes `isdigit`, but not `isdecimal`)."""
    return int(text) if text.isdecimal() and len(text) <= 9 else 0


def flag(name: str) -> str:
    """Return the command-line flag of an argument: `mask_structure` -> `--mask-structure`."""
    return f"--{name.replace('_', '-')}"
