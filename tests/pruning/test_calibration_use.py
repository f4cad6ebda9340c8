"""Which methods need calibration data and a seed: compared with what llmcompressor declares, and with the weights that they give."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.calibration_use import DATA_MODIFIERS, Needs, _needs_of_recipe, needs_of
from lm_eval_illusion.pruning.compressor import ignored_layers, needs_calibration, prepare_llmcompressor, prune_in_place
from lm_eval_illusion.pruning.linear_form import linear_form
from lm_eval_illusion.pruning.manifest import read_manifest
from lm_eval_illusion.pruning.prune import prune
from lm_eval_illusion.pruning.recipe_content import KNOWN_MODIFIERS
from lm_eval_illusion.pruning.recipes import pruner_names, render_recipe
from lm_eval_illusion.pruning.settings import read_settings
from tests.tiny_models import save_tiny

NOTHING, BOTH = Needs(calibration=False, seed=False), Needs(calibration=True, seed=True)
UNCALIBRATED = {"magnitude", "rtn"}

STAGE = "a_stage:\n  a_modifiers:\n    {modifier}\n"
ROUND = "{{weights: {{num_bits: 8, type: int, symmetric: true, strategy: channel{weights}}}{activations}}}"


def quantise(weights="", activations=""):
    group = ROUND.format(weights=weights, activations=activations)
    return "QuantizationModifier: {ignore: {{ ignore }}, config_groups: {all: {targets: [Linear], " + group[1:-1] + "}}}"


def activations(dynamic):
    return f", input_activations: {{num_bits: 8, type: int, symmetric: true, strategy: tensor, dynamic: {dynamic}}}"


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def test_what_is_known_of_the_packaged_methods_is_what_llmcompressor_declares():
    for pruner in pruner_names():
        recipe = render_recipe(pruner, 0.5, "0:0", [], owl_sparsities=[0.5], group_size=128)
        assert needs_of(pruner) == (BOTH if needs_calibration(recipe) else NOTHING), pruner
        assert (needs_of(pruner) == NOTHING) == (pruner in UNCALIBRATED), pruner
    assert needs_of("none") == NOTHING


@pytest.mark.parametrize(
    ("modifier", "needs"),
    [
        ("LayerMagnitudeModifier: {sparsity: {{ sparsity }}}", NOTHING),
        ("SparseGPTModifier: {sparsity: {{ sparsity }}}", BOTH),
        ("LayerMagnitudeModifier: {sparsity: 0.5}\n    SparseGPTModifier: {sparsity: 0.5}", BOTH),
        ("LayerMagnitudeModifier: {sparsity: 0.5}\n    " + quantise(), NOTHING),
        # The range of a weight is known without data, that of an activation only if it is computed for each input.
        (quantise(), NOTHING),
        ("QuantizationModifier: {ignore: {{ ignore }}, targets: [Linear], scheme: W4A16}", NOTHING),
        (quantise(weights=", observer: imatrix_mse"), BOTH),
        (quantise(activations=activations("true")), NOTHING),
        (quantise(activations=activations("false")), BOTH),
        ("SmoothQuantModifier: {smoothing_strength: 0.5}", BOTH),
        # It rotates the weights at random.
        ("SpinQuantModifier: {rotations: [R1], transform_type: random-hadamard}", Needs(calibration=False, seed=True)),
        # OWL reads the inputs of the layers.
        ("LayerMagnitudeModifier: {sparsity: {{ owl_sparsities }}}", BOTH),
    ],
)
def test_the_needs_of_a_recipe(tmp_path, modifier, needs):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(STAGE.format(modifier=modifier))
    assert needs_of(str(recipe)) == needs


OF_WEIGHTS = "QuantizationModifier: {targets: [Linear], scheme: W4A16"


@pytest.mark.parametrize(
    "modifier",
    [
        *(f"QuantizationModifier: {{targets: [Linear], scheme: {scheme}}}" for scheme in ("W4A16", "W4A16_ASYM", "NVFP4A16")),
        OF_WEIGHTS + ", weight_observer: imatrix_mse}",
        OF_WEIGHTS + ", weight_observer: memoryless_minmax}",
        OF_WEIGHTS + ", observer: {weights: imatrix_mse}}",
        OF_WEIGHTS + ", observer: {weights: mse}}",
        quantise(weights=", observer: imatrix_mse"),
        quantise(weights=", observer: mse"),
        # One for all groups replaces that of a group.
        quantise(weights=", observer: imatrix_mse")[:-1] + ", weight_observer: memoryless_minmax}",
        quantise(weights=", observer: mse")[:-1] + ", observer: {weights: imatrix_mse}}",
        *(f"{name}: {{smoothing_strength: 0.5}}" for name in ("SmoothQuantModifier", "LogarithmicEqualizationModifier")),
        "SpinQuantModifier: {rotations: [R1], transform_type: random-hadamard}",
        "QuIPModifier: {rotations: [v, u], transform_type: random-hadamard}",
        "AutoRoundModifier: {targets: [Linear], scheme: W4A16}",
        "SpinQuantModifier: {rotations: [R1]}\n    " + OF_WEIGHTS + "}",
    ],
)
def test_without_llmcompressor_the_needs_are_those_that_it_declares(tmp_path, monkeypatch, modifier):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(STAGE.format(modifier=modifier))
    declared = needs_of(str(recipe))
    _needs_of_recipe.cache_clear()
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    monkeypatch.setattr("lm_eval_illusion.pruning.compressor.needs_calibration", None)
    assert needs_of(str(recipe)) == declared
    _needs_of_recipe.cache_clear()


def test_of_every_known_modifier_it_is_known_whether_it_needs_data():
    """What is left are modifiers that declare no need; `QuantizationModifier` depends on its observers."""
    prepare_llmcompressor()
    from llmcompressor.modifiers import ModifierFactory

    ModifierFactory.refresh()
    classes = {
        name: ModifierFactory._registered_registry.get(name) or ModifierFactory._main_registry[name] for name in KNOWN_MODIFIERS
    }
    declared = {name for name, modifier in classes.items() if modifier.model_fields["requires_calibration_data"].default}
    assert declared == DATA_MODIFIERS


def test_without_llmcompressor_a_modifier_of_another_program_is_refused_in_one_line(tmp_path, monkeypatch):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(STAGE.format(modifier="MyModifier: {x: 1}"))
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    with pytest.raises(UserError, match="'MyModifier' is no modifier of llmcompressor's, which can't be asked here: prune in"):
        needs_of(str(recipe))


@pytest.mark.parametrize("pruner", sorted(UNCALIBRATED))
def test_a_method_without_needs_gives_the_same_weights_with_any_data_and_seed(tmp_path, pruner):
    folder = save_tiny("llama", tmp_path / "model")
    tokenizer, dense = AutoTokenizer.from_pretrained(folder), load(folder).state_dict()
    results = []
    for token_ids, seed in (([[1, 2, 3]], 0), ([list(range(3, 67))] * 4, 1)):
        model = load(folder)
        recipe = render_recipe(pruner, 0.5, "0:0", ignored_layers(model, ()), group_size=16)
        with linear_form(model) as form:
            prune_in_place(model, form, tokenizer, recipe, token_ids, seed)
        results.append(model.state_dict())
    assert all(torch.equal(results[0][name], results[1][name]) for name in dense)
    assert not all(torch.equal(results[0][name], dense[name]) for name in dense)


def test_such_a_variant_claims_no_calibration_and_no_seed(tmp_path):
    folder = save_tiny("llama", tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    # The window is shorter than a calibration sample would be by default.
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 64}))
    checkpoints = {
        prune(str(folder), "magnitude", 0.5, calibration_language=language, pruning_seed=seed, store=str(tmp_path / "store"))
        for language, seed in (("all", 0), ("en", 1))
    }
    (checkpoint,) = checkpoints
    manifest = read_manifest(checkpoint)
    assert (manifest.variant, manifest.calibration, manifest.pruning_seed) == ("magnitude-0.5", None, None)
    settings = read_settings("magnitude", calibration_language="en", calibration_samples=8, pruning_seed=3)
    assert settings == read_settings("magnitude")
    assert read_settings("wanda", calibration_language="en", pruning_seed=3).variant == "wanda-0.6,cal=en,seed=3"
