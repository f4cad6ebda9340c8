"""`lm-eval-illusion sweep`: evaluate a grid of models, methods and sparsities; the same command resumes it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.cli.options import entry, flag, name, number, path, whole_number
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import LARGEST_BATCH, LARGEST_LIMIT, LARGEST_SEED, shown

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "sweep",
        help="evaluate a grid of models, methods and sparsities; the same command resumes it (exit code 1: a cell failed)",
    )
    parser.add_argument(
        "study",
        nargs="?",
        type=path,
        default=None,
        metavar="STUDY",
        help="the grid: a YAML file, or the name of a packaged study (paper); flags replace its keys",
    )
    parser.add_argument("--out", type=path, required=True, metavar="DIR", help="folder for the cells and the report")
    for axis in ("pretrained", "pruner", "mask_structure", "calibration_language", "tasks"):
        parser.add_argument(flag(axis), nargs="+", type=name, default=None, help=f"one or several values of {axis}")
    parser.add_argument(
        "--sparsity", nargs="+", type=number, default=None, help="one or several sparsities, from 0 on, below 1"
    )
    parser.add_argument(
        "--pruning-seed",
        nargs="+",
        type=whole_number(0, LARGEST_SEED, example=1),
        default=None,
        help=f"one or several seeds, 0 to {LARGEST_SEED:,}",
    )
    parser.add_argument(
        "--limit",
        type=whole_number(1, LARGEST_LIMIT, example=50),
        default=None,
        help=f"number of items per task, 1 to {LARGEST_LIMIT:,} (default: all)",
    )
    parser.add_argument(
        "--batch-size",
        type=whole_number(1, LARGEST_BATCH, example=64),
        default=None,
        help=f"rows per batch, 1 to {LARGEST_BATCH:,} (default: 64)",
    )
    parser.add_argument(
        "--apply_chat_template",
        flag("apply_chat_template"),
        action=argparse.BooleanOptionalAction,
        default=None,
        help="prompts are turns in the chat template of the model's tokenizer: for models that were trained to chat",
    )
    for mapping, what, example in (
        ("model_args", "arguments of pruned-hf for all cells", "calibration=my.txt dtype=float32"),
        ("metadata", "lm_eval's metadata", "items=my.jsonl"),
    ):
        parser.add_argument(
            *dict.fromkeys((flag(mapping), f"--{mapping}")),
            nargs="+",
            type=entry,
            default=None,
            metavar="KEY=VALUE",
            help=f"{what}, e.g. {example}; they replace single entries of the study",
        )
    parser.add_argument(
        "--dry-run", action="store_true", help="only list the cells, and what they would download, store and cost"
    )
    parser.add_argument("--retry-failed", action="store_true", help="run failed cells again")
    parser.add_argument("--log-json", action="store_true", help="print one JSON object per cell instead of text")
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="run the cells one after the other on this machine (default), or as tasks of Ray",
    )
    parser.add_argument(
        "--address", type=name, default=None, help="for --engine ray: address of a cluster (default: start Ray on this machine)"
    )
    parser.add_argument(
        "--cpus-per-cell", type=number, default=None, help="for --engine ray: processors per cell, below 1,048,576 (default: 1)"
    )
    parser.add_argument(
        "--gpus-per-cell",
        type=number,
        default=None,
        help="for --engine ray: GPUs per cell, a share of one or a whole number (default: 1 if there are any)",
    )
    parser.add_argument(
        "--memory-per-cell",
        type=number,
        default=None,
        metavar="GIB",
        help="for --engine ray: memory per cell in GiB, below 1,048,576 (default: not reserved)",
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Evaluate a grid of cells and report."""
    from lm_eval_illusion.sweep.command import SweepOptions, sweep_command
    from lm_eval_illusion.sweep.packaged_studies import study_file
    from lm_eval_illusion.sweep.ray_resources import read_resources
    from lm_eval_illusion.sweep.study import ENTRYWISE, CellAxes, Study, read_study

    flags = {key: value for key in Study.model_fields if (value := getattr(parsed, key, None)) is not None}
    for mapping in ENTRYWISE:
        if mapping in flags:
            flags[mapping] = _as_mapping(flags[mapping], flag(mapping))
    for axis in set(CellAxes.model_fields) & set(flags.get("model_args", ())):
        raise UserError(f"--model-args {axis} is an axis of the grid: give {flag(axis)}")
    study = read_study(study_file(parsed.study) if parsed.study else None, flags)
    resources = read_resources(
        parsed.engine,
        address=parsed.address,
        cpus_per_cell=parsed.cpus_per_cell,
        gpus_per_cell=parsed.gpus_per_cell,
        memory_per_cell=parsed.memory_per_cell,
    )
    return sweep_command(study, parsed.out, SweepOptions(parsed.dry_run, parsed.retry_failed, parsed.log_json, resources))


def _as_mapping(entries: Sequence[tuple[str, Any]], option: str) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in entries:
        if key in mapping:
            raise UserError(f"{option} has {shown(key)} twice: give it once")
        mapping[key] = value
    return mapping
