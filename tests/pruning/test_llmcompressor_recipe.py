"""Recipes as llmcompressor's objects: what llmcompressor raises on one is one line, and no text of a recipe is run or opened."""

from __future__ import annotations

import pytest
from compressed_tensors.registry import registry
from llmcompressor.modifiers import Modifier, ModifierFactory
from llmcompressor.observers import Observer
from llmcompressor.recipe import Recipe

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.compressor import needs_calibration
from lm_eval_illusion.pruning.llmcompressor_recipe import load_recipe, registered_names_only
from lm_eval_illusion.pruning.modifiers import register_modifier
from lm_eval_illusion.pruning.recipe_content import KNOWN_MODIFIERS
from lm_eval_illusion.pruning.recipes import pruner_names, render_recipe

STAGE = "a_stage:\n  a_modifiers:\n    "


@pytest.mark.parametrize("pruner", pruner_names())
def test_a_packaged_recipe_is_what_llmcompressor_reads(pruner):
    register_modifier()
    recipe = render_recipe(pruner, 1e-05, "0:0", ["re:.*lm_head"], owl_sparsities=[0.5, 0.6], group_size=16)
    assert load_recipe(recipe) == Recipe.create_instance(recipe)


def test_the_known_modifiers_are_those_of_llmcompressor_but_those_without_effect():
    register_modifier()
    ModifierFactory.refresh()
    all_of_them = ModifierFactory._main_registry.keys() | ModifierFactory._registered_registry.keys()
    # Under `oneshot` these two change nothing, and the first evaluates text.
    assert all_of_them - KNOWN_MODIFIERS == {"Modifier", "MagnitudePruningModifier", "ConstantPruningModifier"}


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("a: ]", r"recipe is not valid YAML \(line 1"),
        ("FooModifier: {}", "recipe: No modifier of type 'FooModifier' is known: give one of AWQModifier"),
        ("os.system: {}", "No modifier of type 'os.system'"),
        ("MagnitudePruningModifier: {targets: [x], start: 0}", "No modifier of type 'MagnitudePruningModifier'"),
        ("WandaPruningModifier: {sparsity: [a]}", r"not valid for llmcompressor \(ValidationError"),
        ("WandaPruningModifier: {group: b}", r"not valid for llmcompressor \(TypeError"),
        ("WandaPruningModifier: {owl_m: 5}", r"not valid for llmcompressor \(ValidationError"),
        ("SmoothQuantModifier: {calibration_function: x}", "calibration_function, which names code"),
        ("QuantizationModifier: {scheme: NOPE}", r"not valid for llmcompressor \(ValidationError"),
        ("QuantizationModifier: {config_groups: {a: 5}}", r"not valid for llmcompressor \("),
    ],
)
def test_a_faulty_recipe_is_one_line(recipe, message):
    text = recipe if recipe.startswith("a:") else STAGE + recipe + "\n"
    with pytest.raises(UserError, match=message) as caught:
        needs_calibration(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_text_is_no_path(tmp_path, monkeypatch):
    # llmcompressor opens a recipe whose text is the name of a file.
    monkeypatch.chdir(tmp_path)
    text = "{a_stage: {a_modifiers: {GPTQModifier: {}}}}"
    (tmp_path / text).write_text(STAGE + "SparseGPTModifier: {sparsity: 0.5}")
    assert type(Recipe.create_instance(text).modifiers[0]).__name__ == "SparseGPTModifier"
    assert type(load_recipe(text).modifiers[0]).__name__ == "GPTQModifier"


def test_the_modifier_of_a_program_is_known(monkeypatch):
    class OfTheProgramModifier(Modifier):
        def on_initialize(self, state, **_):
            return True

    monkeypatch.setattr(ModifierFactory, "_registered_registry", {"OfTheProgramModifier": OfTheProgramModifier})
    assert type(load_recipe(STAGE + "OfTheProgramModifier: {}").modifiers[0]) is OfTheProgramModifier


def test_an_observer_is_found_by_its_name_and_never_by_a_file(tmp_path_factory):
    # compressed-tensors reads an underscore in a name as a hyphen.
    tmp_path = tmp_path_factory.mktemp("observer")
    file = tmp_path / "evil.py"
    file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nobserver = int\n")
    name = f"{file}:observer"
    with registered_names_only():
        assert Observer.get_value_from_registry("memoryless_minmax")
        with pytest.raises(UserError, match="names code in a file, which is not run"):
            registry.get_from_registry(Observer, name)
    assert not (tmp_path / "ran").exists()
    # What it keeps llmcompressor from.
    registry.get_from_registry(Observer, name)
    assert (tmp_path / "ran").exists()
