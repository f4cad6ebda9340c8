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
