"""OWL's sparsities against hand computations and plain torch; the transformer blocks of real architectures."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm_eval_illusion import prune
from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts
from lm_eval_illusion.pruning.linear_form import linear_form
from lm_eval_illusion.pruning.owl import (
    block_sparsities,
    layers_of_blocks,
    linear_layers,
    outlier_share,
    owl_profile,
    round_to_whole_weights,
)
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.pruning.sparsity import measure_sparsity, overall_sparsity
from lm_eval_illusion.pruning.weights import prunable_weights
from tests.tiny_models import ARCHITECTURES, make_small_model, make_tiny_model, save_tiny

SMALL = {"calibration": "embedded", "calibration_samples": 8, "calibration_length": 64}


def test_outlier_share_by_hand():
    weight = torch.tensor([[1.0, -2.0], [0.0, 10.0]])
    squares = torch.tensor([4.0, 9.0])  # norms 2 and 3
    # |w| x norm: 2 6 0 30, of mean 9.5; 30 exceeds 2 x 9.5 = 19 and 3 x 9.5 = 28.5, not 4 x 9.5 = 38
    assert outlier_share([(weight, squares)], 2) == 0.25
    assert outlier_share([(weight, squares)], 3) == 0.25
    assert outlier_share([(weight, squares)], 4) == 0
    # With a second layer of 4 x 1 of metric 1: the mean is (38 + 4) / 8 = 5.25; 6 and 30 exceed 1 x 5.25.
    assert outlier_share([(weight, squares), (torch.ones(4, 1), torch.ones(1))], 1) == 0.25


def test_block_sparsities_by_hand():
    # Mapped to [0, 2 lambda]: 0, 0.16 / 3, 0.16, with mean 0.0711; each subtracted from 0.6 + 0.0711.
    found = block_sparsities([0.01, 0.02, 0.04], [10, 10, 10], 0.6, 0.08)
    assert found == pytest.approx([0.671111, 0.617778, 0.511111], abs=1e-6)
    # A block three times as large: the mean is (0 x 30 + 0.0533 x 10 + 0.16 x 10) / 50.
    found = block_sparsities([0.01, 0.02, 0.04], [30, 10, 10], 0.6, 0.08)
    assert found == pytest.approx([0.642667, 0.589333, 0.482667], abs=1e-6)
    assert block_sparsities([0.3, 0.3], [1, 2], 0.5, 0.08) == [0.5, 0.5]


@given(
    st.lists(st.tuples(st.floats(0, 0.2), st.integers(1, 9)), min_size=1, max_size=12),
    st.floats(0.3, 0.7),
    st.floats(0, 0.14),
)
def test_the_mean_is_the_requested_sparsity_and_more_outliers_keep_more(blocks, sparsity, width):
    shares, sizes = zip(*blocks, strict=True)
    found = block_sparsities(shares, sizes, sparsity, width)
    mean = sum(block * size for block, size in zip(found, sizes, strict=True)) / sum(sizes)
    assert mean == pytest.approx(sparsity, abs=1e-9)
    assert max(found) - min(found) <= 2 * width + 1e-9
    assert all(
        lower >= higher
        for lower_share, lower in zip(shares, found, strict=True)
        for higher_share, higher in zip(shares, found, strict=True)
        if lower_share < higher_share
    )


def test_a_block_that_would_lose_all_weights_is_refused():
    with pytest.raises(UserError, match=r"owl_lambda 0\.2 at sparsity 0\.75 gives block 0 a sparsity of 1\.0"):
        block_sparsities([0.0, 0.5, 0.5, 0.5], [1, 1, 1, 1], 0.75, 0.2)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300), st.floats(0.01, 0.98)), min_size=1, max_size=20))
def test_rounding_keeps_the_sum(layers):
    shapes = [(outputs, inputs) for outputs, inputs, _ in layers]
    sparsities = [sparsity for _, _, sparsity in layers]
    found = round_to_whole_weights(shapes, sparsities)
    # Wanda removes this many weights of each row.
    counts = [int(inputs * rounded) for (_, inputs), rounded in zip(shapes, found, strict=True)]
    missing = 0.0
    for (outputs, inputs), sparsity, count in zip(shapes, sparsities, counts, strict=True):
        assert abs(count - inputs * sparsity) < 1 + 1e-6
        missing += (inputs * sparsity - count) * outputs
    assert abs(missing) <= max(outputs for outputs, _ in shapes) + 1e-6


def test_whole_numbers_are_not_rounded():
    assert [int(80 * rounded) for rounded in round_to_whole_weights([(7, 80)] * 3, [0.6, 0.6, 0.6])] == [48, 48, 48]
    assert [int(49 * rounded) for rounded in round_to_whole_weights([(7, 49)], [1 / 49])] == [1]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("tiny")
    return {"embedded": "embedded", **{arch: str(save_tiny(arch, base / arch)) for arch in ("llama", "gpt_neox", "gpt2")}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return str(tmp_path_factory.mktemp("store"))


def load(folder):
    return AutoModelForCausalLM.from_pretrained(resolve_pretrained(str(folder)), dtype=torch.float32)


def owl(folders, store, name, pruner="owl", sparsity=0.6, **owl_arguments):
    folder = prune(folders[name], pruner, sparsity, store=store, **SMALL, **owl_arguments)
    return load(folder), json.loads((folder / "manifest.json").read_text())


BLOCKS = {"llama": "model.layers.", "embedded": "model.layers.", "gpt_neox": "gpt_neox.layers.", "gpt2": "transformer.h."}


def matrices(model, prefix):
    """Return the linear layers of each block, by block number and name."""
    found = {}
    for name, module in model.named_modules():
        if name.startswith(prefix) and getattr(module, "weight", torch.zeros(1)).ndim == 2:
            number = int(name.removeprefix(prefix).split(".")[0])
            found.setdefault(number, {})[name] = module
    return found


def plain_owl(folder, prefix, times, sparsity, width):
    """Return outlier share and sparsity of each block, from one forward pass of all samples through the dense model, in float64."""
    model, tokenizer = load(folder), AutoTokenizer.from_pretrained(resolve_pretrained(folder))
    settings = read_settings(**SMALL)
    ids = torch.tensor(calibration_samples(calibration_texts(settings), tokenizer, settings).token_ids)
    blocks, seen = matrices(model, prefix), {}
    for layers in blocks.values():
        for name, module in layers.items():
            module.register_forward_hook(
                lambda _, arguments, __, name=name: seen.update({name: arguments[0].flatten(0, 1).double()})
            )
    with torch.no_grad():
        model(ids)
    shares = []
    for layers in blocks.values():
        pieces = []
        for name, module in layers.items():
            weight = module.weight.double() if isinstance(module, torch.nn.Linear) else module.weight.double().T
            pieces.append((weight.abs() * seen[name].norm(dim=0)).flatten())
        metric = torch.cat(pieces)
        shares.append(((metric > times * metric.mean()).sum() / metric.numel()).item())
    spread = [2 * width * (share - min(shares)) / (max(shares) - min(shares)) for share in shares]
    # All blocks of these models have the same size.
    return shares, [1 - (reduction - sum(spread) / len(spread) + 1 - sparsity) for reduction in spread]


@pytest.mark.parametrize(
    ("name", "sparsity", "owl_arguments"),
    [
        ("llama", 0.5, {"owl_m": 3}),
        ("llama", 0.7, {"owl_m": 2, "owl_lambda": 0.15}),
        ("gpt_neox", 0.6, {"owl_m": 3}),
        ("gpt_neox", 0.35, {"owl_m": 2.5, "owl_lambda": 0.02}),
        ("gpt2", 0.6, {"owl_m": 3}),
        ("embedded", 0.6, {}),
        ("embedded", 0.7, {"owl_m": 4, "owl_lambda": 0.1}),
    ],
)
def test_sparsities_equal_the_plain_implementation(folders, store, name, sparsity, owl_arguments):
    pruned, manifest = owl(folders, store, name, sparsity=sparsity, **owl_arguments)
    width, times = owl_arguments.get("owl_lambda", 0.08), owl_arguments.get("owl_m", 5)
    shares, sparsities = plain_owl(folders[name], BLOCKS[name], times, sparsity, width)
    block_records = list(manifest["owl_of_block"].values())
    assert [block["outlier_share"] for block in block_records] == pytest.approx(shares, abs=2e-5)
    assert [block["sparsity"] for block in block_records] == pytest.approx(sparsities, abs=width * 0.01 + 1e-3)
    assert len(set(sparsities)) > 1
    assert overall_sparsity(pruned) == pytest.approx(sparsity, abs=0.002)
    measured = measure_sparsity(pruned)
    for number, layers in matrices(pruned, BLOCKS[name]).items():
        for layer, module in layers.items():
            inputs = module.weight.shape[1] if isinstance(module, torch.nn.Linear) else module.weight.shape[0]
            # The same in all layers of a block, up to one weight per row.
            assert abs(measured[layer] - block_records[number]["sparsity"]) < 1 / inputs + 1e-6


def test_within_a_layer_owl_removes_the_weights_that_wanda_removes(folders, store):
    pruned, _ = owl(folders, store, "llama", sparsity=0.6, owl_m=3)
    uniform = load(prune(folders["llama"], "wanda", 0.6, store=store, **SMALL))
    # The first layer has the same inputs in both, so the row that loses more weights loses the same ones and others.
    masks = [model.model.layers[0].self_attn.q_proj.weight == 0 for model in (pruned, uniform)]
    smaller, larger = sorted(masks, key=torch.sum)
    assert (smaller & ~larger).sum() == 0


def test_owl_sparsegpt_has_the_same_sparsities(folders, store):
    pruned, manifest = owl(folders, store, "llama", pruner="owl_sparsegpt", owl_m=3)
    _, by_wanda = owl(folders, store, "llama", owl_m=3)
    assert manifest["owl_of_block"] == by_wanda["owl_of_block"]
    assert overall_sparsity(pruned) == pytest.approx(0.6, abs=0.002)
    dense = load(folders["llama"])
    before, after = (model.model.layers[0].mlp.up_proj.weight for model in (dense, pruned))
    assert not torch.equal(after[after != 0], before[after != 0])


def test_lambda_and_m_are_in_the_manifest_and_the_key(folders, store):
    common = {"store": store, **SMALL}
    settings = ({}, {"owl_m": 3}, {"owl_lambda": 0.05})
    checkpoints = {prune(folders["llama"], "owl", 0.6, **common, **arguments) for arguments in settings}
    assert len(checkpoints) == 3
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in checkpoints]
    names = [
        f"owl-0.6{setting},text=embedded,samples={SMALL['calibration_samples']},length={SMALL['calibration_length']}"
        for setting in ("", ",lambda=0.05", ",m=3")
    ]
    assert sorted(manifest["variant"] for manifest in manifests) == sorted(names)
    assert {(manifest["owl_lambda"], manifest["owl_m"]) for manifest in manifests} == {(0.08, 5.0), (0.08, 3.0), (0.05, 5.0)}
    # Explicit default values give the same checkpoint.
    assert prune(folders["llama"], "owl", 0.6, **common, owl_m="5", owl_lambda="0.08") in checkpoints


def test_a_recipe_file_may_use_owl_sparsities(folders, store, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "pruning_stage:\n  pruning_modifiers:\n    WandaPruningModifier:\n"
        "      sparsity: {{ owl_sparsities }}\n      targets: [Linear]\n      ignore: {{ ignore }}\n"
    )
    folder = prune(folders["llama"], str(recipe), 0.6, store=store, owl_m=3, **SMALL)
    packaged, _ = owl(folders, store, "llama", owl_m=3)
    assert json.loads((folder / "manifest.json").read_text())["variant"].startswith("mine-0.6,m=3,text=embedded,samples=")
    assert all(
        torch.equal(found, expected) for found, expected in zip(load(folder).parameters(), packaged.parameters(), strict=True)
    )


def test_pruning_restores_the_random_state(folders, tmp_path):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    prune(folders["llama"], "owl", 0.5, store=str(tmp_path), **SMALL)
    assert torch.equal(state, torch.get_rng_state())


NAMES = {"gpt_neox": "gpt_neox.layers", "gpt2": "transformer.h"}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_prunable_layer_belongs_to_the_block_in_its_name(arch):
    model = make_tiny_model(arch)
    blocks = layers_of_blocks(model)
    name = NAMES.get(arch, "model.layers")
    assert list(blocks) == [f"{name}.0", f"{name}.1"]
    assert sorted(layer for layers in blocks.values() for layer in layers) == sorted(
        layer for layer, _ in prunable_weights(model)
    )
    assert all(layer.startswith(f"{block}.") for block, layers in blocks.items() for layer in layers)


def test_a_list_of_smaller_modules_is_not_the_blocks():
    model = make_tiny_model("llama")
    model.aside = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)])
    assert list(layers_of_blocks(model)) == ["model.layers.0", "model.layers.1"]


def test_a_model_without_blocks_is_refused():
    model = make_tiny_model("llama")
    model.config.num_hidden_layers = 7
    with pytest.raises(UserError, match="has no list of 7 blocks"):
        layers_of_blocks(model)


def test_the_experts_of_a_block_get_its_sparsity():
    """An expert that received no token has no outliers; the others count with the block's other layers."""
    model = make_small_model("mixtral")
    with linear_form(model):
        squares = {name: torch.ones(weight.shape[1], dtype=torch.float64) for name, weight in prunable_weights(model)}
        del squares["model.layers.0.mlp.experts.2.up_proj"]
        with torch.no_grad():
            model.get_submodule("model.layers.0.mlp.experts.3.up_proj").weight[0, :8] = 50
        profile = owl_profile(model, squares, 0.5, 0.08, 5)
        for number in range(2):
            values = [
                torch.zeros_like(weight) if name.endswith("0.mlp.experts.2.up_proj") else weight.abs()
                for name, weight in prunable_weights(model)
                if f"layers.{number}." in name
            ]
            values = torch.cat([value.flatten() for value in values])
            share = float((values > 5 * values.mean()).float().mean())
            assert profile.blocks[f"model.layers.{number}"].outlier_share == pytest.approx(share, rel=1e-6)
        sparsities = {name: share for name, share in profile.layer_sparsities.items() if "experts" in name}
        assert {round(share, 1) for name, share in sparsities.items() if "layers.0" in name} == {0.4}
        assert {round(share, 1) for name, share in sparsities.items() if "layers.1" in name} == {0.6}
        assert len(sparsities) == 2 * 4 * 3
        # One sparsity per layer that llmcompressor finds; the output head comes last.
        assert linear_layers(model)[-1] == "lm_head"
        assert set(sparsities) < set(linear_layers(model))
