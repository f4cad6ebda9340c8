"""Checks and readers of model arguments: those of every engine, then those of `pruned-hf` and those of `pruned-vllm`.

lm_eval passes unknown arguments on, so a typing error would have no effect, or would cause an error only after the pruning. Therefore
all names are checked here.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.arguments import GGUF_ARGUMENT
from lm_eval_illusion.models.command_checks import is_lm_eval, read_named, tasks_of_view
from lm_eval_illusion.option_values import (
    LARGEST_BATCH,
    LONGEST_WINDOW,
    MOST_THOUGHT_TOKENS,
    problem_of_name,
    read_whole_number,
    shown,
    whole_number_in,
)
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, nearest

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

# Arguments of pruned-hf alone, and those that HFLM passes on to transformers' from_pretrained.
OUR_HF_ARGUMENTS = ("fast", "max_batch_tokens", "max_thought_tokens")
BITSANDBYTES_ARGUMENTS = (
    "bnb_4bit_compute_dtype",
    "bnb_4bit_quant_type",
    "bnb_4bit_use_double_quant",
    "load_in_4bit",
    "load_in_8bit",
)
FROM_PRETRAINED_ARGUMENTS = (
    *BITSANDBYTES_ARGUMENTS,
    "attn_implementation",
    "device_map",
    "low_cpu_mem_usage",
    "max_memory",
    "offload_folder",
    "quantization_config",
    "use_safetensors",
    "variant",
)
# Arguments that lm_eval's VLLM takes and ignores with a warning.
IGNORED_VLLM_ARGUMENTS = ("device", "swap_space")

# Arguments that name another model than the pruned checkpoint.
HF_NOT_WITH_PRUNING = ("peft", "delta", "autogptq", "gptqmodel", "subfolder", "variant")
VLLM_NOT_WITH_PRUNING = ("lora_local_path",)

NO_BEAMS = (
    "with data_parallel_size lm_eval starts vLLM anew for each step of a search: leave data_parallel_size out, or ask the groups without"
    " beams, e.g. mqa_illusion_core"
)


# Every engine


def refuse_unknown(arguments: Iterable[str], allowed: Sequence[str], owners: str) -> None:
    """Refuse an argument that is neither a pruning argument nor in `allowed`. `owners`: the software that takes `allowed`, in words.

    Raises:
        UserError: There is such an argument; the message names it and the most similar known argument.
    """
    all_names = [*PRUNING_ARGUMENTS, *allowed]
    for name in arguments:
        if name not in all_names:
            raise UserError(
                f"argument {shown(name)} is unknown{nearest(name[:100], all_names) or ':'}"
                f" pruning takes {', '.join(PRUNING_ARGUMENTS)}; every argument of {owners} is taken too"
            )


def refuse_blank(arguments: Mapping[str, Any]) -> None:
    """Refuse an argument without a value: a blank model name would be the current folder, a blank revision the default one.

    Raises:
        UserError: A value is blank, or a text that no program can take as a name.
    """
    for name, value in arguments.items():
        if isinstance(value, str) and (problem := problem_of_name(value)):
            raise UserError(f"{shown(name)} {shown(value)} {problem}: give a value, or leave it out")


def refuse_doubled(arguments: Iterable[str], flags: Mapping[str, Any] | None) -> None:
    """Refuse an argument that lm_eval also passes on from a flag with a default: --batch_size, --max_batch_size, --device.

    Raises:
        UserError: An argument is among both.
    """
    doubled = [name for name in arguments if (flags or {}).get(name) is not None]
    if doubled:
        raise UserError(
            f"{doubled[0]} is among the model's arguments and is also set by lm_eval: give it by --{doubled[0]} alone"
        )


def check_with_pruning(arguments: Mapping[str, Any], not_with_pruning: Sequence[str]) -> None:
    """Refuse arguments that name another model than the pruned checkpoint.

    Raises:
        UserError: One of `not_with_pruning` is set.
    """
    refused = [name for name in not_with_pruning if arguments.get(name)]
    if refused:
        raise UserError(
            f"{refused[0]}={arguments[refused[0]]} can't be combined with pruning: merge it into a folder first, or pruner=none"
        )


# pruned-hf


def check_hf_names(arguments: Iterable[str]) -> None:
    """Check that `pruned-hf` takes every argument.

    Raises:
        UserError: An argument is unknown; the message names it and the most similar known argument.
    """
    from lm_eval.models.huggingface import HFLM

    hf_arguments = [name for name in inspect.signature(HFLM.__init__).parameters if name not in ("self", "kwargs")]
    refuse_unknown(arguments, [*OUR_HF_ARGUMENTS, *FROM_PRETRAINED_ARGUMENTS, *hf_arguments], "lm_eval's hf model")


def read_hf_numbers(arguments: dict[str, Any]) -> None:
    """Check the numbers among HFLM's arguments, and replace texts by them: HFLM computes with them only after the model is loaded.

    Raises:
        UserError: A number is out of range.
    """
    ranges = {"max_length": (2, LONGEST_WINDOW), "max_batch_size": (1, LARGEST_BATCH), "batch_size": (1, LARGEST_BATCH)}
    for name, (least, most) in ranges.items():
        value = arguments.get(name)
        if value is not None and not (name == "batch_size" and str(value).startswith("auto")):
            arguments[name] = read_whole_number(name, value, least, most)


def take_quantization(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Remove the arguments for quantisation while loading, and return them as a `quantization_config`; None if there are none.

    transformers 5 takes them in no other form, and lm_eval passes them on as they are. Switches that are off are removed, too.

    Raises:
        UserError: `quantization_config` is no dictionary.
    """
    found = {name: arguments.pop(name) for name in (*BITSANDBYTES_ARGUMENTS, "quantization_config") if name in arguments}
    config = found.pop("quantization_config", None)
    if config:
        plain = config.to_dict() if hasattr(config, "to_dict") else config
        if not isinstance(plain, dict):
            raise UserError(
                f"quantization_config {config!r} is no dictionary: give --model_args as JSON, with"
                ' "quantization_config": {"quant_method": ...}'
            )
        return plain
    if found.get("load_in_4bit") or found.get("load_in_8bit"):
        return {"quant_method": "bitsandbytes", **found}
    return None


def read_max_thought_tokens(value: int | str) -> int:
    """Read `max_thought_tokens`, the token limit of a reasoning model's thought.

    Raises:
        UserError: The value is not a whole number from 0 to MOST_THOUGHT_TOKENS.
    """
    tokens = whole_number_in(value)
    if tokens is None or not 0 <= tokens <= MOST_THOUGHT_TOKENS:
        raise UserError(
            f"max_thought_tokens {shown(value)} is not a whole number from 0 on, at most {MOST_THOUGHT_TOKENS:,}:"
            " give how long a model may think, e.g. 2048"
        )
    return tokens


def read_fast(value: str) -> bool:
    """Read `fast`: whether a prompt may be prefilled once for all its requests.

    Raises:
        UserError: The value is neither `auto` nor `off`.
    """
    if value not in ("auto", "off"):
        raise UserError(f"fast {shown(value)} is neither auto nor off: leave it out, or give fast=off")
    return value == "auto"


# pruned-vllm


def check_vllm_names(arguments: Mapping[str, Any]) -> None:
    """Check that `pruned-vllm` takes every argument: ours, those of lm_eval's VLLM and of vLLM's engine.

    Raises:
        UserError: An argument is unknown; the message names it and the most similar known argument.
    """
    from lm_eval.models.vllm_causallms import VLLM
    from vllm import LLM
    from vllm.engine.arg_utils import EngineArgs

    if "model" in arguments:
        raise UserError(
            f"model={arguments['model']} is vLLM's name for the checkpoint to run: give pretrained={arguments['model']}"
        )
    names = [name for model_class in (VLLM, LLM) for name in inspect.signature(model_class.__init__).parameters]
    names += [field.name for field in dataclasses.fields(EngineArgs)]
    allowed = [name for name in names if name not in ("self", "kwargs", "model")]
    refuse_unknown(arguments, [*allowed, *IGNORED_VLLM_ARGUMENTS, GGUF_ARGUMENT], "lm_eval's vllm model and of vLLM's engine")


def refuse_thinking(arguments: Mapping[str, Any]) -> None:
    """Refuse thoughts: they would use up the 64 tokens of a view's answer, and lm_eval's VLLM scores no choices of a model that thinks.

    Raises:
        UserError: `enable_thinking` is true.
    """
    if arguments.get("enable_thinking"):
        raise UserError(
            f"enable_thinking={arguments['enable_thinking']} can't be used with pruned-vllm, which has no token limit for thoughts:"
            " leave it out (the chat template then disables thinking), or use --model pruned-hf"
        )


def refuse_beam_tasks(argv: Sequence[str]) -> None:
    """Refuse a command that names tasks of a view with beam search, before anything is pruned or loaded. `argv`: as `sys.argv`.

    Raises:
        UserError: The lm_eval command names such a task, or a group with one.
    """
    if not is_lm_eval(argv):
        return
    from lm_eval_illusion.views import VIEWS

    named = read_named(argv[1:])
    beams = [task for view in VIEWS if view.uses_beams for task in tasks_of_view(named, view.name)]
    if beams:
        raise UserError(f"{beams[0]} can't be run with pruned-vllm: {NO_BEAMS}")


def refuse_beam_requests(requests: Sequence[Instance], replicas: int) -> None:
    """Refuse generation requests with beams that can't be searched. `refuse_beam_tasks` can't see requests made from Python.

    `replicas`: lm_eval's `data_parallel_size`.

    Raises:
        UserError: There is such a request; the message names its task.
    """
    from lm_eval_illusion.inference.generate import can_branch
    from lm_eval_illusion.inference.generation_config import read_decoding

    for request in requests:
        settings = request.args[1]
        num_beams = settings.get("num_beams") or 1
        if num_beams != 1 and replicas > 1:
            raise UserError(f"{request.task_name} asks for {num_beams} beams: {NO_BEAMS}")
        if num_beams != 1 and not can_branch(read_decoding(settings, 1, 1)):
            raise UserError(
                f"{request.task_name} asks for {num_beams} beams with {settings}: pruned-vllm searches beams without penalties and without"
                " sampling; take --model pruned-hf"
            )
