"""`lm-eval-illusion rescore`: judge the stored answers of runs by the matching rules of today, without a model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import path

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "rescore",
        help="judge the stored answers of runs by the matching rules of this version, without a model; the files of the runs stay",
    )
    parser.add_argument(
        "paths", nargs="+", type=path, metavar="DIR", help="folder that lm_eval wrote with --output_path and --log_samples"
    )
    parser.add_argument(
        "--out",
        type=path,
        default=None,
        metavar="FOLDER",
        help="folder for the new files (default: beside the files of each run)",
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Judge the answers; return the exit code."""
    from lm_eval_illusion.rescoring.command import rescore_command

    return rescore_command(parsed.paths, parsed.out)
