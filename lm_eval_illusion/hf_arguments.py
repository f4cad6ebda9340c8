"""The arguments of lm_eval's `hf` model that `pruned-hf` takes, too."""

from __future__ import annotations

import inspect
from typing import Any

from lm_eval_illusion.backend_arguments import refuse_unknown
from lm_eval_illusion.errors import UserError

# What HFLM hands on to from_pretrained; any other unknown argument is a slip of the pen.
FROM_PRETRAINED_ARGUMENTS = (
    "attn_implementation",
    "bnb_4bit_compute_dtype",
    "bnb_4bit_quant_type",
    "bnb_4bit_use_double_quant",
    "device_map",
    "load_in_4bit",
    "load_in_8bit",
    "low_cpu_mem_usage",
    "max_memory",
    "offload_folder",
    "quantization_config",
    "use_safetensors",
    "variant",
)
OURS = ("fast", "max_batch_tokens", "max_thought_tokens")
NOT_WITH_PRUNING = ("peft", "delta", "autogptq", "gptqmodel", "gguf_file", "subfolder")


def check_names(arguments: dict[str, Any]) -> None:
    """Every argument must be known.

    Raises:
        UserError: names the nearest one.
    """
    from lm_eval.models.huggingface import HFLM

    of_hf = [name for name in inspect.signature(HFLM.__init__).parameters if name not in ("self", "kwargs")]
    refuse_unknown(arguments, [*OURS, *FROM_PRETRAINED_ARGUMENTS, *of_hf], "lm_eval's hf model")


def read_max_thought_tokens(given: int | str) -> int:
    """Tokens that a thinking model may think, from the command line's text.

    Raises:
        UserError: not a whole number from 0 on.
    """
    if not str(given).isdigit():
        raise UserError(
            f"max_thought_tokens {given!r} is not a whole number from 0 on: give how long a model may think, e.g. 2048"
        )
    return int(given)


def read_fast(given: str) -> bool:
    """Whether prompts may be read once for all that is asked of them.

    Raises:
        UserError: neither `auto` nor `off`.
    """
    if given not in ("auto", "off"):
        raise UserError(f"fast {given!r} is neither auto nor off: leave it out, or give fast=off")
    return given == "auto"
