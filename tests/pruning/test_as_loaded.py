"""Models that are not pruned here, or not only: quantised by another tool, with an adapter, quantised while loading."""

from __future__ import annotations

import pytest
import torch
from lm_eval.api.instance import Instance
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.arguments import HF_NOT_WITH_PRUNING
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.models.pruned import resolve_checkpoint
from lm_eval_illusion.pruning.as_loaded import measure_loaded
from tests.quantised_checkpoints import save_adapter, save_int4, save_quantised
from tests.tiny_models import save_tiny

REQUEST = ("Question: In which country is the city of Paris?\nAnswer:", " France")


def run(folder, **arguments):
    """Score one continuation and return the provenance and the score."""
    model = PrunedHFLM(str(folder), pruner="none", device="cpu", **arguments)
    ((score, _),) = model.loglikelihood([Instance("loglikelihood", {}, REQUEST, 0)], disable_tqdm=True)
    return model.get_model_info()["illusion"], score


def resolved(folder, **arguments):
    return resolve_checkpoint(str(folder), arguments, HF_NOT_WITH_PRUNING).manifest


def test_the_dense_model(dense):
    info, _ = run(dense)
    assert (info["variant"], info["pruner"], info["bits_measured"], info["sparsity_measured"]) == ("dense", "none", 32.0, 0.0)
    assert info["changes"] == []
    assert set(info["base_identity"]) == {"weights", "tokenizer"}


def test_a_packed_checkpoint_is_named_by_its_scheme_and_has_its_bits_and_zeros(dense, models):
    folder = save_int4(dense, models / "packed", ignore=("re:.*down_proj",))
    info, _ = run(folder)
    assert (info["variant"], info["pruner"], info["sparsity_requested"]) == ("w4a16", "compressed-tensors", None)
    assert info["bits_measured"] == pytest.approx((44_800 * 4 + 12_800 * 32) / 57_600)
    # Eight numbers of 4 bits in an int32, each plus 8: a nibble of 8 is a weight of 0.
    tensors = load_file(folder / "model.safetensors")
    packed = [tensor for name, tensor in tensors.items() if name.endswith("weight_packed")]
    zeros = sum(int((((tensor >> (4 * place)) & 15) == 8).sum()) for tensor in packed for place in range(8))
    zeros += sum(int((tensor == 0).sum()) for name, tensor in tensors.items() if name.endswith("down_proj.weight"))
    assert zeros > 0
    assert info["sparsity_measured"] == pytest.approx(zeros / (2 * 57_600))


def test_before_packed_weights_are_unpacked_their_sparsity_is_unknown(dense, models):
    folder = save_int4(dense, models / "unread")
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert not hasattr(model.model.layers[0].self_attn.q_proj, "weight")
    manifest = resolved(folder, pruner="none")
    assert measure_loaded(model, manifest) == {"sparsity_measured": None, "bits_measured": 4.0}


def test_an_fp8_checkpoint(dense, models):
    folder = save_quantised(dense, models / "fp8", scheme="FP8_DYNAMIC")
    info, _ = run(folder)
    assert (info["variant"], info["pruner"], info["bits_measured"]) == ("fp8-dynamic", "compressed-tensors", 8.0)
    assert info["sparsity_measured"] < 0.001
    # The scales are not multiplied in before the first forward pass.
    unread = AutoModelForCausalLM.from_pretrained(folder)
    assert unread.model.layers[0].self_attn.q_proj.weight.dtype == torch.float8_e4m3fn
    assert measure_loaded(unread, resolved(folder, pruner="none"))["sparsity_measured"] is None


def test_an_adapter_is_a_variant_of_the_same_base_model(dense, models):
    dense_info, dense_score = run(dense)
    first, second = (save_adapter(dense, models / str(seed) / "french", seed) for seed in (1, 2))
    info, score = run(dense, peft=str(first))
    assert score != pytest.approx(dense_score, abs=1e-3)
    assert (info["variant"], info["pruner"], info["base_model"]) == ("peft-french", "peft", str(dense))
    assert info["base_identity"] == dense_info["base_identity"]
    # The matrices of an adapter are added to the weights, so the zeros of neither are zeros of the model.
    assert (info["sparsity_measured"], info["bits_measured"]) == (None, 32.0)
    (change,) = info["changes"]
    assert (change["argument"], change["value"]) == ("peft", str(first))
    contents = [resolved(dense, pruner="none", peft=str(folder)).changes[0].content for folder in (first, second)]
    assert contents[0] == change["content"] != contents[1]


def test_an_adapter_that_does_not_exist_is_refused_before_the_model_is_loaded(dense, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"'org/none' is neither a folder nor a model on the hub or in its cache"):
        resolved(dense, pruner="none", peft="org/none")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"load_in_8bit": True}, ("bnb-int8", "bitsandbytes", 8)),
        ({"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, ("bnb-nf4", "bitsandbytes", 4)),
        ({"quantization": "fp8"}, ("fp8", "fp8", 8)),
        ({"kv_cache_dtype": "fp8"}, ("kv-fp8", "kv-cache", None)),
        ({"load_in_8bit": False, "load_in_4bit": None}, ("dense", "none", None)),
    ],
)
def test_quantisation_while_loading_is_a_variant(dense, arguments, expected):
    manifest = resolved(dense, pruner="none", **arguments)
    assert (manifest.variant, manifest.pruner, manifest.bits_measured) == expected


@pytest.mark.parametrize(
    "arguments", [{"load_in_8bit": True}, {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}]
)
def test_quantisation_while_loading_reaches_transformers(dense, arguments, monkeypatch):
    for bits in (4, 8):
        monkeypatch.setattr(f"transformers.quantizers.quantizer_bnb_{bits}bit.is_bitsandbytes_available", lambda: False)
    # Without bitsandbytes: its quantiser was chosen, and says what it needs.
    with pytest.raises(UserError, match=r"dense can't be loaded \(.*bitsandbytes"):
        PrunedHFLM(str(dense), pruner="none", device="cpu", **arguments)


def test_a_delta_is_a_variant(dense, models):
    delta = save_tiny("llama", models / "more-delta")
    manifest = resolved(dense, pruner="none", delta=str(delta))
    assert (manifest.variant, manifest.pruner) == ("delta-more-delta", "delta")


def test_a_pruned_model_that_is_quantised_while_loading_is_not_the_pruned_model(dense, models):
    wanda = {
        "pruner": "wanda",
        "sparsity": 0.5,
        "calibration": "embedded",
        "calibration_samples": 8,
        "calibration_length": 64,
        "store": str(models / "store"),
    }
    pruned, quantised = resolved(dense, **wanda), resolved(dense, **wanda, load_in_8bit=True)
    assert pruned.key == quantised.key
    assert (pruned.variant, pruned.pruner) == ("wanda-0.5,text=embedded,samples=8,length=64", "wanda")
    assert (quantised.variant, quantised.pruner, quantised.bits_measured) == (
        "wanda-0.5,text=embedded,samples=8,length=64+bnb-int8",
        "wanda+bitsandbytes",
        8,
    )
    assert (pruned.sparsity_measured, quantised.sparsity_measured) == (pytest.approx(0.5, abs=0.005), None)
    assert pruned.base_identity == resolved(dense, pruner="none").base_identity
    # A quantised cache changes answers, not weights.
    cached = resolved(dense, **wanda, kv_cache_dtype="fp8")
    assert (cached.variant, cached.sparsity_measured, cached.bits_measured) == (
        "wanda-0.5,text=embedded,samples=8,length=64+kv-fp8",
        pruned.sparsity_measured,
        pruned.bits_measured,
    )


def test_vllms_argument_for_a_quantised_checkpoint_only_names_its_method(dense, models):
    folder = save_int4(dense, models / "named")
    manifest = resolved(folder, pruner="none", quantization="compressed-tensors")
    assert (manifest.variant, manifest.bits_measured, manifest.changes) == ("w4a16", 4.0, [])


def test_the_dtype_of_the_run_is_that_of_the_layers_that_are_left_out(dense, models):
    folder = save_int4(dense, models / "half", ignore=("re:.*down_proj",))
    manifest = resolved(folder, pruner="none", dtype="bfloat16")
    assert manifest.bits_measured == pytest.approx((44_800 * 4 + 12_800 * 16) / 57_600)
    assert resolved(folder, pruner="none", dtype=torch.float16).bits_measured == manifest.bits_measured


def test_a_folder_of_prune_is_the_variant_that_was_pruned(dense, models, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(models / "store"))
    out = models / "out"
    assert main(["prune", "--pretrained", str(dense), "--pruner", "magnitude", "--sparsity", "0.5", "--out", str(out)]) == 0
    info, score = run(out)
    assert (info["base_model"], info["variant"], info["pruner"]) == (str(dense), "magnitude-0.5", "magnitude")
    assert (info["sparsity_requested"], info["bits_measured"]) == (0.5, 32.0)
    assert info["sparsity_measured"] == pytest.approx(0.5, abs=0.01)
    # It is the checkpoint of the store: the same key, and the base model's content.
    model = PrunedHFLM(str(dense), pruner="magnitude", sparsity=0.5, device="cpu")
    ((stored, _),) = model.loglikelihood([Instance("loglikelihood", {}, REQUEST, 0)], disable_tqdm=True)
    of_store = model.get_model_info()["illusion"]
    assert {name: info[name] for name in ("key", "base_identity")} == {
        name: of_store[name] for name in ("key", "base_identity")
    }
    assert score == stored
    # With an adapter or quantised while loading, it is that, too.
    assert resolved(out, pruner="none", peft=str(save_adapter(dense, models / "on-out"))).variant == "magnitude-0.5+peft-on-out"
    # Pruned once more, it is a base model of its own.
    assert resolved(out, pruner="magnitude", sparsity=0.6).base_model == str(out)


def test_a_pruned_folder_that_was_changed_later_is_refused(dense, models, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(models / "store"))
    out = models / "changed"
    assert main(["prune", "--pretrained", str(dense), "--pruner", "magnitude", "--sparsity", "0.5", "--out", str(out)]) == 0
    (out / "config.json").write_text((out / "config.json").read_text().replace("{", '{"changed": 1,', 1))
    with pytest.raises(UserError, match=r"is not about the config\.json beside it"):
        resolved(out, pruner="none")
