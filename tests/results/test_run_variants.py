"""The variant that a run evaluated: what its results file says about adapters, quantisation and dtype."""

from __future__ import annotations

import pytest

from lm_eval_illusion import cross_tabulate, load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.runs import find_runs
from tests.lm_eval_files import DENSE, PRUNED, hits, write_run

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0)}
LATER = "2026-11-23T11-00-00.000000"


def variant_of(folder, **run):
    write_run(folder, VIEWS, **run)
    return find_runs([folder])[0].variant


def stock(model_args, model="hf", **config):
    return {"illusion": None, "config": {"model": model, "model_args": model_args, **config}}


@pytest.mark.parametrize(
    ("model", "model_args", "variant", "pruner", "bits", "is_dense"),
    [
        ("hf", "pretrained=org/m,dtype=bfloat16", "dense", "none", None, True),
        ("hf", "pretrained=org/m,peft=runs/french", "peft-french", "peft", None, False),
        (
            "hf",
            {"pretrained": "org/m", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
            "bnb-nf4",
            "bitsandbytes",
            4,
            False,
        ),
        ("hf", {"pretrained": "org/m", "load_in_8bit": False}, "dense", "none", None, True),
        ("vllm", "pretrained=org/m,quantization=fp8", "fp8", "fp8", 8, False),
        ("vllm", "pretrained=org/m,lora_local_path=/a/b/", "peft-b", "peft", None, False),
    ],
)
def test_a_run_of_another_model_class_is_dense_only_if_nothing_changes_the_model(
    tmp_path, model, model_args, variant, pruner, bits, is_dense
):
    found = variant_of(tmp_path, **stock(model_args, model))
    assert (found.base_model, found.variant, found.pruner, found.bits_measured) == ("org/m", variant, pruner, bits)
    assert (found.is_dense, found.beams_are_top1) == (is_dense, True)


def test_dense_and_adapter_are_compared_like_a_pruned_variant(tmp_path):
    write_run(tmp_path, VIEWS, **stock("pretrained=org/m"))
    write_run(tmp_path, {**VIEWS, "gen": hits("match", a=0, b=0)}, **stock("pretrained=org/m,peft=french"), date=LATER)
    report = cross_tabulate(load_outcomes([tmp_path]))
    by_variant = {row["variant"]: row for row in report["rows"] if row["language"] == "all"}
    # Dense produces a; the adapter loses it and still recognises it.
    assert by_variant["dense"]["vs_dense"] is None
    assert by_variant["peft-french"]["vs_dense"]["known"] == 1
    assert by_variant["peft-french"]["vs_dense"]["induced_recognition_only"] == 1
    assert {entry["variant"]: entry["pruner"] for entry in report["variants"]} == {"dense": "none", "peft-french": "peft"}


def test_two_adapters_of_one_name_are_two_models(tmp_path):
    change = {"argument": "peft", "value": "a/french", "content": "1"}
    ours = {**DENSE, "variant": "peft-french", "pruner": "peft"}
    write_run(tmp_path, {"mc": VIEWS["mc"]}, illusion={**ours, "changes": [change]})
    write_run(tmp_path, {"gen": VIEWS["gen"]}, illusion={**ours, "changes": [{**change, "content": "2"}]}, date=LATER)
    with pytest.raises(UserError, match="are both runs of variant peft-french of tiny"):
        load_outcomes([tmp_path])


def test_one_adapter_in_two_places_is_one_model(tmp_path):
    change = {"argument": "peft", "value": "a/french", "content": "1"}
    ours = {**DENSE, "variant": "peft-french", "pruner": "peft"}
    write_run(tmp_path, {"mc": VIEWS["mc"]}, illusion={**ours, "changes": [change]})
    moved = {**change, "argument": "lora_local_path", "value": "b/french"}
    write_run(tmp_path, {"gen": VIEWS["gen"]}, illusion={**ours, "changes": [moved]}, date=LATER)
    assert len(load_outcomes([tmp_path])) == 2


def test_a_file_of_an_earlier_version_with_an_adapter_is_not_dense_either(tmp_path):
    arguments = {"model": "pruned-hf", "model_args": "pretrained=tiny,pruner=none,peft=a/french"}
    found = variant_of(tmp_path / "1", illusion=DENSE, config=arguments)
    assert (found.variant, found.pruner, found.is_dense) == ("peft-french", "peft", False)
    arguments = {"model": "pruned-vllm", "model_args": "pretrained=tiny,pruner=wanda,quantization=fp8"}
    assert variant_of(tmp_path / "2", illusion=PRUNED, config=arguments).variant == "wanda-0.6+fp8"
    # A checkpoint that was quantised before: the argument only tells vLLM how.
    scheme = {**DENSE, "variant": "w4a16", "pruner": "compressed-tensors"}
    arguments = {"model": "pruned-vllm", "model_args": "pretrained=tiny,pruner=none,quantization=compressed-tensors"}
    assert variant_of(tmp_path / "3", illusion=scheme, config=arguments).variant == "w4a16"


def test_the_dtype_is_ours_or_that_of_lm_evals_results_file(tmp_path):
    assert variant_of(tmp_path / "1", illusion={**PRUNED, "dtype": "bfloat16"}).dtype == "bfloat16"
    assert variant_of(tmp_path / "2", illusion=PRUNED).dtype is None
    assert variant_of(tmp_path / "5", illusion=PRUNED, config={"model_dtype": "torch.bfloat16"}).dtype == "bfloat16"
    assert variant_of(tmp_path / "3", **stock("pretrained=m", model_dtype="torch.float16")).dtype == "float16"
    assert variant_of(tmp_path / "4", **stock("pretrained=m", model="vllm")).dtype is None


def test_the_dtype_is_in_the_report(tmp_path):
    write_run(tmp_path, VIEWS, illusion={**DENSE, "dtype": "bfloat16"})
    (entry,) = cross_tabulate(load_outcomes([tmp_path]))["variants"]
    assert entry["dtype"] == "bfloat16"


@pytest.mark.parametrize(
    ("quantization", "message"),
    [
        ({"quant_method": "compressed-tensors", "config_groups": [1]}, r"\.config_groups is a list of 1, not an object"),
        ({"quant_method": "compressed-tensors", "kv_cache_scheme": "x"}, r'\.kv_cache_scheme is "x", not an object'),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": 3}}},
            r"\.config_groups\[\.\.\.\]\.weights is",
        ),
        ({"quant_method": "gptq", "dynamic": [1]}, r"\.dynamic is a list of 1, not an object"),
        ({"quant_method": "auto-round", "extra_config": {"x": 4}}, r"\.extra_config\[\.\.\.\] is"),
        ({"quant_method": "gptq", "ignore": [3]}, r" can't be read \(TypeError"),
    ],
)
def test_a_quantisation_that_can_not_be_read(tmp_path, quantization, message):
    config = {"model": "hf", "model_args": {"pretrained": "m", "quantization_config": quantization}}
    with pytest.raises(UserError, match=rf"results_.*: config\.model_args\.quantization_config{message}"):
        variant_of(tmp_path, illusion=None, config=config)
