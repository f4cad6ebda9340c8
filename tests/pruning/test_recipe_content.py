"""What a recipe may ask for: nothing that runs code, touches files or never ends."""

from __future__ import annotations

import pytest
import yaml

from lm_eval_illusion.pruning.recipe_content import RecipeError, modifiers_of, recipe_content, refuse_slow_patterns

STAGE = "a_stage:\n  a_modifiers:\n    "
QUANTISER = STAGE + "QuantizationModifier: {config_groups: {a: {targets: [Linear], weights: {num_bits: 4, observer: %s}}}}\n"


def wanda(arguments):
    return f"{STAGE}WandaPruningModifier: {{{arguments}}}\n"


def test_modifiers_in_their_order_with_arguments():
    recipe = (
        wanda("sparsity: 0.5") + "    GPTQModifier: {}\nb_stage:\n  b_modifiers: {AWQModifier: {n_grid: 5}}\nother: {x: 1}\n"
    )
    content = recipe_content(recipe)
    assert content == yaml.safe_load(recipe)
    assert modifiers_of(content) == [
        ("WandaPruningModifier", {"sparsity": 0.5}),
        ("GPTQModifier", {}),
        ("AWQModifier", {"n_grid": 5}),
    ]


@pytest.mark.parametrize(
    ("recipe", "message", "always"),
    [
        ("a: ]", r"is not valid YAML \(line 1: ", False),
        ("1: 2\n" + wanda("sparsity: 0.5"), r"is not valid YAML \(line 1: the key '1' is not a text", False),
        ("[1, 2]", "names no modifier", False),
        (STAGE + "GPTQModifier:\n", "names no modifier", False),
        # llmcompressor ends with AttributeError at the modifier without arguments.
        (STAGE + "GPTQModifier:\n    AWQModifier: {}\n", "gives GPTQModifier no arguments: write GPTQModifier: {}", False),
        # compressed-tensors runs the file.
        (QUANTISER % "'/tmp/evil.py:Name'", "has observer: /tmp/evil.py:Name: a text with a colon", True),
        (STAGE + "QuIPModifier: {transform_config: {config_groups: {u: {type: './e.py:X'}}}}\n", "has type: ./e.py:X", True),
        # llmcompressor writes the file.
        (STAGE + "REAPPruningModifier: {sparsity: 0.5, report_path: x.json}\n", "report_path, which writes a file", True),
        (STAGE + "MagnitudePruningModifier: {update_scheduler: calc(1)}\n", "update_scheduler, which may hold code", True),
        (wanda("sparsity: -0.5"), "has sparsity: -0.5: give 0 to 1", False),
        (wanda("sparsity: [0.5, 1.5]"), "has sparsity: 1.5: give 0 to 1", False),
        (wanda("sparsity: .nan"), "has sparsity: nan: give 0 to 1", False),
        (wanda("dampening_frac: .inf"), "has dampening_frac: inf: give a finite number", False),
        (STAGE + "AWQModifier: {n_grid: 1000000000}\n", "has n_grid: 1000000000: give 1 to 1,000", False),
        (QUANTISER.replace("4", "100000") % "minmax", "has num_bits: 100000: give 1 to 64", False),
        # The mask would remove more weights than there are, all, none, or divide by zero; and one that YAML read as a number.
        (wanda("mask_structure: '4:2'"), 'has mask_structure: 4:2, which is no mask: give "N:M" in quotes', False),
        (wanda("mask_structure: '4:4'"), "mask_structure: 4:4, which is no mask", False),
        (wanda("mask_structure: '0:4'"), "mask_structure: 0:4, which is no mask", False),
        (wanda("mask_structure: '2:0'"), "mask_structure: 2:0, which is no mask", False),
        (STAGE + "LayerMagnitudeModifier: {mask_structure: '2:0'}\n", "mask_structure: 2:0, which is no mask", False),
        (wanda("mask_structure: '1000000000000:1000000000001'"), r"which is no mask: .*1 <= N < M <= 4096", False),
        (wanda("mask_structure: '4096:4097'"), "which is no mask", False),
        (wanda("mask_structure: 124"), "mask_structure: 124, which is no mask", False),
        (wanda("mask_structure: x"), "mask_structure: x, which is no mask", False),
        (wanda("sparsity: 0.5, sparsity_profile: owl, owl_m: 5, owl_lmbda: 0.08"), "sparsity_profile, .* pruner=owl", True),
        (wanda(f"targets: ['re:{'x' * 20_000}']"), "has a text of 20,003 characters under targets", False),
    ],
)
def test_what_is_refused(recipe, message, always):
    with pytest.raises(RecipeError, match=message) as caught:
        recipe_content(recipe)
    assert caught.value.always == always
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "recipe",
    [
        wanda("mask_structure: '2:4', targets: ['re:.*[:]x', Linear], sparsity: [0.5, 0], sequential_update: true"),
        wanda("mask_structure: '0:0', sparsity_profile: null"),
        wanda("mask_structure: '4095:4096'"),
        STAGE + "AWQModifier: {offload_device: 'cuda:0', duo_scaling: both}\n",
        QUANTISER % "imatrix_mse",
    ],
)
def test_what_is_allowed(recipe):
    assert recipe_content(recipe) == yaml.safe_load(recipe)


@pytest.mark.parametrize(
    "pattern",
    ["(", "*", "[a", "(?P<a>x)(?P<a>y)", "a{99999999999999999999}", "(" * 2000 + ")" * 2000],
)
def test_a_pattern_that_is_none_is_refused(pattern):
    content = recipe_content(wanda(f"targets: [Linear], ignore: ['re:{pattern}']"))
    with pytest.raises(RecipeError, match=r"has the pattern .* which is no regular expression") as caught:
        refuse_slow_patterns(content, [])
    assert caught.value.always
    assert len(str(caught.value)) < 300


def test_patterns_are_tried_on_names_as_llmcompressor_does(monkeypatch):
    tried = []

    class Expression:
        def __init__(self, pattern):
            self.pattern = pattern

        def match(self, text):
            tried.append((self.pattern, "match", text))

        def search(self, text):
            tried.append((self.pattern, "search", text))

    monkeypatch.setattr("lm_eval_illusion.pruning.recipe_content.re.compile", Expression)
    reap = "    REAPPruningModifier: {sparsity: 0.5, ignore: [p]}\n"
    refuse_slow_patterns(recipe_content(wanda("targets: ['re:x', plain], ignore: ['re:x']") + reap), ["n"])
    # Each pattern once; with and without the dot that llmcompressor appends. REAP searches, and has no mark `re:`.
    assert tried == [("x", "match", "n"), ("x", "match", "n."), ("p", "search", "n"), ("p", "search", "n.")]
