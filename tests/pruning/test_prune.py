"""Pruned checkpoints of real architectures: the right weights are zero, and nothing else has changed."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from lm_eval_illusion import prune
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.base_identity import BaseIdentity
from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts, text_sha256
from lm_eval_illusion.pruning.compressor import ignored_layers
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.linear_form import linear_form
from lm_eval_illusion.pruning.manifest import CalibrationRecord, manifest_text, read_manifest
from lm_eval_illusion.pruning.prune import pruned_checkpoint, within_window
from lm_eval_illusion.pruning.quantization import overall_bits
from lm_eval_illusion.pruning.recipes import pruner_names, template_args
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.pruning.sparsity import check_sparsity, overall_sparsity
from lm_eval_illusion.pruning.weights import prunable_weights
from tests.standard_text import keep_standard_text
from tests.tiny_models import (
    ARCHITECTURES,
    EXPERT_MODELS,
    make_small_model,
    make_tiny_model,
    make_tiny_tokenizer,
    save_small,
    save_tiny,
)

SPARSE_PRUNERS = [name for name in pruner_names() if "sparsity" in template_args(name)]
MASK_PRUNERS = [name for name in pruner_names() if "mask_structure" in template_args(name)]
SMALL = {"calibration": "embedded", "calibration_samples": 8, "calibration_length": 64}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("tiny")
    return {arch: save_tiny(arch, base / arch) for arch in ARCHITECTURES}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return str(tmp_path_factory.mktemp("store"))


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def changed_parameters(before, after):
    """The names of the parameters that are not prunable and differ."""
    prunable = {f"{name}.weight" for name, _ in prunable_weights(before)}
    # The biases of linear layers are not prunable either.
    parameters_after = dict(after.named_parameters())
    return [
        name
        for name, weight in before.named_parameters()
        if name not in prunable and not torch.equal(weight, parameters_after[name])
    ]


@pytest.mark.parametrize("pruner", SPARSE_PRUNERS)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_sparsity_is_the_requested_one_and_nothing_else_changes(folders, store, arch, pruner):
    pruned = load(prune(str(folders[arch]), pruner, 0.6, store=store, **SMALL))
    check_sparsity(pruned, 0.6, "0:0")
    assert changed_parameters(load(folders[arch]), pruned) == []


@pytest.mark.parametrize("pruner", ["wanda", "magnitude"])
def test_norms_that_add_one_to_their_weights_are_not_rounded(tmp_path, store, pruner):
    """0.01 and 1 have 8 bits each in bfloat16: 1 + 0.01 - 1 would be 0.0078."""
    model = make_tiny_model("gemma").to(torch.bfloat16)
    for name, weight in model.named_parameters():
        if "norm" in name:
            weight.data.fill_(0.01)
    model.save_pretrained(tmp_path / "base")
    make_tiny_tokenizer().save_pretrained(tmp_path / "base")
    pruned = AutoModelForCausalLM.from_pretrained(prune(str(tmp_path / "base"), pruner, 0.5, store=store, **SMALL))
    assert pruned.dtype == torch.bfloat16
    assert changed_parameters(model, pruned) == []


@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_embeddings_stay_tied_or_untied(tmp_path, store, arch, tie):
    base = save_tiny(arch, tmp_path / "base", tie=tie)
    pruned = load(prune(str(base), "wanda", 0.5, store=store, **SMALL))
    same = pruned.get_input_embeddings().weight.data_ptr() == pruned.get_output_embeddings().weight.data_ptr()
    assert same is tie
    assert changed_parameters(load(base), pruned) == []


@pytest.mark.parametrize("structure", ["2:4", "4:8"])
@pytest.mark.parametrize("pruner", MASK_PRUNERS)
@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_n_of_m_in_every_group(folders, store, arch, pruner, structure):
    pruned = load(prune(str(folders[arch]), pruner, mask_structure=structure, store=store, **SMALL))
    zeros, group = map(int, structure.split(":"))
    for _, weight in prunable_weights(pruned):
        # Group by group, without reshaping: each group holds weights of one output.
        starts = range(0, weight.shape[1], group)
        assert all(((weight[:, start : start + group] == 0).sum(dim=1) == zeros).all() for start in starts)


@pytest.mark.parametrize("pruner", MASK_PRUNERS)
def test_n_of_m_that_does_not_fit_is_refused_before_pruning(tmp_path, pruner):
    config = make_tiny_model("llama").config
    config.intermediate_size = 100  # multiple of 4, not of 8
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "odd")
    make_tiny_tokenizer().save_pretrained(tmp_path / "odd")
    common = {"store": str(tmp_path / "store"), **SMALL}
    with pytest.raises(
        UserError, match=r"layers\.0\.mlp\.down_proj has 100 inputs, not a multiple of 8: use mask_structure 0:0"
    ):
        prune(str(tmp_path / "odd"), pruner, mask_structure="4:8", **common)
    check_sparsity(load(prune(str(tmp_path / "odd"), pruner, mask_structure="2:4", **common)), 0.5, "2:4")


def zeros_in_files(folder):
    """Zeros and number of the weights in the files: every tensor of two or more dimensions but embeddings, head, towers and biases."""
    zeros = total = 0
    for path in folder.glob("*.safetensors"):
        for name, weight in load_file(path).items():
            uncounted = ("embed_tokens", "embeddings", "wte", "lm_head", "bias", "vision_tower", "multi_modal_projector")
            if weight.ndim > 1 and not any(part in name for part in uncounted):
                zeros += int((weight == 0).sum())
                total += weight.numel()
    return zeros, total


def router_weights(folder):
    return [weight for path in folder.glob("*.safetensors") for name, weight in load_file(path).items() if is_router(name)]


def is_router(name):
    return name.endswith(("gate.weight", "router.weight", "classifier.weight", "router.proj.weight", "router.layer.weight"))


@pytest.mark.parametrize("model_type", EXPERT_MODELS)
def test_experts_are_pruned_and_routers_are_not(tmp_path, model_type):
    """Half of every expert and layer, and nothing of a router, so the share of all weights is half of what is left without routers."""
    folder = prune(str(save_small(model_type, tmp_path / "base")), "wanda", 0.5, store=str(tmp_path / "store"), **SMALL)
    manifest = json.loads((folder / "manifest.json").read_text())
    zeros, total = zeros_in_files(folder)
    assert manifest["sparsity_measured"] == zeros / total
    routers = sum(weight.numel() for weight in router_weights(folder))
    assert routers
    assert zeros == (total - routers) / 2
    assert sum(manifest["left_dense"].values()) == pytest.approx(routers / total)
    # Every parameter that holds experts, half of each.
    experts = {name: share for name, share in manifest["sparsity_of_layer"].items() if "expert" in name or "_linear" in name}
    assert {share for name, share in experts.items() if not is_router(f"{name}.weight")} == {0.5}
    # What pruned-hf measures on the loaded checkpoint.
    loaded = load(folder)
    assert overall_sparsity(loaded) == manifest["sparsity_measured"]
    assert overall_bits(loaded, manifest["bits_of_layer"]) == manifest["bits_measured"] == 32


def test_the_mask_of_an_expert_follows_the_paper(tmp_path):
    base = save_small("mixtral", tmp_path / "base")
    settings = read_settings(sparsity=0.5, store=str(tmp_path / "store"), **SMALL)
    pruned = load(pruned_checkpoint(BaseModel(str(base)), settings).path)
    dense = load(base)
    ids = calibration_samples(calibration_texts(settings), AutoTokenizer.from_pretrained(base), settings).token_ids
    tokens = []
    # The inputs of the first layer do not depend on the pruning of later ones. Every expert sees every token.
    dense.model.layers[0].mlp.register_forward_pre_hook(lambda _, arguments: tokens.append(arguments[0].flatten(0, 1)))
    dense(torch.tensor(ids))
    before, after = (it.model.layers[0].mlp.experts.gate_up_proj for it in (dense, pruned))
    for expert in range(4):
        expected = wanda_mask(before[expert], tokens[0], 0.5)
        assert ((after[expert] == 0) == expected).float().mean() > 0.999
    assert torch.equal(after[after != 0], before[after != 0])


@pytest.mark.parametrize(
    ("model_type", "router", "stored"),
    [
        ("jetmoe", "mlp.router.layer", "mlp.input_linear.weight"),
        ("llama4_text", "feed_forward.router", "feed_forward.experts.gate_up_proj"),
    ],
)
def test_an_expert_without_tokens_loses_its_smallest_weights(tmp_path, model_type, router, stored):
    """Its input norms are unknown, so Wanda compares magnitudes; a mask by position would remove the first half of each row."""
    model = make_small_model(model_type, num_experts_per_tok=1)
    with torch.no_grad():
        for layer in model.model.layers:
            weight = layer.get_submodule(router).weight
            # The first or the second of four experts has the largest score, whatever the token.
            weight[1], weight[2], weight[3] = -weight[0], 0, 0
    model.save_pretrained(tmp_path / "base")
    make_tiny_tokenizer().save_pretrained(tmp_path / "base")
    pruned = load(prune(str(tmp_path / "base"), "wanda", 0.5, store=str(tmp_path / "store"), **SMALL))
    before, after = (it.model.layers[1].get_parameter(stored) for it in (load(tmp_path / "base"), pruned))
    if model_type == "llama4_text":
        before, after = before.mT, after.mT  # [experts, inputs, outputs]
    for expert in (2, 3):
        assert torch.equal(after[expert] == 0, wanda_mask(before[expert], torch.eye(64), 0.5))
    assert not torch.equal(after[0] == 0, wanda_mask(before[0], torch.eye(64), 0.5))


@pytest.mark.parametrize("pruner", ["magnitude", "sparsegpt", "owl", "owl_sparsegpt"])
@pytest.mark.parametrize("model_type", ["gpt_oss", "jetmoe"])
def test_every_method_reaches_the_experts(tmp_path, model_type, pruner):
    folder = prune(str(save_small(model_type, tmp_path / "base")), pruner, 0.5, store=str(tmp_path / "store"), **SMALL)
    manifest = json.loads((folder / "manifest.json").read_text())
    zeros, total = zeros_in_files(folder)
    assert manifest["sparsity_measured"] == zeros / total
    routers = sum(weight.numel() for weight in router_weights(folder))
    assert zeros / (total - routers) == pytest.approx(0.5, abs=0.005)
    assert all((weight != 0).all() for weight in router_weights(folder))


@pytest.mark.parametrize("pruner", MASK_PRUNERS)
def test_n_of_m_in_every_group_of_an_expert(tmp_path, pruner):
    folder = prune(
        str(save_small("gpt_oss", tmp_path / "base")), pruner, mask_structure="2:4", store=str(tmp_path / "store"), **SMALL
    )
    experts = load(folder).model.layers[1].mlp.experts
    for weight in (experts.gate_up_proj, experts.down_proj):  # [experts, inputs, outputs]
        assert all(((weight[:, start : start + 4] == 0).sum(dim=1) == 2).all() for start in range(0, 64, 4))


def test_a_recipe_that_ignores_nothing_prunes_routers_and_is_measured_truly(tmp_path):
    recipe = tmp_path / "all.yaml"
    recipe.write_text(
        "pruning_stage:\n  pruning_modifiers:\n    LayerMagnitudeModifier:\n      sparsity: 0.5\n      targets: [Linear]\n"
        "      ignore: ['re:.*lm_head']\n"
    )
    base = save_small("jetmoe", tmp_path / "base")
    folder = prune(str(base), str(recipe), store=str(tmp_path / "store"), **SMALL)
    manifest = json.loads((folder / "manifest.json").read_text())
    zeros, total = zeros_in_files(folder)
    assert manifest["sparsity_measured"] == zeros / total == 0.5
    assert manifest["sparsity_of_layer"]["model.layers.0.mlp.router.layer"] == 0.5
    assert manifest["left_dense"] == {}


def test_what_a_recipe_leaves_dense_is_listed(tmp_path):
    recipe = tmp_path / "experts.yaml"
    recipe.write_text(
        "a_stage:\n  a_modifiers:\n    LayerMagnitudeModifier: {sparsity: 0.5, targets: ['re:.*experts.*'], ignore: {{ ignore }}}\n"
    )
    base = save_small("mixtral", tmp_path / "base")
    folder = prune(str(base), str(recipe), store=str(tmp_path / "store"), **SMALL)
    manifest = json.loads((folder / "manifest.json").read_text())
    # Per block 12,288 weights of attention, 49,152 of experts and 256 of the router.
    attention = {"q": 4096, "k": 2048, "v": 2048, "o": 4096}
    expected = {f"model.layers.*.self_attn.{name}_proj": size / 61_696 for name, size in attention.items()}
    assert manifest["left_dense"] == pytest.approx(expected | {"model.layers.*.mlp.gate": 256 / 61_696})
    zeros, total = zeros_in_files(folder)
    assert manifest["sparsity_measured"] == zeros / total == pytest.approx(0.5 * 49_152 / 61_696)


@pytest.mark.parametrize(
    ("modifier", "reason"),
    [
        ("LayerMagnitudeModifier: {sparsity: 0.5}", "it prunes the output head, which no measure of sparsity counts"),
        ("LayerMagnitudeModifier: {sparsity: 0.5, targets: ['re:.*nothing']}", "changed no weight of LlamaForCausalLM"),
    ],
)
@pytest.mark.parametrize("tie", [False, True])
def test_a_recipe_that_prunes_the_head_or_nothing_is_refused(tmp_path, modifier, reason, tie):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"a_stage:\n  a_modifiers:\n    {modifier}\n")
    base = save_tiny("llama", tmp_path / "base", tie)
    with pytest.raises(UserError, match=reason if not tie else reason.replace("output head", "(embeddings|output head)")):
        prune(str(base), str(recipe), store=str(tmp_path / "store"), **SMALL)


def test_a_dense_layer_whose_name_differs_in_a_number_only():
    """The second layer of Zamba 2's adapters has too few inputs, the first one is pruned. Their names end in 0 and 1."""
    model = make_tiny_model("llama")
    pair = torch.nn.Sequential(torch.nn.Linear(80, 8), torch.nn.Linear(8, 80))
    model.model.layers[0].mlp.pair = pair
    with linear_form(model):
        patterns = [re.compile(pattern.removeprefix("re:")) for pattern in ignored_layers(model, ())]
    name = "model.layers.0.mlp.pair"
    assert [any(pattern.match(f"{name}.{number}.") for pattern in patterns) for number in (0, 1)] == [False, True]


def test_the_layers_of_a_state_space_model_that_no_method_can_see_stay_dense(tmp_path):
    """Mamba reads the weight of `dt_proj` without calling the layer. It has 16 inputs here, so that its size does not exclude it."""
    base = save_small("mamba", tmp_path / "base", time_step_rank=16)
    for pruner in ("wanda", "magnitude"):
        folder = prune(str(base), pruner, 0.5, store=str(tmp_path / "store"), **SMALL)
        manifest = json.loads((folder / "manifest.json").read_text())
        zeros, total = zeros_in_files(folder)
        assert manifest["sparsity_measured"] == zeros / total
        # Per block: dt_proj 128 x 16, A_log 128 x 16, conv1d 128 x 4; of 64 x 256 + 128 x 64 + 128 x 48 weights half are zero.
        assert {name.rpartition(".")[2]: round(share * total / 2) for name, share in manifest["left_dense"].items()} == {
            "dt_proj": 128 * 16,
            "A_log": 128 * 16,
            "conv1d": 128 * 4,
        }
        # Two blocks, half of each layer. The first of 16 numbers of A_log is log 1.
        assert zeros == 64 * 256 + 128 * 64 + 128 * 48 + 2 * 128


def test_shared_keys_reach_the_later_blocks(tmp_path):
    """Gemma 3n: the last two of four blocks read the keys of the first two. Its layers see the inputs that they see in the whole model."""
    base = save_small("gemma3n_text", tmp_path / "base")
    folder = prune(str(base), "wanda", 0.5, store=str(tmp_path / "store"), **SMALL)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["calibration_pipeline"] == "sequential"
    zeros, total = zeros_in_files(folder)
    assert manifest["sparsity_measured"] == zeros / total
    # The output projection of the last block's attention sees the keys of earlier blocks, which are pruned.
    settings = read_settings(sparsity=0.5, **SMALL)
    ids = calibration_samples(calibration_texts(settings), AutoTokenizer.from_pretrained(base), settings).token_ids
    dense, pruned = load(base), load(folder)
    mixed = load(folder)
    mixed.model.layers[3].load_state_dict(dense.model.layers[3].state_dict())
    seen = []
    layer = mixed.model.layers[3].self_attn.o_proj
    layer.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].flatten(0, 1)))
    mixed(torch.tensor(ids), use_cache=False)
    expected = wanda_mask(dense.model.layers[3].self_attn.o_proj.weight, seen[0], 0.5)
    assert ((pruned.model.layers[3].self_attn.o_proj.weight == 0) == expected).float().mean() > 0.999


@pytest.mark.parametrize("pruner", ["wanda", "magnitude"])
def test_of_a_multimodal_model_the_language_model_is_pruned(tmp_path, pruner):
    base = save_small("gemma3", tmp_path / "base")
    folder = prune(str(base), pruner, 0.5, store=str(tmp_path / "store"), **SMALL)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["outside_language_model"] == ["model.vision_tower", "model.multi_modal_projector"]
    zeros, total = zeros_in_files(folder)
    assert manifest["sparsity_measured"] == zeros / total == 0.5
    before, after = load(base).state_dict(), load(folder).state_dict()
    outside = [name for name in before if "vision_tower" in name or "multi_modal_projector" in name]
    assert outside
    assert all(torch.equal(before[name], after[name]) for name in outside)


def test_a_model_that_can_not_be_traced_is_calibrated_at_once(tmp_path):
    """CTRL's code can't be traced: the inputs of all layers are those of the dense model, also in the second block."""
    config = AutoConfig.for_model("ctrl", vocab_size=340, n_embd=64, dff=64, n_layer=2, n_head=4, n_positions=256)
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_config(config)
    base.save_pretrained(tmp_path / "base")
    make_tiny_tokenizer().save_pretrained(tmp_path / "base")
    folder = prune(str(tmp_path / "base"), "wanda", 0.5, store=str(tmp_path / "store"), **SMALL)
    assert json.loads((folder / "manifest.json").read_text())["calibration_pipeline"] == "basic"
    settings = read_settings(sparsity=0.5, **SMALL)
    ids = calibration_samples(calibration_texts(settings), AutoTokenizer.from_pretrained(folder), settings).token_ids
    dense, seen = load(tmp_path / "base").eval(), []
    dense.transformer.h[1].ffn[0].register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].flatten(0, 1)))
    dense(torch.tensor(ids))
    after = load(folder).transformer.h[1].ffn[0].weight
    assert ((after == 0) == wanda_mask(dense.transformer.h[1].ffn[0].weight, seen[0], 0.5)).float().mean() > 0.999


def test_a_model_whose_weights_can_not_be_reached_is_refused_by_name(tmp_path):
    """XLNet keeps its attention in bare parameters."""
    config = AutoConfig.for_model("xlnet", vocab_size=340, d_model=64, n_layer=2, n_head=4, d_inner=64)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "base")
    make_tiny_tokenizer().save_pretrained(tmp_path / "base")
    with pytest.raises(
        UserError,
        match=r"XLNetLMHeadModel: pruning and quantisation would not reach \d\d% of the weights"
        r" \(transformer\.layer\.\*\.rel_attn\.[qkvor],",
    ):
        prune(str(tmp_path / "base"), "wanda", 0.5, store=str(tmp_path / "store"), **SMALL)
    assert not list((tmp_path / "store").glob("[!.]*"))


def test_the_cause_of_a_failed_calibration_is_one_line(folders, tmp_path, monkeypatch):
    """Whatever llmcompressor raises: here an AttributeError, as with architectures that it does not know."""
    monkeypatch.setattr("llmcompressor.modifiers.pruning.wanda.WandaPruningModifier.calibrate_module", missing_text_config)
    with pytest.raises(
        UserError,
        match=r"can't prune this model with this recipe \(LlamaForCausalLM, AttributeError: 'x' has no 'text_config'\)",
    ):
        prune(str(folders["llama"]), "wanda", 0.5, store=str(tmp_path), **SMALL)


def missing_text_config(*_):
    raise AttributeError("'x' has no 'text_config'")


def wanda_mask(weight, inputs, sparsity):
    """Wanda as in the paper (arXiv 2306.11695, equation 1): remove the smallest |W| x ||X||_2 of each row. `inputs`: [tokens, columns]."""
    score = weight.abs() * inputs.norm(p=2, dim=0)
    keep = torch.ones_like(score, dtype=torch.bool)
    for row in range(score.shape[0]):
        keep[row, score[row].argsort(stable=True)[: int(score.shape[1] * sparsity)]] = False
    return ~keep


def test_wanda_follows_the_paper(folders, store):
    settings = read_settings(store=store, **SMALL)
    pruned = load(pruned_checkpoint(BaseModel(str(folders["llama"])), settings).path)
    dense = load(folders["llama"])
    tokenizer = AutoTokenizer.from_pretrained(folders["llama"])
    ids = calibration_samples(calibration_texts(settings), tokenizer, settings).token_ids
    seen = {}
    # The inputs of the first layer do not depend on the pruning of later ones.
    for name in ("q_proj", "o_proj"):
        layer = getattr(dense.model.layers[0].self_attn, name)
        layer.register_forward_hook(lambda module, args, _, name=name: seen.update({name: args[0].flatten(0, 1)}))
    dense(torch.tensor(ids))
    for name in ("q_proj", "o_proj"):
        before = getattr(dense.model.layers[0].self_attn, name).weight
        after = getattr(pruned.model.layers[0].self_attn, name).weight
        expected = wanda_mask(before, seen[name], 0.6)
        assert ((after == 0) == expected).float().mean() > 0.999  # another order of summation may swap almost equal scores
        kept = after != 0
        assert torch.equal(after[kept], before[kept])


def test_magnitude_removes_the_smallest_weights(folders, store):
    pruned = load(prune(str(folders["mistral"]), "magnitude", 0.3, store=store, **SMALL))
    for (_, before), (_, after) in zip(prunable_weights(load(folders["mistral"])), prunable_weights(pruned), strict=True):
        threshold = before.abs().flatten().sort().values[int(before.numel() * 0.3)]
        assert torch.equal(after == 0, before.abs() < threshold)


def test_sparsegpt_updates_the_weights_that_it_keeps(folders, store):
    pruned = load(prune(str(folders["llama"]), "sparsegpt", 0.6, store=store, **SMALL))
    before, after = (
        load(folders["llama"]).model.layers[0].mlp.up_proj.weight,
        pruned.model.layers[0].mlp.up_proj.weight,
    )
    assert not torch.equal(after[after != 0], before[after != 0])


def test_a_stored_checkpoint_is_not_pruned_again(folders, tmp_path):
    first = prune(str(folders["llama"]), "wanda", 0.6, store=str(tmp_path), **SMALL)
    before = {path: path.stat().st_ino for path in sorted(first.rglob("*"))}
    second = prune(str(folders["llama"]), "wanda", 0.6, store=str(tmp_path), **SMALL)
    assert {path: path.stat().st_ino for path in sorted(second.rglob("*"))} == before


def test_everything_that_changes_the_result_changes_the_key(folders, tmp_path):
    common = {"store": str(tmp_path), **SMALL}
    checkpoints = {
        prune(str(folders["llama"]), "wanda", 0.6, **common),
        prune(str(folders["llama"]), "wanda", 0.5, **common),
        prune(str(folders["llama"]), "magnitude", 0.6, **common),
        prune(str(folders["llama"]), "wanda", 0.6, **common, pruning_seed=1),
        prune(str(folders["llama"]), "wanda", 0.6, **common, calibration_language="ko"),
        prune(str(folders["qwen3"]), "wanda", 0.6, **common),
        prune(str(folders["llama"]), "wanda", 0.6, **common, dtype="bfloat16"),
    }
    assert len(checkpoints) == 7


def test_pruning_twice_gives_the_same_bytes_and_restores_the_random_state(folders, tmp_path):
    torch.manual_seed(5)
    first = prune(str(folders["llama"]), "sparsegpt", 0.6, store=str(tmp_path / "a"), **SMALL)
    torch.manual_seed(6)
    state = torch.get_rng_state()
    second = prune(str(folders["llama"]), "sparsegpt", 0.6, store=str(tmp_path / "b"), **SMALL)
    assert torch.equal(state, torch.get_rng_state())
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()


def test_the_manifest_holds_the_provenance(folders, store):
    manifest = json.loads((prune(str(folders["llama"]), "wanda", 0.6, store=store, **SMALL) / "manifest.json").read_text())
    assert manifest["variant"] == "wanda-0.6,text=embedded,samples=8,length=64"
    assert manifest["sparsity_requested"] == 0.6
    assert abs(manifest["sparsity_measured"] - 0.6) <= 0.005
    assert len(manifest["sparsity_of_layer"]) == 14  # 7 matrices in each of 2 layers
    assert manifest["calibration"] == {
        "source": "embedded",
        "language": "all",
        "samples": 8,
        "length": 64,
        "sha256": manifest["calibration"]["sha256"],
    }
    assert "WandaPruningModifier" in manifest["recipe"]
    assert {"llmcompressor", "torch", "transformers"} <= set(manifest["versions"])


def test_without_a_calibration_the_text_of_the_papers_is_used_in_samples_of_the_window(folders, tmp_path, caplog):
    texts = keep_standard_text(tmp_path, window=1024)
    folder = prune(str(folders["llama"]), "wanda", 0.5, store=str(tmp_path))
    manifest = read_manifest(folder)
    assert manifest.variant == "wanda-0.5"
    assert manifest.calibration == CalibrationRecord("hub:allenai/c4:en", "all", 4, 1024, text_sha256(texts))
    assert "calibration samples have 1024 tokens, the window of the model, not 2048" in caplog.text
    assert "text for only 4 samples of 1024 tokens, 128 were requested" in caplog.text
    # The same length in words is the same checkpoint. The default length is not shortened if it was asked for.
    assert prune(str(folders["llama"]), "wanda", 0.5, store=str(tmp_path), calibration_length=1024) == folder
    with pytest.raises(UserError, match="calibration_length 2048 is longer than the model's window: give at most 1024"):
        prune(str(folders["llama"]), "wanda", 0.5, store=str(tmp_path), calibration_length=2048, calibration=text_of(tmp_path))


def text_of(folder):
    (folder / "long.txt").write_text("Which town? Bern. " * 999)
    return str(folder / "long.txt")


# Mamba has no window, GPT-2 calls it n_positions, that of Gemma 3 is in the configuration of its language model.
@pytest.mark.parametrize(("name", "length"), [("mamba", 2048), ("gpt2", 1024), ("gemma3", 256)])
def test_the_window_is_found_whatever_the_configuration_calls_it(tmp_path, name, length):
    without = {"max_position_embeddings": None} if name == "mamba" else {}
    folder = save_tiny(name, tmp_path) if name == "gpt2" else save_small(name, tmp_path, **without)
    base = BaseModel(str(folder))
    settings = within_window(base, read_settings(pretrained=base.pretrained))
    # The name has no length that the user did not give.
    assert (settings.calibration_length, settings.variant) == (length, "wanda-0.6")


def test_the_embedded_text_and_a_given_length_are_not_changed_by_the_window():
    missing = BaseModel("no/such-model")
    for settings in (
        read_settings(pretrained="no/such-model", calibration="embedded"),
        read_settings(pretrained="no/such-model", calibration_length=4096),
        read_settings("magnitude", pretrained="no/such-model"),
    ):
        assert within_window(missing, settings) == settings


def test_prune_has_the_defaults_of_read_settings():
    defaults = {name: parameter.default for name, parameter in inspect.signature(read_settings).parameters.items()}
    # prune has no default model.
    del defaults["pretrained"]
    prune_defaults = {name: parameter.default for name, parameter in inspect.signature(prune).parameters.items()}
    assert {name: prune_defaults[name] for name in defaults} == defaults


def test_pruner_none_is_the_base_model_itself(folders):
    checkpoint = pruned_checkpoint(BaseModel(str(folders["llama"])), read_settings(pruner="none"))
    assert checkpoint.path == str(folders["llama"])
    assert checkpoint.manifest.variant == "dense"


def test_a_recipe_file(folders, tmp_path):
    recipe = tmp_path / "two-methods.yaml"
    recipe.write_text(
        "pruning_stage:\n  pruning_modifiers:\n    LayerMagnitudeModifier:\n"
        "      sparsity: 0.25\n      targets: ['re:.*mlp.*']\n      ignore: {{ ignore }}\n"
    )
    pruned = load(prune(str(folders["llama"]), str(recipe), store=str(tmp_path / "store"), **SMALL))
    shares = {name: (weight == 0).float().mean().item() for name, weight in prunable_weights(pruned)}
    assert {round(share, 4) for name, share in shares.items() if "mlp" in name} == {0.25}
    assert {share for name, share in shares.items() if "self_attn" in name} == {0.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pruner": "none"}, "pruner none leaves the model as it is"),
        ({"calibration": "embedded", "calibration_length": 4096}, "longer than the model's window: give at most 1024"),
    ],
)
def test_a_mistake_is_refused_and_nothing_is_stored(folders, tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        prune(str(folders["llama"]), store=str(tmp_path), **arguments)
    assert not list(tmp_path.glob("[!.]*"))


def test_a_recipe_with_an_unknown_name_is_one_line(folders, tmp_path):
    recipe = tmp_path / "bad.yaml"
    recipe.write_text("{{ sparsty }}")
    with pytest.raises(UserError, match="uses 'sparsty', which is not defined"):
        prune(str(folders["llama"]), str(recipe), store=str(tmp_path / "store"), **SMALL)


def test_a_model_that_does_not_exist_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="'no/such-model' is neither a folder nor a model"):
        prune("no/such-model", store=str(tmp_path))


def test_nothing_is_written_into_the_working_folder(folders, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    prune(str(folders["qwen3"]), "wanda", 0.5, store=str(tmp_path / "store"), **SMALL)
    assert list(Path().iterdir()) == []


def test_two_names_of_one_model_share_an_entry_and_keep_their_names(tmp_path):
    store = str(tmp_path / "store")
    checkpoints = [
        pruned_checkpoint(
            BaseModel(str(save_tiny("llama", tmp_path / name))), read_settings(pruner="magnitude", sparsity=0.5, store=store)
        )
        for name in ("one", "other")
    ]
    assert checkpoints[0].path == checkpoints[1].path
    assert [checkpoint.manifest.base_model for checkpoint in checkpoints] == [str(tmp_path / "one"), str(tmp_path / "other")]


def test_two_calibration_files_with_the_same_text_share_an_entry_and_keep_their_names(folders, tmp_path):
    # Other text in a file makes another checkpoint: the name of the file alone does not identify it.
    texts = {
        "one.txt": "Which town? Bern. " * 99,
        "two.txt": "Which town? Bern. " * 99,
        "changed.txt": "Which town? Rome. " * 99,
    }
    checkpoints = {}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        settings = read_settings("wanda", 0.5, store=str(tmp_path / "store"), **{**SMALL, "calibration": str(tmp_path / name)})
        checkpoints[name] = pruned_checkpoint(BaseModel(str(folders["llama"])), settings)
    assert [checkpoint.manifest.calibration.source for checkpoint in checkpoints.values()] == [
        str(tmp_path / name) for name in texts
    ]
    assert [checkpoint.manifest.variant.split(",")[1] for checkpoint in checkpoints.values()] == [
        "text=one",
        "text=two",
        "text=changed",
    ]
    one, two, changed = (checkpoint.manifest.key for checkpoint in checkpoints.values())
    assert one == two != changed


FORGERIES = {
    "sparsity": lambda stored: {"sparsity_measured": stored.sparsity_measured - 0.02},
    "sparsity of all layers": lambda stored: {"sparsity_measured": 0.3, "sparsity_of_layer": dict.fromkeys("ab", 0.3)},
    "request": lambda stored: {"sparsity_requested": 0.7},
    "mask": lambda stored: {"mask_structure": "2:4"},
    "base model": lambda stored: {"base_identity": BaseIdentity("0" * 64, "0" * 64)},
    "recipe": lambda stored: {"recipe": stored.recipe + "#"},
    # Magnitude pruning uses none.
    "calibration": lambda stored: {"calibration": CalibrationRecord("embedded", "all", 8, 64, "0" * 64)},
    "key": lambda stored: {"key": "0" * 32},
}


def test_a_checkpoint_whose_manifest_is_not_what_was_asked_for_is_made_again(folders, tmp_path, monkeypatch):
    folder = prune(str(folders["llama"]), "magnitude", 0.5, store=str(tmp_path))
    stored, text = read_manifest(folder), (folder / "manifest.json").read_text()

    def refuse(*_):
        raise UserError("it is made again")

    monkeypatch.setattr(inspect.getmodule(prune), "_make_checkpoint", refuse)
    assert prune(str(folders["llama"]), "magnitude", 0.5, store=str(tmp_path)) == folder
    for name, forgery in FORGERIES.items():
        (folder / "manifest.json").write_text(manifest_text(replace(stored, **forgery(stored))))
        with pytest.raises(UserError, match="it is made again"):
            prune(str(folders["llama"]), "magnitude", 0.5, store=str(tmp_path))
        assert not folder.exists(), name
        (tmp_path / f"{folder.name}.corrupt-1").rename(folder)
    (folder / "manifest.json").write_text(text)
    assert prune(str(folders["llama"]), "magnitude", 0.5, store=str(tmp_path)) == folder


def test_a_checkpoint_holds_no_reference_to_code_that_the_user_does_not_trust(folders, tmp_path):
    """transformers writes `auto_map` back, although it used its own class."""
    model = save_tiny("llama", tmp_path / "model")
    for name, classes in (("config", {"AutoConfig": "conf.Conf"}), ("tokenizer_config", {"AutoTokenizer": ["tok.Tok", None]})):
        path = model / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": classes}))
    folder = prune(str(model), "magnitude", 0.5, store=str(tmp_path / "store"))
    assert "auto_map" in (model / "config.json").read_text()
    assert not [path.name for path in folder.glob("*.json") if "auto_map" in path.read_text()]
    # The checkpoint is found: what is stored is what the check accepts.
    made = (folder / "manifest.json").stat().st_mtime_ns
    assert prune(str(model), "magnitude", 0.5, store=str(tmp_path / "store")) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == made
