"""The engine of `pruned-vllm`: arguments that its numbers need, what it runs in, and its errors in one line. Importing vLLM is left to
the functions.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lm_eval_illusion.errors import UserError, cause_of, one_line
from lm_eval_illusion.models.vllm_log import EngineLog
from lm_eval_illusion.option_values import whole_number_in

ENGINE_BLOCK = 32
"""Tokens of a block of vLLM's cache on a CPU, whose default is 128: only whole blocks are shared, and a prompt of ours is often shorter."""

MORE = "VLLM_LOGGING_LEVEL=DEBUG shows the traceback"


def set_engine_arguments(arguments: dict[str, Any], on_cpu: bool) -> None:
    """Set the arguments of vLLM's engine that scores and samples need, among `arguments`. `on_cpu`: vLLM runs on a CPU.

    vLLM's CPU worker ends with "CPU Generator does not use offset" if a sample with a seed has a prompt that is prefilled in parts.

    Raises:
        UserError: A given argument is another.
    """
    limit = arguments.setdefault("max_logprobs", -1)
    if limit != -1:
        raise UserError(f"max_logprobs {limit} would hide gold ranks beyond {limit}: leave it out")
    mode = arguments.get("logprobs_mode", "raw_logprobs")
    if mode != "raw_logprobs":
        raise UserError(f"logprobs_mode {mode} would give other numbers than log-probabilities of the model: leave it out")
    if not on_cpu:
        return
    parts = "vLLM's CPU worker ends where a prompt with a seed is prefilled in parts"
    if arguments.setdefault("enable_chunked_prefill", False):
        raise UserError(
            f"enable_chunked_prefill={arguments['enable_chunked_prefill']} can't be used on a CPU ({parts}): leave it out"
        )
    if arguments.get("long_prefill_token_threshold"):
        raise UserError(
            f"long_prefill_token_threshold={arguments['long_prefill_token_threshold']} can't be used on a CPU ({parts}): leave it out"
        )
    window = whole_number_in(arguments.get("max_model_len") or arguments.get("max_length") or 0)
    batched = whole_number_in(arguments.get("max_num_batched_tokens") or 0)
    if window and batched and batched < window:
        raise UserError(
            f"max_num_batched_tokens {batched} is less than max_model_len {window}, so that a prompt may not fit into a batch ({parts}):"
            f" leave it out, or give {window} or more"
        )
    arguments.setdefault("block_size", ENGINE_BLOCK)


def runs_on_cpu() -> bool:
    """Return whether this vLLM runs on a CPU."""
    from vllm.platforms import current_platform

    return bool(current_platform.is_cpu())


def check_head_size(checkpoint: str, revision: str, trust_remote_code: bool | None) -> None:
    """Check that vLLM's attention on a CPU takes the model's heads.

    Raises:
        UserError: It does not; vLLM itself says that in the log of another process only.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(checkpoint, revision=revision, trust_remote_code=bool(trust_remote_code))
    text = config.get_text_config()
    heads, hidden = getattr(text, "num_attention_heads", None), getattr(text, "hidden_size", None)
    size = getattr(text, "head_dim", None) or (hidden // heads if heads and hidden else None)
    sizes = _head_sizes()
    if size is not None and sizes and size not in sizes:
        raise UserError(
            f"vLLM can't run {checkpoint} on a CPU: its attention heads have {size} dimensions, vLLM's attention takes"
            f" {', '.join(map(str, sizes))}: take --model pruned-hf"
        )


def _head_sizes() -> list[int]:
    try:
        from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend
    except ImportError:  # Another version: vLLM reports the mistake itself.
        return []
    return [int(size) for size in CPUAttentionBackend.get_supported_head_sizes()]


def engine_name() -> str:
    """Return name and version of the engine, such as "vllm 0.32.0+cpu"."""
    return f"vllm {importlib.metadata.version('vllm')}"


def dtype_warning(ran: str | None, config: Any, name: str) -> str | None:
    """Return a line that tells that the model runs in another dtype than its checkpoint has; None if it does not, or it is unknown.

    `ran`: the dtype of the engine. `config`: the checkpoint's, of transformers. `name`: of the model.
    """
    stored = getattr(config.get_text_config(), "dtype", None) or getattr(config, "dtype", None)
    stored = None if stored is None else str(stored).removeprefix("torch.")
    if ran is None or stored is None or ran == stored:
        return None
    return (
        f"vLLM runs {name} in {ran}, its checkpoint is in {stored}: scores and ranks are those of {ran};"
        f" give dtype={stored} to compare them with those of pruned-hf"
    )


@contextmanager
def start_errors(checkpoint: str, log: EngineLog, on_cpu: bool = False) -> Iterator[None]:
    """Turn an error during vLLM's start into a `UserError` of one line, without a traceback of several processes.

    `on_cpu`: vLLM runs on a CPU, where it lacks the operations of some formats, such as FP8.
    """
    try:
        with log.of_new_processes():
            yield
    except UserError:
        raise
    except Exception as error:
        log.wait()
        question = (
            "are the arguments right, does vLLM run this architecture and format on a CPU? If not, take --model pruned-hf."
            if on_cpu
            else "are the arguments right, is there a GPU with enough free memory?"
        )
        raise UserError(f"vLLM can't start on {checkpoint} ({log.cause or one_line(error)}): {question} {MORE}") from error


@contextmanager
def run_errors(cause_of_death: Callable[[], str | None]) -> Iterator[None]:
    """Turn an error of the running engine into a `UserError` of one line. `cause_of_death`: why its processes ended, if that is known."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not is_dead(error):
            raise UserError(f"vLLM failed ({cause_of(error)}): check the arguments. {MORE}") from error
        raise UserError(
            f"vLLM's engine died twice ({cause_of_death() or cause_of(error)}), and lm_eval writes nothing of this run: give it more memory"
            " or smaller batches (max_num_seqs), or give each view a command of its own, such as --tasks mqa_illusion_gen, which writes its"
            f" files; the report joins them. {MORE}"
        ) from error


def is_dead(error: BaseException) -> bool:
    """Return whether an exception of vLLM says that the process of its engine has ended."""
    return type(error).__name__ == "EngineDeadError"


def ran_dtype(model: Any) -> str | None:
    """Return the dtype that the engine of lm_eval's VLLM runs in, such as "bfloat16"; None if no engine is reachable."""
    engine = getattr(getattr(model, "model", None), "llm_engine", None)
    dtype = getattr(getattr(engine, "model_config", None), "dtype", None)
    return None if dtype is None else str(dtype).removeprefix("torch.")


def end_tokens_of(folder: str, revision: str, config: Any, tokenizer_end: int | None) -> tuple[int, ...]:
    """Return the ids that end an answer, the same as with pruned-hf: those of the generation config, and the tokenizer's end token.

    `folder`: the checkpoint, or a name on the hub. `config`: the model's, of transformers, for a checkpoint without generation config.
    """
    from transformers import GenerationConfig

    from lm_eval_illusion.inference.hf_generate import token_ids_only

    try:
        generation = GenerationConfig.from_pretrained(folder, revision=revision)
    except OSError:
        generation = GenerationConfig.from_model_config(config)
    return tuple(token_ids_only(generation, tokenizer_end).eos_token_id or ())
