"""Arguments, dtype and errors of vLLM's engine."""

from __future__ import annotations

import pytest
from transformers import LlamaConfig

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models import vllm_engine
from lm_eval_illusion.models.vllm_engine import (
    check_head_size,
    dtype_warning,
    end_tokens_of,
    run_errors,
    set_engine_arguments,
    start_errors,
)
from lm_eval_illusion.models.vllm_log import EngineLog
from tests.tiny_models import save_tiny


def test_a_cpu_prefills_no_prompt_in_parts():
    arguments = {"max_model_len": 2048}
    set_engine_arguments(arguments, on_cpu=True)
    assert arguments == {"max_model_len": 2048, "max_logprobs": -1, "enable_chunked_prefill": False, "block_size": 32}


def test_arguments_that_a_user_gave_stay():
    given = {"max_model_len": 2048, "max_num_batched_tokens": 4096, "block_size": 64, "enable_chunked_prefill": False}
    arguments = dict(given)
    set_engine_arguments(arguments, on_cpu=True)
    assert arguments == given | {"max_logprobs": -1}


def test_an_accelerator_keeps_the_defaults_of_vllm():
    arguments = {"enable_chunked_prefill": True, "max_num_batched_tokens": 128, "max_model_len": 2048}
    set_engine_arguments(arguments, on_cpu=False)
    assert arguments == {
        "enable_chunked_prefill": True,
        "max_num_batched_tokens": 128,
        "max_model_len": 2048,
        "max_logprobs": -1,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"enable_chunked_prefill": True}, "enable_chunked_prefill=True can't be used on a CPU"),
        ({"long_prefill_token_threshold": 64}, "long_prefill_token_threshold=64 can't be used on a CPU"),
        ({"max_num_batched_tokens": 1024, "max_model_len": 2048}, r"max_num_batched_tokens 1024 .* give 2048 or more"),
        ({"max_num_batched_tokens": "1024", "max_length": "2048"}, r"max_num_batched_tokens 1024 .* give 2048 or more"),
    ],
)
def test_arguments_that_would_end_the_cpu_worker_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        set_engine_arguments(arguments, on_cpu=True)


def test_heads_that_the_cpu_does_not_take_are_one_line(tmp_path, monkeypatch):
    # 4 heads of 20 dimensions.
    folder = str(save_tiny("llama", tmp_path / "tiny"))
    monkeypatch.setattr(vllm_engine, "_head_sizes", lambda: [32, 64])
    with pytest.raises(UserError, match="heads have 20 dimensions, vLLM's attention takes 32, 64: take --model pruned-hf"):
        check_head_size(folder, "main", None)
    monkeypatch.setattr(vllm_engine, "_head_sizes", lambda: [20, 32])
    check_head_size(folder, "main", None)
    # Another version of vLLM, whose sizes are not known here.
    monkeypatch.setattr(vllm_engine, "_head_sizes", lambda: [])
    check_head_size(folder, "main", None)


def test_another_dtype_than_that_of_the_checkpoint_is_a_warning():
    config = LlamaConfig(dtype="float32")
    assert dtype_warning("float32", config, "m") is None
    assert dtype_warning(None, config, "m") is None
    assert dtype_warning("bfloat16", LlamaConfig(), "m") is None
    warning = dtype_warning("bfloat16", config, "m")
    assert warning is not None
    assert warning.startswith("vLLM runs m in bfloat16, its checkpoint is in float32")
    assert "dtype=float32" in warning
    assert "\n" not in warning


class EngineDeadError(Exception):
    """The name of vLLM's exception."""


def test_a_dead_engine_is_one_line_with_the_cause_of_its_log():
    log = EngineLog()
    for line in ("Traceback (most recent call last):", "RuntimeError: CPU Generator does not use offset"):
        log.shows(line)
    waits = "EngineCore encountered an issue.\nSee stack trace (above) for the root cause."
    with (
        pytest.raises(UserError, match=r"died twice \(RuntimeError: CPU Generator does not use offset\)") as caught,
        run_errors(lambda: log.cause),
    ):
        raise EngineDeadError(waits)
    assert "\n" not in str(caught.value)
    with (
        pytest.raises(UserError, match=r"died twice \(EngineDeadError: EngineCore encountered an issue\."),
        run_errors(lambda: None),
    ):
        raise EngineDeadError(waits)
    failed = RuntimeError("Engine core initialization failed.\nSee root cause above.")
    for on_cpu, hint in (
        (False, "is there a GPU with enough free memory"),
        (True, "on a CPU\\? If not, take --model pruned-hf"),
    ):
        with (
            pytest.raises(UserError, match=rf"can't start on m \(RuntimeError: CPU Generator.*{hint}"),
            start_errors("m", log, on_cpu),
        ):
            raise failed


def test_other_errors_of_vllm_are_one_line():
    with pytest.raises(UserError, match=r"vLLM failed \(ValueError: too long\)"), run_errors(lambda: None):
        raise ValueError("too long")
    # A mistake of the user that is one line already stays as it is.
    with pytest.raises(UserError, match=r"^other$"), run_errors(lambda: None):
        raise UserError("other")
    with pytest.raises(UserError, match=r"^other$"), start_errors("m", EngineLog()):
        raise UserError("other")


def test_answers_end_at_the_end_tokens_of_the_generation_config_and_the_tokenizer(tmp_path):
    folder = save_tiny("llama", tmp_path / "tiny")
    (folder / "generation_config.json").write_text('{"eos_token_id": [1, 5]}', encoding="utf-8")
    assert end_tokens_of(str(folder), "main", None, 7) == (1, 5, 7)
    (folder / "generation_config.json").unlink()
    assert end_tokens_of(str(folder), "main", LlamaConfig(eos_token_id=3), 7) == (3, 7)
    assert end_tokens_of(str(folder), "main", LlamaConfig(eos_token_id=None), None) == ()
