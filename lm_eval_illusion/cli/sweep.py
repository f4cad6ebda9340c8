"""`lm-eval-illusion sweep`: evaluate a grid of models, methods and sparsities; the same command resumes it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import flag, parse_positive

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "sweep",
        help="evaluate a grid of models, methods and sparsities; the same command resumes it (exit code 1: a cell failed)",
    )
    parser.add_argument(
        "study", nargs="?", type=Path, default=None, metavar="STUDY.yaml", help="the grid as a file; flags replace its keys"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the cells and the report")
    for name in ("pretrained", "pruner", "mask_structure", "calibration_language", "tasks"):
        parser.add_argument(flag(name), nargs="+", default=None, help=f"one or several values of {name}")
    parser.add_argument("--sparsity", nargs="+", type=float, default=None, help="one or several sparsities")
    parser.add_argument("--pruning-seed", nargs="+", type=int, default=None, help="one or several seeds")
    parser.add_argument("--limit", type=parse_positive, default=None, help="number of items per task (default: all)")
    parser.add_argument("--batch-size", type=parse_positive, default=None, help="rows per batch (default: 64)")
    parser.add_argument("--dry-run", action="store_true", help="only list the cells and their states")
    parser.add_argument("--retry-failed", action="store_true", help="run failed cells again")
    parser.add_argument("--log-json", action="store_true", help="print one JSON object per cell instead of text")
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="run the cells one after the other on this machine (default), or as tasks of Ray",
    )
    parser.add_argument(
        "--address", default=None, help="for --engine ray: address of a cluster (default: start Ray on this machine)"
    )
    parser.add_argument("--cpus-per-cell", type=float, default=None, help="for --engine ray: processors per cell (default: 1)")
    parser.add_argument(
        "--gpus-per-cell", type=float, default=None, help="for --engine ray: GPUs per cell (default: 1 if there are any)"
    )
    parser.add_argument(
        "--memory-per-cell",
        type=float,
        default=None,
        metavar="GIB",
        help="for --engine ray: memory per cell in GiB (default: not reserved)",
    )
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
