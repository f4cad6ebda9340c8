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
        type=name,
        metavar="ITEMS",
        help="JSONL, a JSON array, CSV or TSV with a header, SQuAD, or Parquet; a folder with one of these for each language; or"
        " hub:NAME[:CONFIG[:SPLIT]]. Fields: question, answer; optional: id, lang, context, aliases, answer_type, topic, choices, gold",
    )
    parser.add_argument("--name", type=name, required=True, help="name of the family: lm_eval --tasks NAME")
    parser.add_argument("--lang", type=name, default="", metavar="CODE", help="language of the rows that state none, e.g. fi")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="the column of a field, e.g. question=Frage, answer=meta.gold, choices=A,B,C,D; repeatable; without a column: not used",
    )
    parser.add_argument(
        "--words",
        action="append",
        default=[],
        metavar="NAME=WORD,...",
        help="prompt words of a language: question, answer, context, options, colon, and lang=CODE if there are several; repeatable",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="drop items with an option that is asked otherwise; an error if any row can't be used (default: up to 5 %% are dropped)",
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
    from lm_eval_illusion.pairing.reading.question_file import ReadingOptions
    from lm_eval_illusion.pairing.task_folder import pair_command

    options = ReadingOptions(parsed.lang, tuple(parsed.map), parsed.strict, tuple(parsed.words))
    return pair_command(parsed.items, parsed.name, parsed.out, parsed.seed, parsed.limit, options)
