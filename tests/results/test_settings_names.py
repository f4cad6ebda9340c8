"""Runs in one report whose variants have one name and other settings."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results import load_outcomes
from tests.lm_eval_files import DENSE, hits, write_run

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0)}
NF4 = {"pretrained": "org/m", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}


def variants(folder, *model_args, ours=None):
    """The variants of runs of stock `hf`, or of our class with the provenance `ours`."""
    for number, each in enumerate(model_args):
        model = {} if ours else {"model": "hf"}
        write_run(folder, VIEWS, illusion=ours, config={**model, "model_args": each}, date=f"2026-11-23T1{number}-00-00.000000")
    return sorted({outcome.variant.variant for outcome in load_outcomes([folder])})


@pytest.mark.parametrize(
    ("model_args", "names"),
    [
        # Transformers' defaults: no double quantisation, float32. What all runs have is not in the names.
        (
            [NF4, {**NF4, "bnb_4bit_use_double_quant": True}, {**NF4, "bnb_4bit_use_double_quant": False, "peft": "french"}],
            ["bnb-nf4", "bnb-nf4+peft-french", "bnb-nf4,use_double_quant=true"],
        ),
        (
            [
                {**NF4, "bnb_4bit_compute_dtype": "bfloat16", "bnb_4bit_use_double_quant": "True"},
                {**NF4, "bnb_4bit_compute_dtype": "float16", "bnb_4bit_use_double_quant": "True"},
            ],
            ["bnb-nf4,compute_dtype=bfloat16", "bnb-nf4,compute_dtype=float16"],
        ),
        (
            ["pretrained=m,load_in_8bit=True,llm_int8_threshold=0", "pretrained=m,load_in_8bit=1"],
            ["bnb-int8", "bnb-int8,threshold=0.0"],
        ),
        (
            [
                {
                    "pretrained": "m",
                    "quantization_config": {"quant_method": "hqq", "weight_config": {"nbits": 4, "group_size": size}},
                }
                for size in (32, 64)
            ],
            ["hqq,weight_config.group_size=32", "hqq,weight_config.group_size=64"],
        ),
        (
            ["pretrained=m,peft=a/french", "pretrained=m,peft=b/french"],
            ["peft-french,peft=a-french", "peft-french,peft=b-french"],
        ),
    ],
    ids=["double", "dtype", "int8", "config", "adapters"],
)
def test_settings_tell_variants_apart(tmp_path, model_args, names):
    assert variants(tmp_path, *model_args) == names


def test_those_of_our_model_classes_too(tmp_path):
    ours = {
        **DENSE,
        "variant": "bnb-nf4",
        "pruner": "bitsandbytes",
        "changes": [{"argument": "load_in_4bit", "value": "True", "content": None}],
    }
    double = {**NF4, "bnb_4bit_use_double_quant": True}
    assert variants(tmp_path, NF4, double, ours=ours) == ["bnb-nf4", "bnb-nf4,use_double_quant=true"]


def test_a_setting_that_nothing_else_has_is_not_in_the_name(tmp_path):
    assert variants(tmp_path, {**NF4, "bnb_4bit_use_double_quant": True}) == ["bnb-nf4"]


def test_one_variant_twice_is_still_refused(tmp_path):
    with pytest.raises(UserError, match="are both runs of variant bnb-nf4 of org/m"):
        variants(tmp_path, NF4, {**NF4, "bnb_4bit_compute_dtype": "torch.float32"})
