"""`lm-eval-illusion pair`: any questions with right answers become a task folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import positive

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("pair", help="any questions with right answers -> a task folder for lm_eval --include_path")
    parser.add_argument(
        "items", type=Path, metavar="ITEMS.jsonl", help="id, lang, question, answer [context, aliases, choices, gold]"
    )
    parser.add_argument("--name", required=True, help="what the family is called: lm_eval --tasks NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--seed", type=int, default=0, help="of distractors and positions of the answers (default: 0)")
    parser.add_argument("--limit", type=positive, default=None, help="items a language at most (default: all)")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Make a task folder of questions."""
    from lm_eval_illusion.pairing.task_folder import pair_command

    return pair_command(parsed.items, parsed.name, parsed.out, parsed.seed, parsed.limit)
