"""`lm-eval-illusion prune`: put a pruned checkpoint into the store, or write it as an ordinary Hugging Face folder."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import flag, name, path
from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.option_values import PRUNING_RANGES, shown
from lm_eval_illusion.pruning.calibration_default import EMBEDDED_LENGTH, SAMPLES, STANDARD_LENGTH, STANDARD_TEXT

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers

DEFAULTS = {
    "calibration": f"{STANDARD_TEXT}; of the embedded model, and with a language alone: embedded",
    "calibration_samples": str(SAMPLES),
    "calibration_length": f"{STANDARD_LENGTH}, or the window of the model; of the embedded text {EMBEDDED_LENGTH}",
}
"""The default of each calibration argument, in words."""


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "prune", help="put a pruned model into the store, or write it as an ordinary Hugging Face folder with a model card"
    )
    parser.add_argument(
        "--pretrained",
        type=name,
        required=True,
        metavar="MODEL",
        help="a folder, a name on the Hugging Face hub, embedded, or the path of a GGUF file",
    )
    parser.add_argument(
        "--gguf-file", type=name, default=None, metavar="NAME.gguf", help="a GGUF file in MODEL, which is dequantised first"
    )
    parser.add_argument(
        "--out",
        type=path,
        default=None,
        metavar="DIR",
        help="folder to create (default: none, the checkpoint stays in the store)",
    )
    parser.add_argument(
        "--push-to-hub", type=name, metavar="REPOSITORY", default=None, help="also upload it there (after hf auth login)"
    )
    parser.add_argument("--revision", type=name, default="main", help="revision of the base model (default: %(default)s)")
    parser.add_argument("--dtype", type=name, default="auto", help="dtype to load the base model in (default: its own)")
    parser.add_argument(
        "--tokenizer", type=name, default=None, metavar="MODEL", help="a folder or hub name (default: the model's own)"
    )
    parser.add_argument("--tokenizer-revision", type=name, default=None, metavar="REVISION", help="revision of the tokenizer")
    parser.add_argument(
        "--use-safetensors",
        choices=("true", "false"),
        default=None,
        help="false: load pytorch_model.bin also beside safetensors",
    )
    parser.add_argument("--trust-remote-code", action="store_true", help="allow code from the repository of the base model")
    # Kept as text and read by the check of the arguments of pruned-hf, so that a wrong value gets the same message in both.
    for argument in (
        *("pruner", "sparsity", "mask_structure", "owl_lambda", "owl_m", "calibration", "calibration_language"),
        *("calibration_samples", "calibration_length", "pruning_seed", "store"),
    ):
        allowed = f", {PRUNING_RANGES[argument]}" if argument in PRUNING_RANGES else ""
        default = f" (default: {DEFAULTS[argument]})" if argument in DEFAULTS else ""
        parser.add_argument(flag(argument), default=None, help=f"the argument {argument} of pruned-hf{allowed}{default}")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Put the checkpoint into the store, or write it with its model card; return the exit code."""
    from lm_eval_illusion.pruning.base_identity import read_use_safetensors
    from lm_eval_illusion.pruning.export import export_command, store_command
    from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
    from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, read_settings

    arguments = {argument: value for argument in PRUNING_ARGUMENTS if (value := getattr(parsed, argument)) is not None}
    settings = read_settings(**arguments, pretrained=parsed.pretrained)
    if parsed.push_to_hub is not None:
        if parsed.out is None:
            raise UserError("--push-to-hub uploads the folder of --out: give --out DIR, too")
        _check_repository(parsed.push_to_hub)
    base = BaseModel(
        parsed.pretrained,
        parsed.revision,
        parsed.dtype,
        parsed.trust_remote_code,
        tokenizer=parsed.tokenizer,
        tokenizer_revision=parsed.tokenizer_revision,
        use_safetensors=read_use_safetensors(parsed.use_safetensors),
        gguf_file=parsed.gguf_file,
    )
    if parsed.out is None:
        return store_command(base, settings)
    return export_command(base, settings, parsed.out, parsed.push_to_hub)


def _check_repository(repository: str) -> None:
    """Check the name of the repository before anything is pruned.

    Raises:
        UserError: The hub has no such names.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UserError(
            f"--push-to-hub {shown(repository)} is no repository name ({one_line(error, 200)}): give NAME or USER/NAME"
        ) from error
