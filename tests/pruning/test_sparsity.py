"""Measured sparsity and its checks, on weights set by hand."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.sparsity import (
    check_shapes,
    check_sparsity,
    left_dense,
    measure_sparsity,
    overall_sparsity,
    refuse_not_finite,
    refuse_unreachable,
    still_dense,
    sums_of_weights,
)
from lm_eval_illusion.pruning.weights import prunable_weights
from tests.tiny_models import ARCHITECTURES, make_small_model, make_tiny_model


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_embeddings_norms_and_head_are_not_prunable(arch):
    model = make_tiny_model(arch)
    names = [name for name, _ in prunable_weights(model)]
    assert names
    assert not [name for name in names if "emb" in name or "norm" in name or "head" in name or "wte" in name]
    # Every matrix of the decoder blocks is there.
    blocks = [name for name, weight in model.named_parameters() if weight.ndim == 2 and ("layers." in name or "h." in name)]
    assert sorted(f"{name}.weight" for name in names) == sorted(blocks)


def test_measured_sparsity_by_hand():
    model = make_tiny_model("llama")
    first, second = (
        weight for name, weight in prunable_weights(model) if name.endswith(("0.self_attn.q_proj", "0.mlp.up_proj"))
    )
    with torch.no_grad():
        first[:, :20] = 0  # 20 of 80 columns
        second[:80] = 0  # 80 of 160 rows
    measured = measure_sparsity(model)
    assert measured["model.layers.0.self_attn.q_proj"] == 0.25
    assert measured["model.layers.0.mlp.up_proj"] == 0.5
    total = sum(weight.numel() for _, weight in prunable_weights(model))
    assert overall_sparsity(model) == (20 * 80 + 80 * 80) / total


def test_a_difference_of_more_than_half_a_percent_is_refused():
    model = make_tiny_model("llama")
    with torch.no_grad():
        for _, weight in prunable_weights(model):
            weight[:, : int(weight.shape[1] * 0.6)] = 0
    check_sparsity(model, 0.6, "0:0")
    check_sparsity(model, 0.604, "0:0")
    with pytest.raises(UserError, match=r"sparsity 0.6000, 0.606 was requested"):
        check_sparsity(model, 0.606, "0:0")


def test_one_wrong_layer_is_refused_even_if_the_whole_is_right():
    model = make_tiny_model("llama")
    weights = dict(prunable_weights(model))
    with torch.no_grad():
        for weight in weights.values():
            weight[:, : weight.shape[1] // 2] = 0
        # Two layers of 80 x 80: the zeros missing in one are additional in the other.
        weights["model.layers.0.self_attn.q_proj"][:, 30:] = 1
        weights["model.layers.0.self_attn.o_proj"][:, :50] = 0
    assert overall_sparsity(model) == 0.5
    with pytest.raises(
        UserError, match=r"0\.5 was requested \(worst layer model\.layers\.0\.self_attn\.[qo]_proj: 0\.(375|625)0\)"
    ):
        check_sparsity(model, 0.5, "0:0")


def test_every_group_of_an_n_of_m_mask_is_checked():
    model = make_tiny_model("llama")
    with torch.no_grad():
        for _, weight in prunable_weights(model):
            weight[:, 0::2] = 0
    check_sparsity(model, 0.5, "2:4")
    name, weight = next(iter(prunable_weights(model)))
    with torch.no_grad():
        weight[3, 0:4] = torch.tensor([1.0, 1.0, 1.0, 0.0])
    with pytest.raises(UserError, match=f"layer {name} has a group of 4 with 1 zeros, 2 were requested"):
        check_sparsity(model, 0.5, "2:4")


@pytest.mark.parametrize("structure", ["2:4", "4:8"])
def test_a_group_with_more_zeros_than_requested(structure):
    zeros, group = map(int, structure.split(":"))
    model = make_tiny_model("llama")
    mask_half_of_each_group(model, group)
    name, weight = list(prunable_weights(model))[3]
    with torch.no_grad():
        weight[7, group] = 0  # the first of the second group, which the mask keeps
    message = f"layer {name} has a group of {group} with {zeros + 1} zeros, {zeros} were requested"
    with pytest.raises(UserError, match=message):
        check_sparsity(model, 0.5, structure)
    # A model that is quantised too may have more.
    check_sparsity(model, 0.5, structure, at_least=True)


@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_groups_lie_along_the_inputs(arch):
    model = make_tiny_model(arch)
    with torch.no_grad():
        for _, weight in prunable_weights(model):
            # Two of every four, but along the outputs: half the columns of a row, in runs of eight.
            rows, columns = weight.shape
            down = (torch.arange(rows)[:, None] + 2 * (torch.arange(columns)[None] // 8)) % 4 < 2
            weight[down] = 0
            assert ((weight.T.reshape(-1, 4) == 0).sum(dim=1) == 2).all()
    with pytest.raises(UserError, match=r"has a group of 4 with 0 zeros, 2 were requested"):
        check_sparsity(model, 0.5, "2:4")


def test_layers_may_have_different_sparsities():
    model = make_tiny_model("llama")
    layer_sparsities = {}
    with torch.no_grad():
        for name, weight in prunable_weights(model):
            layer_sparsities[name] = 0.45 if "layers.0" in name else 0.55
            weight[:, : round(weight.shape[1] * layer_sparsities[name])] = 0
    check_sparsity(model, 0.5, "0:0", layer_sparsities=layer_sparsities)
    with pytest.raises(UserError, match=r"0.5 was requested \(worst layer"):
        check_sparsity(model, 0.5, "0:0")
    with pytest.raises(UserError, match=r"sparsity 0.5000, 0.52 was requested"):
        check_sparsity(model, 0.52, "0:0", layer_sparsities=layer_sparsities)


def test_at_least_accepts_more_zeros_but_not_fewer():
    model = make_tiny_model("llama")
    mask_half_of_each_group(model, 4)
    check_sparsity(model, 0.4, "0:0", at_least=True)
    with pytest.raises(UserError, match=r"sparsity 0.5000, 0.6 was requested"):
        check_sparsity(model, 0.6, "0:0", at_least=True)


def mask_half_of_each_group(model, group):
    """Set the second half of each group of a row to zero."""
    with torch.no_grad():
        for _, weight in prunable_weights(model):
            weight[:, torch.arange(weight.shape[1]) % group >= group // 2] = 0


def test_check_shapes_names_a_layer_whose_rows_have_a_partial_group():
    model = make_tiny_model("llama")
    check_shapes(model, "4:8")  # 80 and 160 inputs
    check_shapes(model, "0:0")
    model.model.layers[1].mlp.down_proj = torch.nn.Linear(36, 80, bias=False)
    check_shapes(model, "2:4")
    with pytest.raises(UserError, match=r"layers\.1\.mlp\.down_proj has 36 inputs, not a multiple of 8"):
        check_shapes(model, "4:8")


def test_what_is_left_dense_by_hand():
    model = make_small_model("mixtral")
    sizes = {"attention": 2 * (64 * 64 + 32 * 64), "experts": 4 * 3 * 64 * 64, "router": 4 * 64}  # per block
    total = sum(sizes.values())
    routers = {f"model.layers.{number}.mlp.gate" for number in range(2)}
    assert left_dense(model, routers) == pytest.approx({"model.layers.*.mlp.gate": sizes["router"] / total})
    # Half of the experts zero, the routers not.
    with torch.no_grad():
        for layer in model.model.layers:
            layer.mlp.experts.gate_up_proj[:, :, :32] = 0
            layer.mlp.experts.down_proj[:, :, :32] = 0
    assert overall_sparsity(model) == sizes["experts"] / 2 / total
    skipped = {f"model.layers.{number}.self_attn.q_proj" for number in range(2)}
    assert left_dense(model, skipped)["model.layers.*.self_attn.q_proj"] == pytest.approx(64 * 64 / total)


def test_weights_without_new_zeros_and_without_fewer_bits_are_still_dense():
    before, after = {"a": 0.0, "b": 0.25, "c": 0.0}, {"a": 0.5, "b": 0.25, "c": 0.0, "rotation": 0.0}
    assert still_dense(before, after, {}) == {"b", "c"}
    assert still_dense(before, after, {"c": 4.0}) == {"b"}


def test_a_model_of_which_pruning_misses_too_much_is_refused():
    model = make_tiny_model("llama")
    refuse_unreachable(model, ())
    up = {f"model.layers.{number}.mlp.up_proj" for number in range(2)}
    # Per block 2 x 80 x 80 + 2 x 40 x 80 + 3 x 80 x 160 = 57,600 weights: one projection of the MLP is 22 %, the keys 6 %.
    refuse_unreachable(model, {"model.layers.0.self_attn.k_proj", "model.layers.1.self_attn.k_proj"})
    with pytest.raises(
        UserError,
        match=r"^LlamaForCausalLM: pruning .* would not reach 22% of the weights \(model\.layers\.\*\.mlp\.up_proj\),",
    ):
        refuse_unreachable(model, up)
    # A router is small, and stays dense on purpose.
    refuse_unreachable(make_small_model("mixtral", num_local_experts=4), ())
    with pytest.raises(UserError, match="would not reach 100% of the weights"):
        refuse_unreachable(model, {name for name, _ in prunable_weights(model)})


def test_skipped_layers_are_not_checked():
    model = make_tiny_model("llama")
    skipped = {"model.layers.0.mlp.up_proj"}
    with torch.no_grad():
        for _, weight in prunable_weights(model, skipped):
            weight[:, : weight.shape[1] // 2] = 0
    check_sparsity(model, 0.5, "0:0", skipped=skipped)
    with pytest.raises(UserError, match=r"worst layer model\.layers\.0\.mlp\.up_proj: 0\.0000"):
        check_sparsity(model, 0.5, "0:0")
    model.model.layers[0].mlp.up_proj = torch.nn.Linear(18, 4)
    check_shapes(model, "2:4", skipped)
    with pytest.raises(UserError, match="18 inputs, not a multiple of 4"):
        check_shapes(model, "2:4")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_model_with_a_weight_that_is_not_finite_is_refused(value):
    model = make_tiny_model("llama")
    refuse_not_finite(sums_of_weights(model), "m")
    (name, weight), *_ = prunable_weights(model)
    with torch.no_grad():
        weight[3, 5] = value
    with pytest.raises(UserError, match=f"m has weights that are not finite, in {name}"):
        refuse_not_finite(sums_of_weights(model), "m")
