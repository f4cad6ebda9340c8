"""Quantised checkpoints: weights on their grid, in dense format, equal to the model of llmcompressor; bits per weight by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm_eval_illusion import prune
from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.pruning.compressor import TOKENS_PER_BATCH
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, load_model
from lm_eval_illusion.pruning.quantization import (
    bits_of_layers,
    check_levels,
    common_group_size,
    groups_with_one_scale,
    overall_bits,
)
from lm_eval_illusion.pruning.recipes import pruner_names, template_args
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.pruning.weights import prunable_weights
from tests.tiny_models import make_tiny_model, save_small, save_tiny

SMALL = {"calibration": "embedded", "calibration_samples": 8, "calibration_length": 64}
QUANTISERS = [name for name in pruner_names() if "group_size" in template_args(name)]
GROUP = {"embedded": 40, "llama": 80, "qwen3": 80, "gpt2": 80}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("tiny")
    tiny = ("llama", "qwen3", "gpt2", "gemma", "gpt_neox")
    return {"embedded": "embedded", **{arch: str(save_tiny(arch, base / arch)) for arch in tiny}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return str(tmp_path_factory.mktemp("store"))


def load(folder, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(resolve_pretrained(str(folder)), dtype=dtype)


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text())


def recipe_of(folder, text, name="mine"):
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return str(path)


def weights_only(modifier="QuantizationModifier", bits=4, targets="[Linear]", ignore="{{ ignore }}", more=""):
    return (
        f"quantization_stage:\n  quantization_modifiers:\n    {modifier}:\n      ignore: {ignore}\n      config_groups:\n"
        f"        one:\n          targets: {targets}\n"
        f"          weights: {{num_bits: {bits}, type: int, symmetric: true, strategy: channel}}\n{more}"
    )


WANDA = (
    "pruning_stage:\n  pruning_modifiers:\n    WandaPruningModifier:\n      sparsity: {{ sparsity }}\n"
    '      mask_structure: "{{ mask_structure }}"\n      targets: [Linear]\n      ignore: {{ ignore }}\n'
)


@pytest.mark.parametrize(
    ("name", "pruner"),
    [(name, pruner) for name in GROUP for pruner in QUANTISERS if (name, pruner) != ("gpt2", "awq")],
)
def test_four_bits_in_every_group_and_a_dense_format_folder(folders, store, name, pruner):
    folder = prune(folders[name], pruner, store=store, **SMALL)
    manifest = manifest_of(folder)
    variant = read_settings(pruner, **SMALL, pretrained=folders[name]).variant
    assert (manifest["variant"], manifest["bits_measured"], manifest["sparsity_requested"]) == (variant, 4.0, None)
    quantised, dense = load(folder), load(folders[name])
    for layer, weight in prunable_weights(quantised):
        groups = weight.reshape(-1, GROUP[name])
        assert max(len(group.unique()) for group in groups) <= 16, layer
        # More than three bits can represent: the model is not coarser than it claims.
        assert max(len(group.unique()) for group in groups) > 8, layer
    assert len(manifest["bits_of_layer"]) == len(list(prunable_weights(dense)))
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    with safe_open(folder / "model.safetensors", "pt") as saved:
        shapes = {key: tuple(saved.get_slice(key).get_shape()) for key in saved.keys()}  # noqa: SIM118 - not a mapping
    dense_shapes = {key: tuple(weight.shape) for key, weight in dense.state_dict().items()}
    assert {key: dense_shapes[key] for key in shapes} == shapes
    assert set(dense_shapes) - set(shapes) <= {"lm_head.weight"}


def test_rtn_rounds_to_nearest(folders, store):
    quantised = dict(prunable_weights(load(prune(folders["qwen3"], "rtn", store=store, **SMALL))))
    for layer, weight in prunable_weights(load(folders["qwen3"])):
        groups = weight.detach().reshape(-1, 80)
        # 16 values from -8 to 7: the scale maps the largest weight of the group to 7.5.
        scale = groups.abs().amax(dim=1, keepdim=True) / 7.5
        expected = (groups / scale).round().clamp(-8, 7) * scale
        assert torch.allclose(quantised[layer], expected.reshape(weight.shape), atol=1e-6)


@pytest.mark.parametrize(
    ("arch", "pruner"),
    [("llama", "rtn"), ("llama", "gptq"), ("llama", "awq"), ("gemma", "awq"), ("gpt_neox", "gptq")],
)
def test_the_stored_model_has_the_logits_of_llmcompressors_model(folders, store, arch, pruner, monkeypatch):
    import llmcompressor
    from llmcompressor.core import reset_session

    # torch can't pin memory without an accelerator.
    monkeypatch.setattr("llmcompressor.pipelines.cache.IntermediatesCache.pin_memory", lambda *_: None)
    folder = prune(folders[arch], pruner, store=store, **SMALL)
    # The same recipe with llmcompressor alone, whose layers round on every call.
    reference, tokenizer = load(folders[arch]), AutoTokenizer.from_pretrained(folders[arch])
    ids = calibration_ids(tokenizer)
    # In the same batches: GPTQ's choices depend on the last digits.
    samples = [{"input_ids": batch} for batch in ids.split(TOKENS_PER_BATCH // ids.shape[1])]
    loader = torch.utils.data.DataLoader(samples, batch_size=None)
    recipe = manifest_of(folder)["recipe"]
    llmcompressor.oneshot(
        model=reference, tokenizer=tokenizer, dataset=loader, recipe=recipe, num_calibration_samples=len(samples)
    )
    reset_session()
    with torch.no_grad():
        expected, found = reference(ids).logits, load(folder)(ids).logits
        dense = load(folders[arch])(ids).logits
    assert torch.allclose(found, expected, atol=1e-4)
    assert (dense - expected).abs().max() > 1e-2


def calibration_ids(tokenizer):
    from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts

    settings = read_settings(**SMALL)
    return torch.tensor(calibration_samples(calibration_texts(settings), tokenizer, settings).token_ids)


def test_gptq_has_a_smaller_output_error_than_rtn(folders, store):
    dense, tokenizer = load(folders["llama"]), AutoTokenizer.from_pretrained(folders["llama"])
    ids = calibration_ids(tokenizer)
    seen = {}
    dense.model.layers[0].mlp.up_proj.register_forward_hook(lambda _, arguments, __: seen.update(inputs=arguments[0]))
    with torch.no_grad():
        dense(ids)
    error = {}
    for pruner in ("rtn", "gptq"):
        weight = load(prune(folders["llama"], pruner, store=store, **SMALL)).model.layers[0].mlp.up_proj.weight
        error[pruner] = float((seen["inputs"] @ (weight - dense.model.layers[0].mlp.up_proj.weight).T.detach()).pow(2).mean())
    assert error["gptq"] < 0.9 * error["rtn"]


def test_bfloat16_stays_bfloat16_on_its_grid(folders, store):
    folder = prune(folders["llama"], "gptq", store=store, dtype="bfloat16", **SMALL)
    quantised = load(folder, "auto")
    assert quantised.dtype == torch.bfloat16
    for _, weight in prunable_weights(quantised):
        assert max(len(group.unique()) for group in weight.reshape(-1, 80)) <= 16


def test_a_recipe_file_is_named_by_its_stem_and_layers_count_by_size(folders, store, tmp_path):
    recipe = recipe_of(tmp_path, weights_only(bits=8, targets="['re:.*mlp.*_proj']"), "eight-bit-mlp")
    manifest = manifest_of(prune(folders["llama"], recipe, store=store, **SMALL))
    assert (manifest["variant"].partition(",")[0], manifest["pruner"]) == ("eight-bit-mlp", "eight-bit-mlp")
    # Each block: attention 80 x 80 twice and 80 x 40 twice, in float32; MLP 80 x 160 three times, in 8 bits.
    assert manifest["bits_measured"] == pytest.approx((19200 * 32 + 38400 * 8) / 57600)


def test_a_pruned_model_has_the_bits_of_its_dtype(folders, store):
    manifest = manifest_of(prune(folders["llama"], "magnitude", 0.5, store=store, **SMALL))
    assert manifest["bits_measured"] == 32


def test_pruned_hf_reports_sparsity_and_bits(folders, store):
    model = PrunedHFLM(folders["llama"], pruner="rtn", store=store, device="cpu", **SMALL)
    info = model.get_model_info()["illusion"]
    assert (info["variant"], info["bits_measured"]) == (read_settings("rtn", **SMALL, pretrained=folders["llama"]).variant, 4.0)
    assert 0 < info["sparsity_measured"] < 0.3  # small weights are rounded to zero
    assert "bits_of_layer" not in info
    dense = PrunedHFLM(folders["llama"], pruner="none", device="cpu")
    assert dense.get_model_info()["illusion"]["bits_measured"] == 32


def test_pruning_then_quantisation(folders, store, tmp_path):
    recipe = recipe_of(tmp_path, WANDA + weights_only(), "sparse-and-coarse")
    folder = prune(folders["llama"], recipe, 0.5, store=store, **SMALL)
    manifest = manifest_of(folder)
    assert (manifest["variant"], manifest["bits_measured"]) == (
        read_settings(recipe, 0.5, **SMALL, pretrained=folders["llama"]).variant,
        4.0,
    )
    assert manifest["variant"].startswith("sparse-and-coarse-0.5")
    assert manifest["sparsity_measured"] >= 0.5
    wanda = dict(prunable_weights(load(prune(folders["llama"], "wanda", 0.5, store=store, **SMALL))))
    for layer, weight in prunable_weights(load(folder)):
        assert not (weight[wanda[layer] == 0]).any()


def test_gptq_overwrites_zeros_unless_it_comes_first(folders, store, tmp_path):
    # llmcompressor removed the preservation of zeros from GPTQ in its pull request 2860.
    after = recipe_of(tmp_path, WANDA + weights_only("GPTQModifier"), "gptq-last")
    with pytest.raises(UserError, match="GPTQ overwrites zeros: in the recipe put pruning after GPTQ"):
        prune(folders["embedded"], after, 0.6, store=store, **SMALL)
    first = recipe_of(tmp_path, weights_only("GPTQModifier") + WANDA, "gptq-first")
    folder = prune(folders["embedded"], first, 0.6, store=store, **SMALL)
    manifest = manifest_of(folder)
    assert manifest["bits_measured"] == 4
    assert manifest["sparsity_measured"] >= 0.6
    for _, weight in prunable_weights(load(folder)):
        assert max(len(row.unique()) for row in weight) <= 16


@pytest.mark.parametrize(("arch", "name"), [("gpt2", "GPT2LMHeadModel"), ("gpt_neox", "GPTNeoXForCausalLM")])
def test_awq_that_would_only_round_is_refused(folders, store, arch, name):
    with pytest.raises(UserError, match=f"AWQ has no layers to balance in {name} and would only round"):
        prune(folders[arch], "awq", store=store, **SMALL)


def rounded(weight, group=80):
    """Round to nearest in plain torch: four bits, asymmetric, with one scale and zero point per group of a row."""
    groups = weight.reshape(-1, group)
    low, high = groups.amin(1, keepdim=True).clamp(max=0), groups.amax(1, keepdim=True).clamp(min=0)
    scale = (high - low) / 15
    zero = (-8 - low / scale).round().clamp(-8, 7)
    return (((groups / scale + zero).round().clamp(-8, 7) - zero) * scale).reshape(weight.shape)


@pytest.fixture(scope="module")
def salient_folder(folders, tmp_path_factory):
    """A model in which every 16th input of the attention and of the MLP is large, as some are in trained models."""
    folder, model = tmp_path_factory.mktemp("salient"), load(folders["llama"])
    with torch.no_grad():
        for layer in model.model.layers:
            for norm in (layer.input_layernorm, layer.post_attention_layernorm):
                norm.weight[::16] *= 8
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folders["llama"]).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def awq_pair(salient_folder, store):
    """The blocks of this model, each with its block after AWQ."""
    dense, quantised = load(salient_folder), load(prune(salient_folder, "awq", store=store, **SMALL))
    return list(zip(dense.model.layers, quantised.model.layers, strict=True))


@torch.no_grad()
def test_awq_rounds_the_weights_of_an_equivalent_model(awq_pair):
    for dense, quantised in awq_pair:
        # A norm is divided by the scales that the next layers' inputs are multiplied by: without rounding, the function is the same.
        for norm, block, names in (
            ("input_layernorm", "self_attn", ("q_proj", "k_proj", "v_proj")),
            ("post_attention_layernorm", "mlp", ("gate_proj",)),
        ):
            scales = getattr(dense, norm).weight / getattr(quantised, norm).weight
            assert (scales > 0).all()
            assert scales.max() / scales.min() > 1.1
            for name in names:
                expected = rounded(getattr(dense, block).get_submodule(name).weight * scales)
                assert torch.allclose(getattr(quantised, block).get_submodule(name).weight, expected, atol=1e-6), name
        # The rows of up_proj are divided by the scales of the inputs of down_proj; rounding does not depend on the scale of a row.
        up, stored = rounded(dense.mlp.up_proj.weight * scales), quantised.mlp.up_proj.weight
        row_scales = (up * stored).sum(dim=1) / stored.square().sum(dim=1)
        assert row_scales.max() / row_scales.min() > 1.1
        assert torch.allclose(up, row_scales[:, None] * stored, atol=1e-6)
        assert torch.allclose(quantised.mlp.down_proj.weight, rounded(dense.mlp.down_proj.weight * row_scales), atol=1e-6)
        # With fewer key than query heads, o_proj has no layer before it to divide: it is only rounded.
        assert torch.allclose(quantised.self_attn.o_proj.weight, rounded(dense.self_attn.o_proj.weight), atol=1e-6)


@pytest.mark.parametrize(
    ("norm", "block", "names"),
    [
        ("input_layernorm", "self_attn", ("q_proj", "k_proj", "v_proj")),
        ("post_attention_layernorm", "mlp", ("gate_proj", "up_proj")),
    ],
)
@torch.no_grad()
def test_awq_scales_reduce_the_output_error_of_round_to_nearest(salient_folder, awq_pair, norm, block, names):
    dense, ids = load(salient_folder), calibration_ids(AutoTokenizer.from_pretrained(salient_folder))
    module = dense.model.layers[0].get_submodule(block)
    calls = []
    hook = module.register_forward_pre_hook(lambda _, positional, named: calls.append((positional, named)), with_kwargs=True)
    dense(ids, use_cache=False)
    hook.remove()
    ((positional, named),) = calls

    def output():
        out = module(*positional, **named)
        return out[0] if isinstance(out, tuple) else out

    def error(scales):
        """Mean squared error of the block's output on the calibration text with these scales (Lin et al. 2024, equation 4)."""
        for name in names:
            module.get_submodule(name).weight.copy_(rounded(weights[name] * scales) / scales)
        return float((output() - expected).square().mean())

    weights, expected = {name: module.get_submodule(name).weight.clone() for name in names}, output()
    first_dense, first_quantised = awq_pair[0]
    scales = first_dense.get_submodule(norm).weight / first_quantised.get_submodule(norm).weight
    assert scales[::16].min() > 1.5 * scales.median()
    assert 0 < error(scales) < 0.7 * error(torch.ones_like(scales))


def test_floating_point_of_four_bits(folders, store, tmp_path):
    recipe = recipe_of(
        tmp_path,
        "a_stage:\n  b_modifiers:\n    QuantizationModifier:\n      scheme: NVFP4A16\n      ignore: {{ ignore }}\n",
        "nvfp4",
    )
    folder = prune(folders["llama"], recipe, store=store, **SMALL)
    assert manifest_of(folder)["bits_measured"] == 4
    for _, weight in prunable_weights(load(folder)):
        for group in weight.detach().reshape(-1, 16):
            # E2M1 represents 0, 0.5, 1, 1.5, 2, 3, 4 and 6: in every group some scale maps the weights to these values.
            largest = group.abs().max()
            values = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
            assert any(
                torch.isclose(group.abs()[:, None] * top / largest, values, atol=1e-3).any(dim=1).all() for top in (6, 4, 3, 2)
            )


def test_a_mask_then_quantisation(folders, store, tmp_path):
    recipe = recipe_of(tmp_path, WANDA + weights_only(), "masked-and-coarse")
    folder = prune(folders["llama"], recipe, mask_structure="2:4", store=store, **SMALL)
    for _, weight in prunable_weights(load(folder)):
        assert ((weight.reshape(-1, 4) == 0).sum(dim=1) >= 2).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a_stage:\n  b_modifiers:\n    QuantizationModifier:\n      scheme: W8A8\n      ignore: {{ ignore }}\n",
            "QuantizationModifier quantises input_activations, which a dense-format checkpoint can't hold: give a scheme for weights only",
        ),
        (
            weights_only(
                more="      kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, dynamic: false, symmetric: true}\n"
            ),
            r"quantises the cache \(kv_cache_scheme\)",
        ),
        (
            weights_only(ignore="[]"),
            "it quantises lm_head, which is an embedding or the output head, or outside the language model: add `ignore: {{ ignore }}`",
        ),
        (weights_only(targets="[Embedding]"), "it quantises model.embed_tokens"),
        (
            weights_only().replace("strategy: channel", "strategy: group, group_size: 48"),
            "can't prune this model with this recipe .*divisible",
        ),
        (weights_only().replace("num_bits: 4", "num_bit: 4"), "recipe is not valid for llmcompressor"),
        (weights_only("NoSuchModifier"), "No modifier of type 'NoSuchModifier'"),
        ("a_stage:\n  b_modifiers:\n    GPTQModifier:\n", "names no modifier"),
        (
            "a_stage:\n  b_modifiers:\n    QuIPModifier: {transform_type: random-hadamard}\n",
            "would not load completely from a dense-format checkpoint: .* tensors unexpected, e.g. model.layers",
        ),
        (
            WANDA.replace("{{ sparsity }}", "0.6").replace("{{ mask_structure }}", "2:4"),
            "has mask_structure 2:4 and sparsity 0.6: the mask removes 2 of every 4 weights",
        ),
        # The number that is given is the one that is accepted.
        (
            WANDA.replace("{{ sparsity }}", "0.333333").replace("{{ mask_structure }}", "1:3"),
            f"so give sparsity {1 / 3} or another mask",
        ),
    ],
)
def test_an_impossible_recipe_is_refused(folders, tmp_path, text, message):
    recipe = recipe_of(tmp_path, text)
    with pytest.raises(UserError, match=message) as caught:
        prune(folders["llama"], recipe, store=str(tmp_path / "store"), **SMALL)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").glob("[!.]*"))


def scheme(strategy, bits=2, group_size=None, block_structure=None):
    return SimpleNamespace(strategy=strategy, num_bits=bits, group_size=group_size, block_structure=block_structure)


def test_groups_that_share_a_scale():
    weight = torch.arange(24).reshape(4, 6)
    assert [group.tolist() for group in groups_with_one_scale(weight, scheme("tensor"))] == [[list(range(24))]]
    assert [group.tolist() for group in groups_with_one_scale(weight, scheme("channel"))] == [weight.tolist()]
    (groups,) = groups_with_one_scale(weight, scheme("group", group_size=3))
    assert groups[:3].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    blocks = [group.tolist() for group in groups_with_one_scale(weight, scheme("block", block_structure=[2, 4]))]
    # Blocks at the right edge are narrower.
    assert blocks == [[[0, 1, 2, 3, 6, 7, 8, 9]], [[4, 5, 10, 11]], [[12, 13, 14, 15, 18, 19, 20, 21]], [[16, 17, 22, 23]]]


def test_more_values_than_the_bits_represent_are_refused():
    weight = torch.tensor([[0.0, 1.0, 2.0, -0.0, 1.0, 2.0], [5.0, 6.0, 7.0, 8.0, 9.0, 5.0]])
    check_levels("layer", weight, scheme("group", group_size=3))
    check_levels("layer", weight, scheme("channel", bits=3))
    with pytest.raises(UserError, match="layer x has a group of weights with 5 values, 2 bits represent 4"):
        check_levels("x", weight, scheme("channel"))
    with pytest.raises(UserError, match="strategy token is not for weights"):
        check_levels("x", weight, scheme("token"))


def test_overall_bits_is_the_mean_over_weights():
    model = make_tiny_model("llama")
    assert overall_bits(model, {}) == 32
    assert overall_bits(model.to(torch.bfloat16), {}) == 16
    names = [name for name, _ in prunable_weights(model)]
    layer_bits = bits_of_layers(model, {name: 4.0 for name in names if "mlp" in name})
    # Each block: attention 80 x 80 twice and 80 x 40 twice, at 16 bits; MLP 80 x 160 three times, at 4 bits.
    assert overall_bits(model, layer_bits) == pytest.approx((19200 * 16 + 38400 * 4) / 57600)
    assert layer_bits["model.layers.0.self_attn.q_proj"] == 16


def test_bits_of_packed_weights_are_unknown():
    model = make_tiny_model("llama")
    layer = model.model.layers[0].mlp.up_proj
    layer.weight = torch.nn.Parameter(torch.zeros(10, 1, dtype=torch.uint8), requires_grad=False)
    assert overall_bits(model, {}) is None


def test_common_group_size_divides_all_rows():
    assert common_group_size(load_model(BaseModel("embedded"))) == 40  # rows of 80 and 280
    model = make_tiny_model("llama")
    assert common_group_size(model) == 80  # 80 and 160
    model.model.layers[0].mlp.up_proj = torch.nn.Linear(72, 160)
    with pytest.raises(UserError, match="share no group of 16 to 128 weights"):
        common_group_size(model)


def test_common_group_size_is_at_most_128():
    model = make_tiny_model("llama")
    for layer in model.model.layers:
        layer.self_attn = torch.nn.Linear(4096, 1)
        layer.mlp = torch.nn.Linear(14336, 1)
    assert common_group_size(model) == 128


@pytest.mark.parametrize("pruner", ["rtn", "gptq", "awq"])
def test_experts_are_quantised_and_routers_are_not(tmp_path, pruner):
    """Four bits in every group of 64 of every expert; the router's share of 32 bits is in the mean."""
    base = save_small("mixtral", tmp_path / "base")
    folder = prune(
        str(base), pruner, store=str(tmp_path / "store"), calibration="embedded", calibration_samples=4, calibration_length=32
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(folder)
    experts = model.model.layers[1].mlp.experts
    for group in [*experts.gate_up_proj.reshape(-1, 64), *experts.down_proj.reshape(-1, 64)]:
        assert len(group.unique()) <= 16
    router = AutoModelForCausalLM.from_pretrained(base).model.layers[1].mlp.gate.weight
    assert torch.equal(model.model.layers[1].mlp.gate.weight, router)
    assert manifest["bits_of_layer"]["model.layers.1.mlp.experts.gate_up_proj"] == 4
    assert manifest["bits_of_layer"]["model.layers.1.mlp.gate"] == 32
    total = 2 * (64 * 64 + 32 * 64) + 4 * 3 * 64 * 64 + 4 * 64
    assert manifest["bits_measured"] == pytest.approx(4 + 28 * 4 * 64 / total)
    assert overall_bits(model, manifest["bits_of_layer"]) == manifest["bits_measured"]


def test_a_layer_that_is_called_outside_the_blocks_is_quantised(tmp_path):
    """Gemma 4 calls `per_layer_model_projection` in a method that llmcompressor does not look into."""
    fields = {"hidden_size_per_layer_input": 16, "vocab_size_per_layer_input": 340, "enable_moe_block": False}
    base = save_small("gemma4_text", tmp_path / "base", **fields)
    folder = prune(
        str(base), "gptq", store=str(tmp_path / "store"), calibration="embedded", calibration_samples=4, calibration_length=32
    )
    assert json.loads((folder / "manifest.json").read_text())["bits_measured"] == 4
    weight = AutoModelForCausalLM.from_pretrained(folder).model.per_layer_model_projection.weight
    for group in weight.reshape(-1, 16):
        assert len(group.unique()) <= 16
