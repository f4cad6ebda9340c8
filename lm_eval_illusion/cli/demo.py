"""`lm-eval-illusion demo`: evaluate the embedded model, dense and pruned, and report (offline)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import path
from lm_eval_illusion.option_values import shown, whole_number_in

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo", help="evaluate the embedded model, dense and pruned in four ways, and report (offline)"
    )
    parser.add_argument(
        "--out", type=path, default=Path("lm-eval-illusion-demo"), help="folder for runs, report and log (default: %(default)s)"
    )
    parser.add_argument(
        "--limit", type=_item_count, default=None, help="items per language, 1 to 200 (default: 15, about a minute)"
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Run the demo; return its exit code."""
    from lm_eval_illusion.demo import run_demo

    return run_demo(parsed.out, parsed.limit)


def _item_count(text: str) -> int:
    number = whole_number_in(text)
    if number is None or not 1 <= number <= 200:
        raise argparse.ArgumentTypeError(
            f"{shown(text)} is not a number from 1 to 200: the embedded set has 200 items per language"
        )
    return number
