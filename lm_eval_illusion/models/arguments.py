"""The arguments of lm_eval's `vllm` model and of vLLM's engine that `pruned-vllm` takes, too, and what it can't do.

What goes for the arguments of every engine that runs a pruned checkpoint.

The arguments of lm_eval's `hf` model that `pruned-hf` takes, too.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.command_checks import is_lm_eval, read_named, tasks_of_view
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, nearest

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


def refuse_unknown(arguments: Iterable[str], allowed: Sequence[str], whose: str) -> None:
    """Every argument must be known: lm_eval hands on what it does not know, and a slip of the pen would go unseen, or be seen late.

    `allowed`: besides the pruning arguments. `whose`: what else takes arguments, in words.

    Raises:
        UserError: names the nearest one.
    """
    known = [*PRUNING_ARGUMENTS, *allowed]
    for name in arguments:
        if name not in known:
            raise UserError(
                f"argument {name!r} is unknown{nearest(name, known) or ':'}"
                f" pruning takes {', '.join(PRUNING_ARGUMENTS)}; every argument of {whose} is taken too"
            )


def refuse_doubled(arguments: Iterable[str], of_flags: dict[str, Any] | None) -> None:
    """lm_eval hands on --batch_size, --max_batch_size and --device beside the model's arguments, and its command has defaults for them.

    Raises:
        UserError: an argument is among both.
    """
    doubled = [name for name in arguments if (of_flags or {}).get(name) is not None]
    if doubled:
        raise UserError(
            f"{doubled[0]} stands among the model's arguments and is given by lm_eval, too: give it by --{doubled[0]} alone"
        )


def check_with_pruning(arguments: dict[str, Any], not_with_pruning: Sequence[str]) -> None:
    """Some of an engine's arguments name another model than the pruned checkpoint.

    Raises:
        UserError: one of them is given.
    """
    given = [name for name in not_with_pruning if arguments.get(name)]
    if given:
        raise UserError(
            f"{given[0]}={arguments[given[0]]} can't be combined with pruning: merge it into a folder first, or pruner=none"
        )


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
HF_NOT_WITH_PRUNING = ("peft", "delta", "autogptq", "gptqmodel", "gguf_file", "subfolder")


def check_hf_names(arguments: dict[str, Any]) -> None:
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


# Taken and thrown away by lm_eval's class, with a warning.
THROWN_AWAY = ("device", "swap_space")
VLLM_NOT_WITH_PRUNING = ("lora_local_path",)
NO_BEAMS = "vLLM's sampling has no beam search: ask the groups without it, e.g. mqa_illusion_core, or take --model pruned-hf"


def check_vllm_names(arguments: dict[str, Any]) -> None:
    """Every argument must be known to us, to lm_eval's class or to vLLM's engine, which would say so only after the pruning.

    Raises:
        UserError: names the nearest one.
    """
    from lm_eval.models.vllm_causallms import VLLM
    from vllm import LLM
    from vllm.engine.arg_utils import EngineArgs

    if "model" in arguments:
        raise UserError(
            f"model={arguments['model']} is vLLM's name for the checkpoint to run: give pretrained={arguments['model']}"
        )
    takes = [name for made in (VLLM, LLM) for name in inspect.signature(made.__init__).parameters]
    takes += [field.name for field in dataclasses.fields(EngineArgs)]
    allowed = [name for name in takes if name not in ("self", "kwargs", "model")]
    refuse_unknown(arguments, [*allowed, *THROWN_AWAY], "lm_eval's vllm model and of vLLM's engine")


def refuse_thinking(arguments: dict[str, Any]) -> None:
    """A view's answer has 64 tokens: a thought would fill them, and lm_eval's class scores no choices of a model that thinks.

    Raises:
        UserError: `enable_thinking` is true.
    """
    if arguments.get("enable_thinking"):
        raise UserError(
            f"enable_thinking={arguments['enable_thinking']} can't be used with pruned-vllm, which gives no room for thoughts:"
            " leave it out (the template is told not to think), or take --model pruned-hf"
        )


def refuse_beam_tasks(argv: Sequence[str]) -> None:
    """Refuse a command that names tasks of the view `beam`, before anything is pruned or loaded.

    Raises:
        UserError: `argv` (as `sys.argv`) is an lm_eval command that names one or a group with one.
    """
    beams = tasks_of_view(read_named(argv[1:]), "beam") if is_lm_eval(argv) else []
    if beams:
        raise UserError(f"{beams[0]} can't be run with pruned-vllm: {NO_BEAMS}")


def refuse_beam_requests(requests: Sequence[Instance]) -> None:
    """The same where no command said so: from Python, or of tasks that are not ours.

    Raises:
        UserError: names the task.
    """
    for request in requests:
        if request.args[1].get("num_beams", 1) != 1:
            raise UserError(f"{request.task_name} asks for {request.args[1]['num_beams']} beams: {NO_BEAMS}")
