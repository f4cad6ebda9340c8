"""Checkpoints in the formats that people publish, evaluated by `pruned-hf` with `pruner=none` and by lm_eval's own `hf`."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from lm_eval.api.instance import Instance
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.results.runs import as_variants_of, find_runs
from tests.lm_eval_files import hits, write_run
from tests.lm_eval_runs import run_lm_eval
from tests.quantised_checkpoints import INT4, save_quantised
from tests.tiny_models import save_tiny

REQUEST = ("Question: In which country is the city of Paris?\nAnswer:", " France")
W4A16 = {"config_groups": {"group_0": {"targets": ["Linear"], "weights": INT4}}}
STATIC_FP8 = {"scheme": "FP8", "calibrated": True}
NVFP4 = {"scheme": "NVFP4", "calibrated": True, "dtype": "bfloat16"}


def score(folder, **arguments):
    model = PrunedHFLM(str(folder), pruner="none", device="cpu", **arguments)
    ((found, _),) = model.loglikelihood([Instance("loglikelihood", {}, REQUEST, 0)], disable_tqdm=True)
    return found, model.get_model_info()["illusion"]


def option_scores(results_file):
    (samples,) = results_file.parent.glob("samples_*_mc_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    return [float(option) for row in rows for option, _ in row["filtered_resps"]]


@pytest.mark.parametrize(
    ("scheme", "name", "bits"),
    [({"scheme": "W8A8"}, "w8a8", 8), (W4A16, "w4a16", 4), (STATIC_FP8, "fp8", 8), (NVFP4, "nvfp4", 4)],
)
def test_a_run_of_ours_and_one_of_stock_hf(dense, models, tmp_path, scheme, name, bits):
    folder = save_quantised(dense, models / f"model-{name}", **scheme)
    ours = run_lm_eval(tmp_path / "ours", "pruned-hf", {"pretrained": str(folder), "pruner": "none"})
    stock = run_lm_eval(tmp_path / "stock", "hf", f"pretrained={folder}")
    for results_file in (ours, stock):
        (run,) = find_runs([results_file.parent])
        variant = run.variant
        # Neither is dense. Weights of 8 or 4 bits in every counted layer; scales are not counted, as for other checkpoints.
        assert (variant.key, variant.pruner, variant.bits_measured) == ((str(folder), name), "compressed-tensors", bits)
        assert (variant.engine, variant.dtype) == ("hf", scheme.get("dtype", "float32"))
    assert option_scores(ours) == pytest.approx(option_scores(stock), rel=0.02 if name == "nvfp4" else 1e-4)
    (named,) = {outcome.variant.variant for outcome in load_outcomes([tmp_path / "stock"])}
    assert named == name


def test_beside_the_dense_model(dense, models, tmp_path):
    folder = save_quantised(dense, models / "model-w8a8-2", scheme="W8A8")
    run_lm_eval(tmp_path / "1", "hf", {"pretrained": str(dense)})
    run_lm_eval(tmp_path / "2", "hf", {"pretrained": str(folder)})
    runs = as_variants_of(str(dense), find_runs([tmp_path]))
    assert {run.variant.variant: run.variant.pruner for run in runs} == {
        "dense": "none",
        "model-w8a8-2/w8a8": "compressed-tensors",
    }


def test_the_activations_of_w8a8_are_quantised(dense, models):
    folder = save_quantised(dense, models / "activations", scheme="W8A8")
    tensors = load_file(folder / "model.safetensors")
    model = AutoModelForCausalLM.from_pretrained(dense).eval()

    def rounded(_, inputs):
        # Per token: 256 levels between the largest absolute value and its negative.
        step = inputs[0].abs().amax(dim=-1, keepdim=True) / 127.5
        return ((inputs[0] / step).round().clamp(-128, 127) * step,)

    for layer, module in model.named_modules():
        if f"{layer}.weight_scale" in tensors:
            module.weight.data = tensors[f"{layer}.weight"].float() * tensors[f"{layer}.weight_scale"].float()
    by_weights = log_likelihood(model, folder)
    for layer, module in model.named_modules():
        if f"{layer}.weight_scale" in tensors:
            module.register_forward_pre_hook(rounded)
    found, _ = score(folder)
    assert found == pytest.approx(log_likelihood(model, folder), abs=1e-3)
    assert found != pytest.approx(by_weights, abs=5e-3)


@torch.no_grad()
def log_likelihood(model, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer(REQUEST[0])["input_ids"]
    answer = tokenizer(REQUEST[1], add_special_tokens=False)["input_ids"]
    logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)
    return float(sum(logits[place, token] for place, token in enumerate(answer)))


def test_floats_of_four_bits_run_in_bfloat16_only(dense, models):
    folder = save_quantised(dense, models / "float32", scheme="NVFP4A16")
    with pytest.raises(UserError, match=r"\(nvfp4a16\) can't run in float32: .* give dtype=bfloat16"):
        score(folder)
    found, info = score(folder, dtype="bfloat16")
    assert (info["variant"], info["bits_measured"], info["dtype"]) == ("nvfp4a16", 4.0, "bfloat16")
    assert found < 0


def test_compressed_tensors_is_enough_to_evaluate(dense, models, monkeypatch):
    folder = save_quantised(dense, models / "serving", scheme="W8A8")
    expected, _ = score(folder)
    # As in an environment without llmcompressor: every import of it fails.
    for name in [name for name in sys.modules if name.split(".")[0] == "llmcompressor"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    found, info = score(folder)
    assert (found, info["variant"], info["bits_measured"]) == (expected, "w8a8", 8.0)


@pytest.mark.parametrize(
    ("arguments", "name", "bits"),
    [({"load_in_8bit": True}, "bnb-int8", 8), ({"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "bnb-nf4", 4)],
)
def test_bitsandbytes(models, arguments, name, bits):
    pytest.importorskip("bitsandbytes", reason="these checkpoints need it: pip install bitsandbytes")
    from transformers import BitsAndBytesConfig

    # Its 4-bit kernel takes rows of a multiple of 128 only.
    torch.manual_seed(0)
    small = {"hidden_size": 128, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    plain, folder = save_tiny("llama", models / f"of-{name}"), models / name
    config = LlamaConfig.from_pretrained(plain, **small, num_key_value_heads=4, head_dim=32)
    LlamaForCausalLM(config).save_pretrained(plain)
    AutoModelForCausalLM.from_pretrained(plain, quantization_config=BitsAndBytesConfig(**arguments)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(plain).save_pretrained(folder)
    found, info = score(folder)
    assert (info["variant"], info["pruner"], info["bits_measured"]) == (name, "bitsandbytes", bits)
    # Quantised while loading it is the same model.
    assert score(plain, **arguments)[0] == pytest.approx(found, abs=1e-4)


def save_packed(dense: Path, folder: Path, quantization: dict, zeros: int) -> Path:
    """Save the dense model with its linear layers as GPTQ and AWQ store them: eight numbers in an int32, scales and zero points."""
    folder.mkdir()
    tensors = load_file(dense / "model.safetensors")
    for name in [name for name in tensors if name.endswith("proj.weight")]:
        outputs, inputs = tensors.pop(name).shape
        layer = name.removesuffix(".weight")
        # GPTQ packs along the inputs, AWQ along the outputs.
        shape = (inputs // 8, outputs) if quantization["quant_method"] == "gptq" else (inputs, outputs // 8)
        tensors[f"{layer}.qweight"] = torch.zeros(shape, dtype=torch.int32)
        tensors[f"{layer}.qzeros"] = torch.full((inputs // 16, outputs // 8), zeros, dtype=torch.int32)
        tensors[f"{layer}.scales"] = torch.ones((inputs // 16, outputs), dtype=torch.float16)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((dense / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": quantization}))
    AutoTokenizer.from_pretrained(dense).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("quantization", "name"),
    [
        ({"quant_method": "gptq", "bits": 4, "group_size": 16, "desc_act": False, "sym": True}, "gptq-int4"),
        ({"quant_method": "awq", "bits": 4, "group_size": 16, "zero_point": True, "version": "gemm"}, "awq-int4"),
    ],
)
def test_what_a_cpu_without_their_package_says_of_gptq_and_awq(dense, models, tmp_path, quantization, name):
    if find_spec("gptqmodel") is not None:
        pytest.skip("gptqmodel is installed")
    # Both need gptqmodel, of which no release takes these versions of torch and transformers.
    folder = save_packed(dense, models / name, quantization, 0x77777777)
    with pytest.raises(
        UserError, match=rf"{name} can't be loaded \(.*requires (optimum|gptqmodel|the gptqmodel)|{name} can't be loaded"
    ) as caught:
        score(folder)
    assert "\n" not in str(caught.value)
    # Another engine may have run it: the report names it by its files.
    views = {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=1)}
    model_args = {"pretrained": str(folder), "quantization": quantization["quant_method"]}
    write_run(
        tmp_path,
        views,
        illusion=None,
        config={"model": "vllm", "model_args": model_args},
    )
    (run,) = find_runs([tmp_path])
    assert (run.variant.variant, run.variant.pruner, run.variant.bits_measured) == (name, quantization["quant_method"], 4)
