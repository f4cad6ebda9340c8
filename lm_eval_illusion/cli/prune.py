"""`lm-eval-illusion prune`: write a pruned checkpoint as an ordinary Hugging Face folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import flag

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "prune", help="write a pruned model as an ordinary Hugging Face folder with a model card, for any engine"
    )
    parser.add_argument(
        "--pretrained", required=True, metavar="MODEL", help="a folder, a name on the Hugging Face hub, or embedded"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    parser.add_argument("--push-to-hub", metavar="REPOSITORY", default=None, help="also upload it there (after hf auth login)")
    parser.add_argument("--revision", default="main", help="revision of the base model (default: %(default)s)")
    parser.add_argument("--dtype", default="auto", help="dtype to load the base model in (default: its own)")
    parser.add_argument("--trust-remote-code", action="store_true", help="allow code from the repository of the base model")
    # Kept as text and read by the check of the arguments of pruned-hf, so that a wrong value gets the same message in both.
    for name in (
        *("pruner", "sparsity", "mask_structure", "owl_lambda", "owl_m", "calibration", "calibration_language"),
        *("calibration_samples", "calibration_length", "pruning_seed", "store"),
    ):
        parser.add_argument(flag(name), default=None, help=f"the argument {name} of pruned-hf")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Write the checkpoint and its model card; return the exit code."""
    from lm_eval_illusion.pruning.export import export_command
    from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
    from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, read_settings

    arguments = {name: value for name in PRUNING_ARGUMENTS if (value := getattr(parsed, name)) is not None}
    base = BaseModel(parsed.pretrained, parsed.revision, parsed.dtype, parsed.trust_remote_code)
    return export_command(base, read_settings(**arguments), parsed.out, parsed.push_to_hub)
