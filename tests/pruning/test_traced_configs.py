"""A traced model makes its masks for the attention that it uses, so that calibration is causal."""

from __future__ import annotations

import contextlib
import sys

import pytest
import torch

from lm_eval_illusion.pruning import traced_configs
from lm_eval_illusion.pruning.compressor import try_pipeline
from tests.tiny_architectures import ARCHITECTURES, make_model
from tests.tiny_models import make_tiny_model

IDS = [list(range(3, 67))] * 2


@pytest.mark.parametrize("arch", ["llama", "mistral", "phi3"])
def test_models_that_pass_their_configuration_on_are_calibrated_block_by_block(arch):
    assert try_pipeline(make_tiny_model(arch), IDS) == "sequential"


@pytest.mark.parametrize("row_id", ["mixtral", "qwen3-moe", "starcoder2"])
def test_so_are_models_with_experts(row_id):
    (row,) = (row for row in ARCHITECTURES if row.id == row_id)
    assert try_pipeline(make_model(row), IDS) == "sequential"


def test_without_the_mend_the_blocks_get_no_mask(monkeypatch, caplog):
    monkeypatch.setattr(traced_configs, "attention_kept_in_configs", contextlib.nullcontext)
    with torch.no_grad():
        assert try_pipeline(make_tiny_model("mistral"), IDS) == "basic"
    assert "MistralForCausalLM is calibrated as a whole, not block by block" in caplog.text


def fail_while_tracing(model):
    from llmcompressor.pipelines.sequential.transformers_helpers import HFTracer

    arange, cache = torch.arange, vars(sys.modules[type(model).__module__])["DynamicCache"]
    with traced_configs.attention_kept_in_configs(), HFTracer().patch_for_tracing(model):
        assert torch.arange is not arange
        assert vars(sys.modules[type(model).__module__])["DynamicCache"] is not cache
        raise ZeroDivisionError


def test_a_trace_that_fails_leaves_torch_and_the_model_as_they_were():
    model = make_tiny_model("llama")
    namespace, arange = vars(sys.modules[type(model).__module__]), torch.arange
    before = dict(namespace)
    with pytest.raises(ZeroDivisionError):
        fail_while_tracing(model)
    assert torch.arange is arange
    assert namespace == before
