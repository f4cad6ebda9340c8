"""`lm-eval-illusion prune`: a pruned checkpoint as an ordinary Hugging Face folder."""

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
        "prune", help="a pruned model as an ordinary Hugging Face folder with a model card, for any engine"
    )
    parser.add_argument("--pretrained", required=True, metavar="MODEL", help="a folder, a name on the hub, or embedded")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--push-to-hub", metavar="REPOSITORY", default=None, help="upload it there too (after hf auth login)")
    parser.add_argument("--revision", default="main", help="of the base model (default: main)")
    parser.add_argument("--dtype", default="auto", help="to load the base model in (default: its own)")
    parser.add_argument("--trust-remote-code", action="store_true", help="run code that the base model brings")
    # As text: the check of pruned-hf's arguments reads it, so that a wrong value gets the same message here and there.
    for name in ("pruner", "sparsity", "mask_structure", "owl_lambda", "owl_m", "calibration", "calibration_language"):
        parser.add_argument(flag(name), default=None, help="as the argument of pruned-hf")
    for name in ("calibration_samples", "calibration_length", "pruning_seed", "store"):
        parser.add_argument(flag(name), default=None, help="the same")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Write a pruned checkpoint with a model card."""
    from lm_eval_illusion.pruning.export import export_command
    from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
    from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, read_settings

    given = {name: value for name in PRUNING_ARGUMENTS if (value := getattr(parsed, name)) is not None}
    base = BaseModel(parsed.pretrained, parsed.revision, parsed.dtype, parsed.trust_remote_code)
    return export_command(base, read_settings(**given), parsed.out, parsed.push_to_hub)
