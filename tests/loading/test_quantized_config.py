"""The scheme of a quantised checkpoint: name, method and bits, from configurations as the tools write them."""

from __future__ import annotations

import pytest

from lm_eval_illusion.loading.quantized_config import quantization_of, read_scheme

INT4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128, "symmetric": True}
INT8 = {"num_bits": 8, "type": "int", "strategy": "channel"}
FP8 = {"num_bits": 8, "type": "float", "strategy": "channel"}
TOKEN_FP8 = {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True}
TOKEN_INT8 = {"num_bits": 8, "type": "int", "strategy": "token", "dynamic": True}
FP4 = {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}
MXFP4 = {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32}


def groups(*schemes, **more):
    """Return a configuration of compressed-tensors. A scheme: its weights and its activations."""
    named = {
        f"group_{number}": {"targets": ["Linear"], "weights": weights, "input_activations": activations}
        for number, (weights, activations) in enumerate(schemes)
    }
    return {"quant_method": "compressed-tensors", "config_groups": named, **more}


@pytest.mark.parametrize(
    ("quantization", "name", "method", "bits"),
    [
        (groups((INT4, None)), "w4a16", "compressed-tensors", 4),
        (groups((INT8, TOKEN_INT8)), "w8a8", "compressed-tensors", 8),
        (groups((INT4, TOKEN_FP8)), "w4afp8", "compressed-tensors", 4),
        (groups((FP8, TOKEN_FP8)), "fp8-dynamic", "compressed-tensors", 8),
        (groups((FP8, {**TOKEN_FP8, "dynamic": False})), "fp8", "compressed-tensors", 8),
        (groups(({**FP8, "strategy": "block"}, TOKEN_FP8)), "fp8-block", "compressed-tensors", 8),
        (groups((FP8, None)), "fp8-w8a16", "compressed-tensors", 8),
        (groups((FP4, None)), "nvfp4a16", "compressed-tensors", 4),
        (groups((FP4, FP4)), "nvfp4", "compressed-tensors", 4),
        (groups((MXFP4, None)), "mxfp4a16", "compressed-tensors", 4),
        (groups((INT4, None), (INT8, None)), "w4a16+w8a16", "compressed-tensors", None),
        (
            groups((FP8, TOKEN_FP8), kv_cache_scheme={"num_bits": 8, "type": "float"}),
            "fp8-dynamic+kv-fp8",
            "compressed-tensors",
            8,
        ),
        ({"quant_method": "compressed-tensors", "config_groups": {"W4A16": ["Linear"]}}, "w4a16", "compressed-tensors", 4),
        ({"config_groups": {"FP8_DYNAMIC": ["Linear"]}}, "fp8-dynamic", "compressed-tensors", 8),
        # Sparse checkpoints: not quantised, so the weights have the bits of their dtype.
        (groups(sparsity_config={"format": "sparse-24-bitmask"}), "sparse-2:4", "compressed-tensors", None),
        (
            groups(sparsity_config={"format": "dense", "sparsity_structure": "0:0", "global_sparsity": 0.503}),
            "sparse-0.5",
            "compressed-tensors",
            None,
        ),
        (
            groups((FP8, TOKEN_FP8), sparsity_config={"format": "sparse-24-bitmask", "sparsity_structure": "2:4"}),
            "fp8-dynamic+sparse-2:4",
            "compressed-tensors",
            8,
        ),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "gptq-int4", "gptq", 4),
        ({"quant_method": "gptq", "bits": 3}, "gptq-int3", "gptq", 3),
        ({"quant_method": "awq", "bits": 4, "version": "gemm", "zero_point": True}, "awq-int4", "awq", 4),
        ({"quant_method": "awq", "w_bit": 4}, "awq-int4", "awq", 4),
        ({"quant_method": "auto-round", "bits": 2}, "auto-round-int2", "auto-round", 2),
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4}}}, "hqq-int4", "hqq", 4),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False}, "bnb-int8", "bitsandbytes", 8),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "bnb-nf4", "bitsandbytes", 4),
        ({"load_in_4bit": True}, "bnb-fp4", "bitsandbytes", 4),
        ({"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}, "fp8-dynamic", "fp8", 8),
        ({"quant_method": "fp8", "activation_scheme": "static"}, "fp8-static", "fp8", 8),
        ({"quant_method": "fbgemm_fp8"}, "fbgemm-fp8", "fbgemm_fp8", 8),
        ({"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}, "mxfp4", "mxfp4", 4),
        ({"quant_method": "quanto", "weights": "int4"}, "quanto-4bit", "quanto", 4),
        ({"quant_method": "torchao", "quant_type": "int8_weight_only"}, "torchao-8bit", "torchao", 8),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4", "modelopt", 4),
        ({"quant_method": "aqlm", "nbits_per_codebook": 16}, "aqlm", "aqlm", None),
        ({"quant_method": "brand_new"}, "brand-new", "brand_new", None),
    ],
)
def test_name_method_and_bits(quantization, name, method, bits):
    scheme = read_scheme(quantization)
    assert (scheme.name, scheme.method, scheme.bits) == (name, method, bits)
    assert scheme.name == scheme.name.lower()


def test_a_configuration_that_quantises_nothing_is_no_scheme():
    assert read_scheme(groups(sparsity_config={})) is None
    assert read_scheme({}) is None


def test_the_scheme_of_the_language_model_is_found_in_its_part():
    quantization = {"quant_method": "gptq", "bits": 4}
    assert quantization_of({"model_type": "llama"}) is None
    assert quantization_of({"quantization_config": quantization}) == quantization
    assert quantization_of({"compression_config": quantization}) == quantization
    assert quantization_of({"text_config": {"quantization_config": quantization}, "vision_config": {}}) == quantization
    assert quantization_of({"quantization_config": None}) is None


@pytest.mark.parametrize(
    ("ignored", "layer", "is_covered"),
    [
        ("lm_head", "model.layers.0.mlp.gate", True),
        ("model.layers.0.mlp.gate", "model.layers.0.mlp.gate", False),
        ("model.layers.1", "model.layers.10.mlp.gate", True),  # a part of a name is another layer
        ("model.layers.1", "model.layers.1.mlp.gate", False),
        ("gate", "model.layers.0.mlp.gate", False),
        ("re:.*gate$", "model.layers.0.mlp.gate", False),
        ("re:.*gate$", "model.layers.0.mlp.gate_proj", True),
        ("model.layers.*.self_attn", "model.layers.3.self_attn.q_proj", False),  # as gpt-oss writes it
        ("Linear", "model.layers.0.mlp.gate", False),
    ],
)
def test_ignored_layers_are_not_covered(ignored, layer, is_covered):
    for key in ("ignore", "modules_to_not_convert"):
        quantization = groups((INT4, None), ignore=[ignored]) if key == "ignore" else {"quant_method": "mxfp4", key: [ignored]}
        assert (read_scheme(quantization).covers(layer, "Linear") is not None) == is_covered


def test_each_layer_has_the_bits_of_its_group():
    scheme = read_scheme(
        {
            "quant_method": "compressed-tensors",
            "config_groups": {
                "group_0": {"targets": ["re:.*q_proj"], "weights": INT8},
                "group_1": {"targets": ["Linear"], "weights": INT4},
            },
        }
    )
    assert scheme.covers("model.layers.0.self_attn.q_proj", "Linear").bits == 8
    assert scheme.covers("model.layers.0.self_attn.k_proj", "Linear").bits == 4
    assert scheme.covers("model.layers.0.conv", "Conv1d") is None


def test_gptq_states_exceptions_by_expressions():
    scheme = read_scheme(
        {"quant_method": "gptq", "bits": 4, "dynamic": {"-:.*gate": {}, r"+:.*\.down": {"bits": 8}, ".*up": {"bits": 3}}}
    )
    assert scheme.covers("layers.0.gate", "Linear") is None
    assert [scheme.covers(f"layers.0.{name}", "Linear").bits for name in ("down", "up", "other")] == [8, 3, 4]
    only = read_scheme({"quant_method": "gptq", "bits": 4, "modules_in_block_to_quantize": [["q", "k"]]})
    assert only.covers("layers.0.q", "Linear").bits == 4
    assert only.covers("layers.0.v", "Linear") is None
