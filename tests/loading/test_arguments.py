"""Model arguments that make another model of the base model, in the forms that results files hold them."""

from __future__ import annotations

import pytest

from lm_eval_illusion.loading.arguments import changed_name, changed_pruner, changes_of, read_model_args


def described(model_args):
    changes = changes_of(read_model_args(model_args))
    bits = [change.bits for change in changes if change.is_quantisation]
    return changed_name("dense", changes), changed_pruner("none", changes), bits[-1] if bits else None


@pytest.mark.parametrize(
    ("model_args", "expected"),
    [
        ("pretrained=org/m", ("dense", "none", None)),
        ({"pretrained": "org/m", "dtype": "auto", "revision": "v2"}, ("dense", "none", None)),
        ("pretrained=org/m,peft=runs/french", ("peft-french", "peft", None)),
        ({"pretrained": "org/m", "peft": "runs/my french, old/"}, ("peft-my-french-old", "peft", None)),
        ("pretrained=org/m,lora_local_path=/a/b", ("peft-b", "peft", None)),
        ("pretrained=org/m,delta=org/m-delta", ("delta-m-delta", "delta", None)),
        ("pretrained=org/m,load_in_8bit=True", ("bnb-int8", "bitsandbytes", 8)),
        ("pretrained=org/m,load_in_8bit=False,peft=None", ("dense", "none", None)),
        ({"pretrained": "org/m", "load_in_8bit": False, "load_in_4bit": True}, ("bnb-fp4", "bitsandbytes", 4)),
        ("pretrained=org/m,load_in_4bit=True,bnb_4bit_quant_type=nf4", ("bnb-nf4", "bitsandbytes", 4)),
        ('{"pretrained": "org/m", "load_in_8bit": true}', ("bnb-int8", "bitsandbytes", 8)),
        (
            {"pretrained": "m", "quantization_config": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}},
            ("bnb-nf4", "bitsandbytes", 4),
        ),
        (
            {"pretrained": "m", "quantization_config": {"quant_method": "quanto", "weights": "int8"}},
            ("quanto-8bit", "quanto", 8),
        ),
        # Both switches are off: transformers quantises nothing. Without a method, what happens is unknown.
        (
            {"pretrained": "m", "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": False}},
            ("dense", "none", None),
        ),
        ({"pretrained": "m", "quantization_config": {"group_size": 64}}, ("quantised", "unknown", None)),
        ("pretrained=org/m,autogptq=True", ("gptq", "gptq", None)),
        ("pretrained=org/m,gptqmodel=True", ("gptq", "gptq", None)),
        ("pretrained=org/m,gguf_file=m-Q4_K_M.gguf", ("gguf-m-Q4_K_M", "gguf", None)),
        ("pretrained=/a/m-Q8_0.gguf", ("gguf-m-Q8_0", "gguf", None)),
        ("pretrained=org/m,quantization=fp8", ("fp8", "fp8", 8)),
        ("pretrained=org/m,quantization=awq_marlin", ("awq-marlin", "awq_marlin", None)),
        ("pretrained=org/m,quantization=None,kv_cache_dtype=auto", ("dense", "none", None)),
        ("pretrained=org/m,kv_cache_dtype=bfloat16", ("dense", "none", None)),
        ("pretrained=org/m,kv_cache_dtype=fp8", ("kv-fp8", "kv-cache", None)),
        ("pretrained=org/m,load_in_4bit=1,peft=french", ("bnb-fp4+peft-french", "bitsandbytes+peft", 4)),
        (None, ("dense", "none", None)),
    ],
)
def test_each_argument_names_a_variant_of_its_own(model_args, expected):
    assert described(model_args) == expected


def test_a_pruned_model_keeps_its_name_in_front():
    changes = changes_of({"load_in_8bit": True})
    assert changed_name("wanda-0.6", changes) == "wanda-0.6+bnb-int8"
    assert changed_pruner("wanda", changes) == "wanda+bitsandbytes"
    assert (changed_name("wanda-0.6", ()), changed_pruner("wanda", ())) == ("wanda-0.6", "wanda")


NF4 = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("peft=runs/french", "lora_local_path=./runs/french/", True),
        ("peft=runs/french", "peft=other/french", False),
        ("peft=french", "delta=french", False),
        ("gguf_file=m.Q4_1.gguf", "gguf_file=./m.Q4_1.gguf", True),
        ("quantization=fp8", "quantization=FP8", True),
        ("quantization=awq_marlin", "quantization=awq-marlin", True),
        ("quantization=awq", "quantization=awq_marlin", False),
        ("load_in_8bit=true", {"load_in_8bit": True}, True),
        ("autogptq=1", {"autogptq": True}, True),
        ("autogptq=a.safetensors", "autogptq=b.safetensors", False),
        # fp4 and float32 are the defaults of bitsandbytes' configuration in transformers.
        ("load_in_4bit=True", {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False}, True),
        ("load_in_4bit=True", "load_in_4bit=True,bnb_4bit_compute_dtype=torch.float32", True),
        ("load_in_4bit=True", "load_in_4bit=True,bnb_4bit_compute_dtype=bfloat16", False),
        # The scales are quantised, too: other weights.
        (NF4, {**NF4, "bnb_4bit_use_double_quant": True}, False),
        (NF4, {"quantization_config": {"bnb_4bit_quant_type": "nf4", "load_in_4bit": True}}, True),
        (NF4, {"quantization_config": {**NF4, "bnb_4bit_use_double_quant": True}}, False),
        # 6 is the default threshold for outliers, 0 means that there are none.
        ("load_in_8bit=True", "load_in_8bit=True,llm_int8_threshold=6", True),
        ("load_in_8bit=True", "load_in_8bit=True,llm_int8_threshold=0", False),
        (
            {"quantization_config": {"quant_method": "quanto", "weights": "int8"}},
            {"quantization_config": {"weights": "int8", "quant_method": "quanto"}},
            True,
        ),
    ],
)
def test_a_change_is_known_by_what_it_does_however_it_is_spelled(one, other, is_same):
    (first,), (second,) = changes_of(read_model_args(one)), changes_of(read_model_args(other))
    assert (first.identity == second.identity) == is_same
