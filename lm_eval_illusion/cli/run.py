"""`lm-eval-illusion run`: run lm_eval with our models and tasks registered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand to the help; `main` calls `run_lm_eval` before argparse sees the arguments."""
    commands.add_parser("run", help="run lm_eval with our models and tasks; takes the arguments of lm_eval")


def run_lm_eval(arguments: list[str]) -> int:
    """Run `lm_eval run` with these arguments."""
    from lm_eval.__main__ import cli_evaluate

    from lm_eval_illusion.models.command_checks import read_named
    from lm_eval_illusion.plugin import index_ours_first, register

    register()
    index_ours_first(read_named(arguments).tasks)
    sys.argv = ["lm_eval", "run", *(arguments or ["--help"])]
    cli_evaluate()
    return 0
