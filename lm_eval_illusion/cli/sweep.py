"""`lm-eval-illusion sweep`: a grid of models, methods and sparsities, resumed where it stopped."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import flag, positive

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "sweep", help="a grid of models, methods and sparsities, resumed where it stopped; exit code 1: a cell failed"
    )
    parser.add_argument(
        "study", nargs="?", type=Path, default=None, metavar="STUDY.yaml", help="the grid; or give it by the flags"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a folder a cell, and the report; run it again to resume"
    )
    for name in ("pretrained", "pruner", "mask_structure", "calibration_language", "tasks"):
        parser.add_argument(flag(name), nargs="+", default=None, help="as in a study: one or several")
    parser.add_argument("--sparsity", nargs="+", type=float, default=None, help="the same")
    parser.add_argument("--pruning-seed", nargs="+", type=int, default=None, help="the same")
    parser.add_argument("--limit", type=positive, default=None, help="items a task (default: all)")
    parser.add_argument("--batch-size", type=positive, default=None, help="rows at once (default: 64)")
    parser.add_argument("--dry-run", action="store_true", help="list the cells and what is done")
    parser.add_argument("--retry-failed", action="store_true", help="run the cells again that failed before")
    parser.add_argument("--log-json", action="store_true", help="a JSON object a line in place of text")
    parser.add_argument(
        "--engine", choices=["local", "ray"], default="local", help="one cell after the other here (default), or tasks of Ray"
    )
    parser.add_argument("--address", default=None, help="of --engine ray: of a cluster (default: start one on this machine)")
    parser.add_argument("--cpus-per-cell", type=float, default=None, help="of --engine ray (default: 1)")
    parser.add_argument("--gpus-per-cell", type=float, default=None, help="the same (default: 1 where there are any)")
    parser.add_argument("--memory-per-cell", type=float, default=None, metavar="GIB", help="the same (default: not counted)")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Evaluate a grid of cells and report."""
    from lm_eval_illusion.sweep.command import SweepOptions, sweep_command
    from lm_eval_illusion.sweep.ray_resources import read_resources
    from lm_eval_illusion.sweep.study import Study, read_study

    flags = {name: value for name in Study.model_fields if (value := getattr(parsed, name, None)) is not None}
    study = read_study(parsed.study, flags)
    resources = read_resources(
        parsed.engine,
        address=parsed.address,
        cpus_per_cell=parsed.cpus_per_cell,
        gpus_per_cell=parsed.gpus_per_cell,
        memory_per_cell=parsed.memory_per_cell,
    )
    return sweep_command(study, parsed.out, SweepOptions(parsed.dry_run, parsed.retry_failed, parsed.log_json, resources))
