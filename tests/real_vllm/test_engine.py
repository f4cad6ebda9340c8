"""The life of the real engine: what it refuses, prompts that do not fit into a batch together, another dtype, and its death."""

from __future__ import annotations

import logging
import os
import signal
import threading

import pytest

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.vllm import PrunedVLLM
from tests.real_vllm.engines import instance, save_tiny_for_vllm, vllm_model

SAMPLE = {"until": [], "max_gen_toks": 8, "do_sample": True, "temperature": 0.7}


def test_the_heads_of_the_embedded_model_are_too_small_and_that_is_one_line():
    with pytest.raises(
        UserError, match=r"attention heads have 16 dimensions, vLLM's attention takes 32, .*take --model pruned-hf"
    ):
        PrunedVLLM(EMBEDDED, pruner="none", enforce_eager=True)


def test_samples_with_seeds_of_more_prompts_than_a_batch_holds_and_another_dtype(tmp_path, caplog):
    tiny = save_tiny_for_vllm(tmp_path / "tiny")
    caplog.set_level(logging.WARNING)
    with vllm_model(tiny, pruner="none", dtype="bfloat16", max_model_len=256, max_num_batched_tokens=256) as model:
        # 24 prompts of about 100 tokens in batches of 256: with prefill in parts vLLM's CPU worker dies here.
        requests = [each for number in range(24) for each in instance(f"{number} " + "word " * 40, SAMPLE, repeats=2)]
        answers = model.generate_until(requests, disable_tqdm=True)
        assert len(answers) == 48
        assert len(set(answers)) > 24

        assert [record.message for record in caplog.records if "its checkpoint is in float32" in record.message] == [
            f"vLLM runs {tiny} in bfloat16, its checkpoint is in float32: scores and ranks are those of bfloat16; give dtype=float32 to"
            " compare them with those of pruned-hf"
        ]
        assert model.measured()["dtype"] == "bfloat16"


def test_an_engine_that_dies_again_is_one_line_with_its_cause(tmp_path, monkeypatch, capfd):
    # What `set_engine_arguments` is for: without it, a prompt that is prefilled in parts ends vLLM's CPU worker.
    monkeypatch.setattr("lm_eval_illusion.models.vllm.set_engine_arguments", lambda arguments, on_cpu: None)
    arguments = {"enable_chunked_prefill": True, "max_model_len": 256, "max_num_batched_tokens": 64}
    with vllm_model(save_tiny_for_vllm(tmp_path / "tiny"), pruner="none", **arguments) as model:
        requests = instance("word " * 40, SAMPLE, repeats=2)
        with pytest.raises(UserError, match=r"died twice \(RuntimeError: CPU Generator does not use offset\)") as caught:
            model.generate_until(requests, disable_tqdm=True)
        assert "\n" not in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


def test_an_engine_that_the_system_kills_is_started_again_and_then_is_one_line(tmp_path, monkeypatch, caplog, capfd):
    requests = instance("word " * 40, SAMPLE, repeats=2)
    with vllm_model(save_tiny_for_vllm(tmp_path / "tiny"), pruner="none", max_model_len=256) as model:
        expected = model.generate_until(requests, disable_tqdm=True)
        kill_while_it_answers(model)
        assert model.generate_until(requests, disable_tqdm=True) == expected
        killed = "a process was killed by SIGKILL, as the system does where memory runs out"
        assert f"vLLM's engine died ({killed}): it is started again" in caplog.text

        # As if the new engine had been killed, too.
        monkeypatch.setattr(model, "_start_anew", lambda: None)
        kill_while_it_answers(model)
        with pytest.raises(
            UserError, match=rf"vLLM's engine died twice \({killed}\), and lm_eval writes nothing of this run"
        ) as caught:
            model.generate_until(requests, disable_tqdm=True)
        assert "\n" not in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


def kill_while_it_answers(model):
    """Kill the process of vLLM's engine a second from now. Until then it answers nothing, so that what it is asked waits for it."""
    [process] = model.model.llm_engine.engine_core.resources.engine_manager.processes
    os.kill(process.pid, signal.SIGSTOP)
    threading.Timer(1, os.kill, (process.pid, signal.SIGKILL)).start()
