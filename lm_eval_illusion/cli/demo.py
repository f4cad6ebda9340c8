"""`lm-eval-illusion demo`: the embedded model, dense and pruned, and the report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import whole

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("demo", help="the embedded model, dense and pruned four ways, and the report (offline)")
    parser.add_argument("--out", type=Path, default=Path("lm-eval-illusion-demo"), help="folder to write into")
    parser.add_argument("--limit", type=_item_count, default=None, help="items a language (default: fits 4 minutes)")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Evaluate the embedded model dense and pruned, then report."""
    from lm_eval_illusion.demo import run_demo

    run_demo(parsed.out, parsed.limit)
    return 0


def _item_count(text: str) -> int:
    if not 1 <= whole(text) <= 200:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 200: the embedded set has 200 items a language")
    return whole(text)
