"""Scaling of the rotary embedding: logits as of a Llama whose configuration states it; what can't be stated is refused."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.gguf_checkpoint import dequantised
from lm_eval_illusion.pruning.gguf_rope import refuse_other_rotary_size
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from tests.gguf_files import tiny_llama, write_gguf

IDS = torch.arange(40)[None] + 5
THETA = {"rope_theta": 10000.0}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
    **THETA,
}


def scaling(**entries):
    return {f"llama.rope.scaling.{name}": value for name, value in entries.items()}


def yarn(**entries):
    return {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, **THETA, **entries}


def logits_of(path, store):
    model = AutoModelForCausalLM.from_pretrained(dequantised(BaseModel(str(path)), str(store)).checkpoint.path)
    with torch.no_grad():
        return model(IDS).logits


def logits_with(parameters):
    """The logits of the same weights in a Llama of transformers with these parameters."""
    config = copy.deepcopy(tiny_llama().config)
    config.rope_parameters = parameters
    model = LlamaForCausalLM(config).eval()
    model.load_state_dict(tiny_llama().state_dict())
    with torch.no_grad():
        return model(IDS).logits


def llama3_factors():
    """The divisors that Llama 3.1's scaling gives, by transformers' own function."""
    config = copy.deepcopy(tiny_llama().config)
    config.rope_parameters = LLAMA3
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    plain = 1 / 10000.0 ** (torch.arange(0, 16, 2) / 16)
    return plain / scaled


SCALED = {
    "linear": (scaling(type="linear", factor=4.0), {"rope_type": "linear", "factor": 4.0, **THETA}),
    "a factor alone is linear": (scaling(factor=2.0), {"rope_type": "linear", "factor": 2.0, **THETA}),
    "the older key": ({"llama.rope.scale_linear": 4.0}, {"rope_type": "linear", "factor": 4.0, **THETA}),
    "yarn": (scaling(type="yarn", factor=4.0, original_context_length=256), yarn()),
    "yarn of the whole window": (scaling(type="yarn", factor=4.0), yarn(original_max_position_embeddings=1024)),
    "yarn with its further numbers": (
        scaling(type="yarn", factor=4.0, original_context_length=256, attn_factor=0.5, yarn_beta_fast=16.0, yarn_beta_slow=2.0),
        # 1 + 0.1 ln 4 is the attention factor of a factor of 4.
        yarn(attention_factor=0.5 * 1.1386294361119891, beta_fast=16.0, beta_slow=2.0),
    ),
    "none": (scaling(type="none", factor=4.0), {"rope_type": "default", **THETA}),
    "linear by 1": (scaling(type="linear", factor=1.0), {"rope_type": "default", **THETA}),
}


@pytest.mark.parametrize("case", SCALED)
def test_a_stated_scaling_gives_the_logits_of_a_model_with_it(case, tmp_path):
    metadata, parameters = SCALED[case]
    write_gguf(tmp_path / "x.gguf", metadata=metadata)
    logits = logits_of(tmp_path / "x.gguf", tmp_path / "store")
    torch.testing.assert_close(logits, logits_with(parameters), atol=1e-4, rtol=1e-4)
    differs = (logits - logits_with({"rope_type": "default", **THETA})).abs().max() > 0.1
    assert differs == (parameters["rope_type"] != "default")


def test_the_factors_of_llama_3_give_the_logits_of_its_scaling(tmp_path):
    factors = llama3_factors()
    assert (factors.min(), factors.max()) == (1, 8)
    write_gguf(tmp_path / "x.gguf", tensors={"rope_freqs.weight": factors})
    logits = logits_of(tmp_path / "x.gguf", tmp_path / "store")
    torch.testing.assert_close(logits, logits_with(LLAMA3), atol=1e-4, rtol=1e-4)
    assert (logits - logits_with({"rope_type": "default", **THETA})).abs().max() > 0.01


REFUSED = {
    "another type": (scaling(type="longrope", factor=4.0), {}, r"rope\.scaling\.type 'longrope', which is not supported"),
    "an unknown entry": (scaling(type="yarn", factor=4.0, alpha=2.0), {}, r"rope\.scaling\.alpha '2\.0'"),
    "an unusual entry": (scaling(type="yarn", factor=4.0, yarn_ext_factor=0.5), {}, r"rope\.scaling\.yarn_ext_factor '0\.5'"),
    "yarn without a factor": (scaling(type="yarn"), {}, r"rope\.scaling\.factor 'None'"),
    "a factor below 1": (scaling(type="linear", factor=0.5), {}, r"rope\.scaling\.factor '0\.5'"),
    "a factor that is no number": (scaling(type="linear", factor="big"), {}, r"rope\.scaling\.factor 'big'"),
    "no window": (scaling(type="yarn", factor=4.0, original_context_length=0), {}, r"original_context_length '0'"),
    "a base of 0": ({"llama.rope.freq_base": 0.0}, {}, r"rope\.freq_base 0\.0, which is no positive number"),
    "other factors": ({}, {"rope_freqs.weight": torch.linspace(1, 8, 8)}, "that are not those of Llama 3.1"),
    "too few factors": ({}, {"rope_freqs.weight": torch.ones(3) * 8}, "that are not those of Llama 3.1"),
    "factors of longrope": ({}, {"rope_factors_long.weight": torch.ones(8)}, r"does not read \(rope_factors_long\.weight\)"),
    "both": (scaling(factor=2.0), {"rope_freqs.weight": torch.linspace(1, 8, 8)}, "scales its rotary embedding twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_transformers_cannot_compute_is_refused_in_one_line(case, tmp_path):
    metadata, tensors, reason = REFUSED[case]
    write_gguf(tmp_path / "x.gguf", metadata=metadata, tensors=tensors)
    with pytest.raises(UserError, match=reason) as caught:
        dequantised(BaseModel(str(tmp_path / "x.gguf")), str(tmp_path / "store"))
    assert "\n" not in str(caught.value)


def test_a_file_that_rotates_part_of_each_head_is_refused_where_the_model_rotates_all():
    """The heads have 64 / 4 = 16 dimensions, and Llama rotates all of them."""
    refuse_other_rotary_size(tiny_llama(), {"general.architecture": "phi3", "phi3.rope.dimension_count": 16}, "x.gguf")
    with pytest.raises(
        UserError, match=r"x\.gguf rotates 8 dimensions of each head .* LlamaForCausalLM rotates 16: give the Hug"
    ):
        refuse_other_rotary_size(tiny_llama(), {"general.architecture": "phi3", "phi3.rope.dimension_count": 8}, "x.gguf")
