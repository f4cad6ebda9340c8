"""Pruned checkpoints of real architectures: the right weights are zero, and nothing else has changed."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from lm_eval_illusion import prune
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.prune import pruned_checkpoint
from lm_eval_illusion.pruning.recipes import pruner_names, template_args
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.pruning.sparsity import check_sparsity, prunable_weights
from tests.tiny_models import ARCHITECTURES, make_tiny_model, make_tiny_tokenizer, save_tiny

SPARSE_PRUNERS = [name for name in pruner_names() if "sparsity" in template_args(name)]
MASK_PRUNERS = [name for name in pruner_names() if "mask_structure" in template_args(name)]
SMALL = {"calibration_samples": 8, "calibration_length": 64}


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


def test_a_model_that_would_not_load_completely_is_not_stored(tmp_path):
    """llmcompressor splits Mixtral's experts, and transformers does not join them again: it would initialise them randomly."""
    common = vars(make_tiny_model("mistral").config)
    shape = {name: common[name] for name in ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers")}
    config = AutoConfig.for_model("mixtral", **shape, num_attention_heads=4, num_key_value_heads=2, num_local_experts=4)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "experts")
    make_tiny_tokenizer().save_pretrained(tmp_path / "experts")
    with pytest.raises(UserError, match=r"the pruned MixtralForCausalLM would not load completely .* tensors missing"):
        prune(str(tmp_path / "experts"), store=str(tmp_path / "store"), **SMALL)
    assert not list((tmp_path / "store").glob("[!.]*"))


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
    assert manifest["variant"] == "wanda-0.6,samples=8,length=64"
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


def test_prune_has_the_defaults_of_read_settings():
    defaults = {name: parameter.default for name, parameter in inspect.signature(read_settings).parameters.items()}
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
        ({"calibration_length": 4096}, "longer than the model's window: give at most 1024"),
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
        settings = read_settings("wanda", 0.5, store=str(tmp_path / "store"), calibration=str(tmp_path / name), **SMALL)
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
