"""`lm-eval-illusion report`: recognition, production and recognition-only errors of runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "report",
        help="recognition, production and recognition-only errors of runs, against the dense model; exit code 3: a gate fails",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="DIR", help="what lm_eval wrote with --log_samples")
    parser.add_argument(
        "--out", type=Path, default=None, help="folder for report.html, report.json, report.md, figures and tables"
    )
    parser.add_argument(
        "--recognition",
        choices=["acc", "acc_norm", "letters"],
        default="acc",
        help="what counts as recognised: acc or acc_norm of the view mc, or the view mc_letters",
    )
    parser.add_argument(
        "--dense",
        metavar="BASE_MODEL",
        default=None,
        help="take every other model for a compressed variant of this one (of models that were pruned or quantised elsewhere)",
    )
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="MC_TASK=GEN_TASK[:METRIC[,FILTER]]",
        help="any two tasks or groups of lm_eval, joined document by document; may be given several times",
    )
    parser.add_argument(
        "--on", metavar="FIELD", default=None, help="of --pair: the document field to join on (default: doc_hash)"
    )
    parser.add_argument(
        "--noise",
        nargs=2,
        type=Path,
        metavar="RUN",
        default=None,
        help="two runs of the dense model: what flips between them is noise",
    )
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help="e.g. 'recognition_only_rate > 0.05 at wanda-0.6', 'vs_dense.induced_rate.low > 10%% in fi': exit code 3 where it holds",
    )
    parser.add_argument(
        "--format",
        choices=["table", "headline", "markdown", "csv", "json"],
        default="table",
        help="what to print: tables, the headline, the leaderboard as Markdown or CSV, or report.json (default: table)",
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Report what lm_eval wrote."""
    from lm_eval_illusion.report.command import ReportOptions, report_command

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
