"""`lm-eval-illusion pair`: make a task folder from questions and their answers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import name, path, whole_number
from lm_eval_illusion.option_values import LARGEST_LIMIT, LARGEST_SEED

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("pair", help="make a task folder for lm_eval --include_path from questions and answers")
    parser.add_argument(
        "items",
        type=path,
        metavar="ITEMS.jsonl",
        help="fields: id, lang, question, answer; optional: context, aliases, answer_type, topic, choices, gold",
    )
    parser.add_argument("--name", type=name, required=True, help="name of the family: lm_eval --tasks NAME")
    parser.add_argument(
        "--words",
        action="append",
        default=[],
        metavar="NAME=WORD,...",
        help="prompt words of a language: question, answer, context, options, colon, and lang=CODE if there are several; repeatable",
    )
    parser.add_argument("--out", type=path, required=True, metavar="DIR", help="folder to create")
    parser.add_argument(
        "--seed",
        type=whole_number(0, LARGEST_SEED, example=1),
        default=0,
        help=f"seed for wrong options and positions of the answers, 0 to {LARGEST_SEED:,} (default: %(default)s)",
    )
    parser.add_argument(
        "--limit",
        type=whole_number(1, LARGEST_LIMIT, example=50),
        default=None,
        help=f"largest number of items per language, 1 to {LARGEST_LIMIT:,} (default: all)",
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Make the task folder; return the exit code."""
    from lm_eval_illusion.pairing.task_folder import pair_command

    return pair_command(parsed.items, parsed.name, parsed.out, parsed.seed, parsed.limit, tuple(parsed.words))
