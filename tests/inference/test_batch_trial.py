"""Models whose results depend on the batch are found; those of common models do not."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
import torch

from lm_eval_illusion.inference.batch_trial import dependence, max_batched_length
from tests.inference.special_models import make_gpt_neo, make_long_rope, make_model, make_rwkv
from tests.tiny_architectures import ARCHITECTURES as TABLE
from tests.tiny_architectures import make_model as make_table_model
from tests.tiny_models import ARCHITECTURES, make_tiny_model

CPU = torch.device("cpu")


def batched(model, max_length=1024):
    with torch.inference_mode():
        return max_batched_length(model, max_length, CPU)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_common_models_run_in_batches_of_any_length(arch):
    assert batched(make_tiny_model(arch)) == 1024


@pytest.mark.parametrize("make", [make_long_rope, make_rwkv, lambda: make_model("doge", keep_window_size=16)])
def test_a_model_that_depends_on_the_batch_runs_alone_and_is_named(make, caplog):
    model = make()
    for parameter in model.parameters():
        if not parameter.any():  # Doge's gates: its attention would depend on ties
            torch.nn.init.normal_(parameter, std=0.2)
    assert batched(model, 128) == 0
    (record,) = caplog.records
    assert record.message.startswith(f"{type(model).__name__} depends on the other sequences of its batch (")
    assert record.message.endswith("): each prompt runs alone")


@pytest.mark.parametrize("row_id", ["deepseek-v3.2", "phi-3-longrope"])
def test_rounding_of_half_precision_hides_no_dependence(row_id):
    (row,) = (row for row in TABLE if row.id == row_id)
    # With the usual initial weights the dependence is smaller than the rounding of bfloat16.
    model = make_table_model(replace(row, config={**row.config, "initializer_range": 0.02})).to(torch.bfloat16)
    before = {name: part.clone() for name, part in model.named_parameters()}
    assert batched(model, 512) == 0
    after = dict(model.named_parameters())
    assert all(part.dtype == after[name].dtype and torch.equal(part, after[name]) for name, part in before.items())


def test_a_common_model_in_half_precision_runs_in_batches():
    assert batched(make_tiny_model("llama").to(torch.bfloat16)) == 1024


def test_a_number_that_is_too_long_for_a_trial_bounds_the_batches(caplog):
    caplog.set_level(logging.INFO)
    model = make_tiny_model("llama")
    model.config.some_top_k = 2000
    assert batched(model, 4096) == 1000
    assert [record.message for record in caplog.records] == [
        "LlamaForCausalLM may depend on the batch beyond 1000 tokens: longer prompts run alone"
    ]


@pytest.mark.parametrize(("unknown_length", "limit"), [(64, 264 + 16 + 4), (280, 280 + 16 + 4)])
def test_other_code_than_common_attention_is_trusted_as_far_as_the_trial_goes(monkeypatch, unknown_length, limit):
    monkeypatch.setattr("lm_eval_illusion.inference.batch_trial.UNKNOWN_LENGTH", unknown_length)
    model = make_gpt_neo()  # 264 tokens go beyond its window of 256
    assert batched(model, 1024) == limit
    assert batched(model, 80) == 80


def test_code_that_fails_in_a_batch_only_runs_alone():
    model = make_tiny_model("llama")
    forward = model.forward

    def refuse_batches(input_ids=None, **named):
        if len(input_ids) > 1:
            raise NotImplementedError("one sequence at a time")
        return forward(input_ids=input_ids, **named)

    model.forward = lambda *ids, **named: refuse_batches(**({"input_ids": ids[0]} if ids else {}), **named)
    with torch.inference_mode():
        assert dependence(model, 24, 1024, CPU) == "NotImplementedError: one sequence at a time"


def test_the_smallest_windows_have_room_for_a_trial():
    for max_length in (1, 2, 5, 30):
        assert batched(make_tiny_model("llama"), max_length) == max_length
