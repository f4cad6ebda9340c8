"""The arguments of lm_eval's `hf` model that `pruned-hf` takes, too."""

from __future__ import annotations

import inspect
from typing import Any

from lm_eval_illusion.arguments import PRUNING_ARGUMENTS, nearest
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
    """Every argument must be known: HFLM hands on what it does not know, and a slip of the pen would go unseen.

    Raises:
        UserError: names the nearest one.
    """
    from lm_eval.models.huggingface import HFLM

    ours = [*PRUNING_ARGUMENTS, *OURS, *FROM_PRETRAINED_ARGUMENTS]
    allowed = [
        *ours,
        *(name for name in inspect.signature(HFLM.__init__).parameters if name not in ("self", "kwargs")),
    ]
    for name in arguments:
        if name not in allowed:
            raise UserError(
                f"argument {name!r} is unknown{nearest(name, allowed) or ':'}"
                f" pruning takes {', '.join(PRUNING_ARGUMENTS)}; every argument of lm_eval's hf model is taken too"
            )


def check_with_pruning(arguments: dict[str, Any]) -> None:
    """Some of HFLM's arguments name another model than the pruned checkpoint.

    Raises:
        UserError: one of them is given.
    """
    given = [name for name in NOT_WITH_PRUNING if arguments.get(name)]
    if given:
        raise UserError(
            f"{given[0]}={arguments[given[0]]} can't be combined with pruning: merge it into a folder first, or pruner=none"
        )


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
