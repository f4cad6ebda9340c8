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


AQLM = {"quant_method": "aqlm", "in_group_size": 8, "out_group_size": 1}
QUARK_FP4 = {"weight": {"dtype": "fp4", "group_size": 32}}


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
        ({"quant_method": "modelopt_fp4", "quant_algo": "NVFP4"}, "nvfp4", "modelopt_fp4", 4),
        ({"quant_method": "modelopt", "quant_algo": "W4A16_AWQ"}, "w4a16-awq", "modelopt", 4),
        # Model Optimizer also writes groups as compressed-tensors does.
        ({**groups((FP4, FP4)), "quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4", "modelopt", 4),
        ({**groups((FP4, FP4), (FP8, TOKEN_FP8)), "quant_method": "modelopt"}, "nvfp4+fp8-dynamic", "modelopt", None),
        # SpQR: 3 bits unless another number is stated (arXiv 2306.03078 uses 2 to 4).
        ({"quant_method": "spqr", "bits": 3, "beta1": 16, "beta2": 16}, "spqr-3bit", "spqr", 3),
        ({"quant_method": "mxfp4", "bits": 4}, "mxfp4", "mxfp4", 4),
        ({"quant_method": "bitsandbytes"}, "bitsandbytes", "bitsandbytes", None),
        ({"quant_method": "bitsandbytes_4bit", "bnb_4bit_quant_type": "nf4"}, "bnb-nf4", "bitsandbytes", 4),
        ({"quant_method": "aqlm", "nbits_per_codebook": 16}, "aqlm", "aqlm", None),
        # AQLM's 1x16 with groups of 8 weights: 16 / 8 bits; 2x8: 2 * 8 / 8 (arXiv 2401.06118, section 4).
        ({**AQLM, "num_codebooks": 1, "nbits_per_codebook": 16}, "aqlm-2bit", "aqlm", 2),
        ({**AQLM, "num_codebooks": 2, "nbits_per_codebook": 8}, "aqlm-2bit", "aqlm", 2),
        ({"quant_method": "brand_new"}, "brand-new", "brand_new", None),
        # The bits are in the method's own name.
        ({"quant_method": "finegrained_fp8"}, "finegrained-fp8", "finegrained_fp8", 8),
        ({"quant_method": "w4afp8"}, "w4afp8", "w4afp8", 4),
        ({"quant_method": "quark", "global_quant_config": QUARK_FP4}, "quark-4bit", "quark", 4),
        ({"quant_method": "quark", "global_quant_config": QUARK_FP4, "layer_quant_config": {"x": {}}}, "quark", "quark", None),
        # The packed formats of Marlin for 2:4.
        ({**groups((INT4, None)), "format": "marlin-24"}, "w4a16+sparse-2:4", "compressed-tensors", 4),
        ({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin_24"}, "gptq-int4+sparse-2:4", "gptq", 4),
        ({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}, "fp8+kv-fp8", "modelopt", 8),
        ({"quant_method": "modelopt", "quant_algo": None, "kv_cache_quant_algo": "FP8"}, "kv-fp8", "modelopt", None),
        ({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4"}}, "nvfp4", "modelopt", 4),
        (groups(transform_config={"config_groups": {"R1": {}}}), "transformed", "compressed-tensors", None),
        # What it does is not known, but it is not an ordinary checkpoint.
        ({"quant_method": None, "group_size": 64}, "quantised", "unknown", None),
    ],
)
def test_name_method_and_bits(quantization, name, method, bits):
    scheme = read_scheme(quantization)
    assert (scheme.name, scheme.method, scheme.bits) == (name, method, bits)
    assert scheme.name == scheme.name.lower()


@pytest.mark.parametrize(
    ("kind", "bits"),
    [
        ("int4_weight_only", 4),
        ("int8_dynamic_activation_int4_weight", 4),
        ("int8_dynamic_activation_int8_weight", 8),
        ("autoquant", None),
        ({"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 128}}, 4),
        ({"_type": "Int8DynamicActivationInt4WeightConfig", "_data": {"group_size": 32}}, 4),
        ({"_type": "Float8DynamicActivationInt4WeightConfig", "_data": {}}, 4),
        ({"_type": "Float8DynamicActivationFloat8WeightConfig", "_data": {"activation_dtype": {"_data": "float8_e4m3fn"}}}, 8),
        # These names have no bits for the weights; a field has.
        ({"_type": "Int8DynamicActivationIntxWeightConfig", "_data": {"weight_dtype": {"_data": "int3"}}}, 3),
        ({"_type": "IntxWeightOnlyConfig", "_data": {"weight_dtype": {"_data": "int2", "_type": "torch.dtype"}}}, 2),
        ({"_type": "UIntXWeightOnlyConfig", "_data": {"dtype": {"_data": "uint6", "_type": "torch.dtype"}}}, 6),
        ({"_type": "GemliteUIntXWeightOnlyConfig", "_data": {"bit_width": 4}}, 4),
        ({"_type": "Int8DynamicActivationIntxWeightConfig", "_data": {}}, None),
    ],
)
def test_torchao_states_the_bits_of_the_activations_first(kind, bits):
    for written in (kind, {"default": kind}):
        scheme = read_scheme({"quant_method": "torchao", "quant_type": written})
        assert (scheme.name, scheme.bits) == (f"torchao-{bits}bit" if bits else "torchao", bits)


@pytest.mark.parametrize("key", ["module_fqn_to_config", "fqn_to_config"])
def test_torchao_states_a_configuration_for_each_layer(key):
    int4, int8 = {"_type": "Int4WeightOnlyConfig"}, {"_type": "Int8WeightOnlyConfig"}
    of_layer = {
        "_default": int4,
        "re:layers\\..\\.up": int8,
        "layers.0.up": int4,
        "layers.0.down": None,
        "layers.1.down.weight": int8,
    }
    record = {"_type": "FqnToConfig", "_data": {key: of_layer}}
    scheme = read_scheme({"quant_method": "torchao", "quant_type": {"default": record}})
    assert (scheme.name, scheme.bits) == ("torchao", None)
    found = [bits_at(scheme, f"layers.{name}") for name in ("0.up", "1.up", "1.upper", "0.down", "1.down")]
    assert found == [4, 8, 4, None, 8]


def bits_at(scheme, layer):
    """Return the bits of a linear layer, None if it is not quantised."""
    group = scheme.covers(layer, "Linear")
    return group and group.bits


def test_auto_round_states_exceptions_by_names_and_by_expressions():
    extra = {
        ".*mlp.*": {"bits": 8},
        "layers.0.mlp.up": {"bits": 2},
        "layers.0.q": {"bits": 16},
        "layers.1.q": {"group_size": 32},
    }
    scheme = read_scheme({"quant_method": "auto-round", "bits": 4, "extra_config": extra})
    assert (scheme.name, scheme.bits) == ("auto-round-int4", None)
    found = [bits_at(scheme, f"model.layers.{name}") for name in ("0.mlp.up", "0.mlp.upper", "1.mlp.up", "0.q", "1.q", "1.k")]
    assert found == [2, 8, 8, None, 4, 4]
    same = {"layers.0.q": {"bits": 4}, "lm_head": {"bits": 16, "data_type": "float"}}
    assert read_scheme({"quant_method": "auto-round", "bits": 4, "extra_config": same}).bits == 4


def test_hqq_states_skipped_layers_and_settings_by_the_end_of_a_name():
    params = {bits: {"weight_quant_params": {"nbits": bits, "group_size": 64}} for bits in (4, 8)}
    scheme = read_scheme({"quant_method": "hqq", "quant_config": params[4], "skip_modules": ["lm_head", "down_proj"]})
    assert [bits_at(scheme, f"model.layers.0.mlp.{name}") for name in ("up_proj", "down_proj")] == [4, None]
    ends = {"self_attn.q_proj": params[4], "mlp.up_proj": params[8]}
    scheme = read_scheme({"quant_method": "hqq", "quant_config": ends, "skip_modules": ["lm_head"]})
    layers = ("self_attn.q_proj", "mlp.up_proj", "mlp.down_proj")
    assert [bits_at(scheme, f"model.layers.0.{name}") for name in layers] == [4, 8, None]


def test_a_name_alone_is_a_list_with_one_name():
    group = {"targets": "Linear", "weights": INT4}
    for written in ({"group_0": group}, {"W4A16": "Linear"}):
        scheme = read_scheme({"quant_method": "compressed-tensors", "config_groups": written, "ignore": "lm_head"})
        assert [bits_at(scheme, name) for name in ("model.layers.0.up", "lm_head")] == [4, None]


def test_model_optimizer_states_an_algorithm_for_each_layer():
    layers = {"layers.0.up": {"quant_algo": "W4A16_AWQ"}, "layers.1.up": {"quant_algo": "FP8"}}
    mixed = {
        "quant_method": "modelopt",
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": layers,
        "exclude_modules": ["*head*"],
    }
    scheme = read_scheme(mixed)
    assert (scheme.name, scheme.method) == ("mixed-precision", "modelopt")
    assert [bits_at(scheme, name) for name in ("layers.0.up", "layers.1.up", "layers.2.up", "lm_head")] == [4, 8, None, None]


def test_a_configuration_that_quantises_nothing_is_no_scheme():
    assert read_scheme(groups(sparsity_config={})) is None
    # transformers loads such a checkpoint as an ordinary one.
    assert read_scheme({"quant_method": "bitsandbytes", "load_in_4bit": False, "load_in_8bit": False}) is None
    assert read_scheme({}) is None


def test_the_scheme_of_the_language_model_is_found_in_its_part():
    quantization = {"quant_method": "gptq", "bits": 4}
    assert quantization_of({"model_type": "llama"}) is None
    # MLX has a key of its own.
    assert read_scheme(quantization_of({"quantization": {"group_size": 64, "bits": 4}})).name == "quantised-4bit"
    assert quantization_of({"quantization_config": quantization}) == quantization
    assert quantization_of({"compression_config": quantization}) == quantization
    assert quantization_of({"text_config": {"quantization_config": quantization}, "vision_config": {}}) == quantization
    assert quantization_of({"quantization_config": None}) is None


@pytest.mark.parametrize(
    ("key", "quantization"),
    [
        ("ignore", groups((INT4, None))),
        ("modules_to_not_convert", {"quant_method": "mxfp4"}),
        ("llm_int8_skip_modules", {"quant_method": "bitsandbytes", "load_in_8bit": True}),
        ("skip_modules", {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4}}}),
        ("ignored_layers", {"quant_method": "fp8"}),
        ("exclude_modules", {"quant_method": "modelopt", "quant_algo": "NVFP4"}),
        ("exclude", {"quant_method": "quark", "bits": 4}),
        ("linear_weights_not_to_quantize", {"quant_method": "aqlm"}),
    ],
)
def test_ignored_layers_are_not_covered(key, quantization):
    scheme = read_scheme({**quantization, key: ["gate", "model.layers.1"]})
    layers = ("model.layers.0.mlp.up", "model.layers.0.mlp.gate", "model.layers.1.mlp.up", "model.layers.10.mlp.up")
    assert [scheme.covers(layer, "Linear") is not None for layer in layers] == [True, False, False, True]


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
