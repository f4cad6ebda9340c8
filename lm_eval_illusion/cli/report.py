"""`lm-eval-illusion report`: report recognition, production and recognition-only errors of runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import name, path
from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand. `report_command` checks the values of --recognition and --format: their lists need imports that are slow here."""
    parser = commands.add_parser(
        "report",
        help="report recognition, production and recognition-only errors of runs, against the dense model (exit code 3: a gate fails)",
    )
    parser.add_argument(
        "paths", nargs="+", type=path, metavar="DIR", help="folder that lm_eval wrote with --output_path and --log_samples"
    )
    parser.add_argument(
        "--out", type=path, default=None, help="folder for report.html, report.json, report.md, figures and tables"
    )
    parser.add_argument(
        "--recognition",
        type=name,
        metavar="METRIC",
        default=None,
        help="metric of recognition: acc or acc_norm of the view mc, letters: the view mc_letters, or recognised_by_letter: the view"
        " mc_letters_generated, of servers without scores (default: acc; where no run has scores, recognised_by_letter)",
    )
    parser.add_argument(
        "--dense",
        type=name,
        metavar="BASE_MODEL",
        default=None,
        help="treat every other model as a compressed variant of this one (for models that were compressed elsewhere)",
    )
    parser.add_argument(
        "--pair",
        type=name,
        action="append",
        default=[],
        metavar="MC_TASK=GEN_TASK[:METRIC[,FILTER]]",
        help="join any two tasks or groups of lm_eval document by document; may be given several times",
    )
    parser.add_argument(
        "--on", type=name, metavar="FIELD", default=None, help="for --pair: the document field to join on (default: doc_hash)"
    )
    parser.add_argument(
        "--noise",
        nargs=2,
        type=path,
        metavar="RUN",
        default=None,
        help="two runs of the dense model; answers that differ between them are noise",
    )
    parser.add_argument(
        "--fail-if",
        type=name,
        action="append",
        default=[],
        metavar="CONDITION",
        help="e.g. 'recognition_only_rate > 0.05 at wanda-0.6', 'vs_dense.induced_rate.low > 10%% in fi': exit code 3 if it holds",
    )
    parser.add_argument(
        "--format",
        type=name,
        metavar="FORMAT",
        default="table",
        help="what to print: table (tables), headline, the leaderboard as markdown or csv, or json (report.json) (default: %(default)s)",
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Print and write the report; return the exit code."""
    from lm_eval_illusion.report.command import ReportOptions, report_command

    if parsed.on is not None and not parsed.pair:
        raise UserError(f"--on {parsed.on} needs --pair, whose documents it joins: give both or neither")
    options = ReportOptions(
        recognition=parsed.recognition,
        dense=parsed.dense,
        pairs=tuple(parsed.pair),
        on=parsed.on,
        noise=tuple(parsed.noise) if parsed.noise else None,
        fail_if=tuple(parsed.fail_if),
        format=parsed.format,
    )
    return report_command(parsed.paths, parsed.out, options)
