"""Pruning arguments: their defaults, and one clear line for each wrong one."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from lm_eval_illusion.analysis.gate import quoted
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.recipes import pruner_names
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, read_settings


def test_defaults():
    settings = read_settings()
    assert (settings.pruner, settings.sparsity, settings.mask_structure) == ("wanda", 0.6, "0:0")
    assert (settings.calibration, settings.calibration_language, settings.pruning_seed) == (
        "embedded",
        "all",
        0,
    )


def test_the_environment_sets_the_store(monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", "/somewhere")
    assert read_settings().store == "/somewhere"
    assert read_settings(store="off").store == "off"
    # YAML reads a bare off as false.
    assert read_settings(store=False).store == "off"


@pytest.mark.parametrize(
    ("arguments", "variant", "expected"),
    [
        ({}, "wanda-0.6", 0.6),
        ({"pruner": "none"}, "dense", None),
        ({"pruner": None}, "dense", None),
        ({"pruner": "sparsegpt", "sparsity": "0.75"}, "sparsegpt-0.75", 0.75),
        ({"mask_structure": "2:4"}, "wanda-2:4", 0.5),
        ({"pruner": "magnitude", "mask_structure": "4:8"}, "magnitude-4:8", 0.5),
        ({"sparsity": 0}, "wanda-0", 0.0),
        ({"pruner": "owl"}, "owl-0.6", 0.6),
        ({"pruner": "owl", "owl_lambda": 0.08, "owl_m": "5"}, "owl-0.6", 0.6),
        ({"pruner": "owl", "owl_lambda": "0.1", "owl_m": 7, "pruning_seed": 1}, "owl-0.6,lambda=0.1,m=7,seed=1", 0.6),
        ({"pruner": "gptq"}, "gptq", None),
    ],
)
def test_variant_and_expected_sparsity(arguments, variant, expected):
    settings = read_settings(**arguments)
    assert settings.variant == variant
    assert settings.sparsity_expected == expected


def test_a_recipe_file_is_named_by_its_stem_and_sets_its_own_sparsity(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("pruning_stage: {}")
    settings = read_settings(pruner=str(recipe))
    assert settings.variant == "mine"
    assert settings.sparsity_expected is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my recipe.yaml", "my-recipe"),
        ("a $b 'c' (d); \"e\" | f.yml", "a-b-c-d-e-f"),
        ("Überprüfung हिन्दी.yaml", "Überprüfung-हिन्दी"),
        # Names that the report uses for the dense model and for packaged recipes.
        ("none.yaml", "none-recipe"),
        ("dense.yaml", "dense-recipe"),
        ("wanda.yaml", "wanda-recipe"),
        ("$.yaml", "unnamed"),
        # A sweep's folder has this name, and a file name has at most 255 bytes.
        ("long" * 50 + ".yaml", "long" * 15),
    ],
)
def test_the_name_of_a_recipe_needs_no_quotes(tmp_path, file, name):
    (tmp_path / file).write_text("x: {{ sparsity }}")
    variant = read_settings(pruner=str(tmp_path / file), sparsity=0.5).variant
    assert variant == f"{name}-0.5"
    assert shlex.split(f"at {variant}") == ["at", variant]
    assert quoted(variant) == variant


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"calibration": "my text.jsonl"}, ",text=my-text"),
        ({"calibration": "wiki.en.txt", "calibration_language": "en"}, ",text=wiki.en,cal=en"),
        ({"calibration_language": "en"}, ",cal=en"),
        ({"calibration": "en.txt"}, ",text=en"),
        ({"calibration": "en.txt", "calibration_language": "my language"}, ",text=en,cal=my-language"),
        ({"calibration_samples": 64}, ",samples=64"),
        ({"calibration_length": "512"}, ",length=512"),
        ({"calibration_samples": "128", "calibration_length": 256}, ""),
        ({"calibration": "en.txt", "calibration_length": 2048}, ",text=en"),
        ({"calibration": "hub:org/set"}, ",text=org/set"),
        ({"calibration": "hub:org/set:::text"}, ",text=org/set"),
        ({"calibration": "hub:org/set::train"}, ",text=org/set"),
        ({"calibration": "hub:org/set:config"}, ",text=org/set:config"),
        ({"calibration": "hub:org/set::test"}, ",text=org/set::test"),
        ({"calibration": "hub:org/set:::body"}, ",text=org/set:::body"),
        ({"calibration": "a.txt", "calibration_samples": 8, "pruning_seed": 2}, ",text=a,samples=8,seed=2"),
    ],
)
def test_the_name_of_a_variant_tells_its_calibration(tmp_path, monkeypatch, arguments, name):
    monkeypatch.chdir(tmp_path)
    for file in ("my text.jsonl", "wiki.en.txt", "en.txt", "a.txt"):
        (tmp_path / file).touch()
    variant = read_settings(**arguments).variant
    assert variant == f"wanda-0.6{name}"
    assert quoted(variant) == variant


OTHER = {"pretrained": "org/model"}
STANDARD = "hub:allenai/c4:en"


@pytest.mark.parametrize(
    ("arguments", "text", "language", "length", "name"),
    [
        ({}, "embedded", "all", 256, ""),
        ({"calibration": "embedded"}, "embedded", "all", 256, ""),
        ({"calibration_language": "fi"}, "embedded", "fi", 256, ",cal=fi"),
        ({"calibration": STANDARD}, STANDARD, "all", 2048, ",text=allenai/c4:en"),
        ({"calibration": "a.txt"}, "a.txt", "all", 2048, ",text=a"),
        (OTHER, STANDARD, "all", 2048, ""),
        # The default, however it is spelt.
        (OTHER | {"calibration": STANDARD}, STANDARD, "all", 2048, ""),
        (OTHER | {"calibration": f"{STANDARD}:train:text"}, f"{STANDARD}:train:text", "all", 2048, ""),
        (OTHER | {"calibration_samples": 128, "calibration_length": "2048"}, STANDARD, "all", 2048, ""),
        (OTHER | {"calibration_length": 256}, STANDARD, "all", 256, ",length=256"),
        (OTHER | {"calibration": "hub:allenai/c4:fi"}, "hub:allenai/c4:fi", "all", 2048, ",text=allenai/c4:fi"),
        (OTHER | {"calibration": STANDARD, "calibration_language": "en"}, STANDARD, "en", 2048, ",cal=en"),
        # C4 is English: a language alone, also `all`, asks for the embedded text.
        (OTHER | {"calibration_language": "fi"}, "embedded", "fi", 256, ",text=embedded,cal=fi"),
        (OTHER | {"calibration_language": "all"}, "embedded", "all", 256, ",text=embedded"),
        (OTHER | {"calibration": "embedded"}, "embedded", "all", 256, ",text=embedded"),
        (
            OTHER | {"calibration": "embedded", "calibration_length": 2048},
            "embedded",
            "all",
            2048,
            ",text=embedded,length=2048",
        ),
        (OTHER | {"calibration": "a.txt", "calibration_language": "fi"}, "a.txt", "fi", 2048, ",text=a,cal=fi"),
        (OTHER | {"calibration": "a.txt", "calibration_length": 256}, "a.txt", "all", 256, ",text=a,length=256"),
    ],
)
def test_calibration_of_the_embedded_and_of_other_models(tmp_path, monkeypatch, arguments, text, language, length, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").touch()
    settings = read_settings(**arguments)
    assert (settings.calibration, settings.calibration_language, settings.calibration_length) == (text, language, length)
    assert settings.calibration_samples == 128
    assert settings.variant == f"wanda-0.6{name}"


def test_a_method_without_calibration_has_the_same_settings_for_every_model():
    given = {"calibration": STANDARD, "calibration_length": 8}
    embedded, other = read_settings("magnitude", store="s"), read_settings("magnitude", store="s", **OTHER, **given)
    assert embedded == other
    # They are part of the key of stored checkpoints.
    calibration = (embedded.calibration, embedded.calibration_samples, embedded.calibration_length)
    assert (embedded.variant, calibration) == ("magnitude-0.6", ("embedded", 128, 256))


def test_a_language_that_is_not_embedded_is_refused_without_a_text():
    with pytest.raises(UserError, match="calibration_language 'xx' is not embedded"):
        read_settings(**OTHER, calibration_language="xx")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"sparsity": 1.5},
            r"sparsity 1.5 is not in \[0, 1\): give the share of weights to remove, e.g. 0.6",
        ),
        ({"sparsity": -0.1}, r"not in \[0, 1\)"),
        ({"sparsity": float("nan")}, r"not in \[0, 1\)"),
        ({"sparsity": "half"}, "sparsity 'half' is not a number"),
        ({"pruner": "wandda"}, "'wandda' is unknown, did you mean wanda?"),
        ({"pruner": "zzz"}, ", ".join(["none", *pruner_names()])),
        ({"pruner": "no/such/recipe.yaml"}, "is not a file"),
        ({"pruner": "none", "sparsity": 0.5}, "the dense model is not pruned"),
        ({"mask_structure": "3:4"}, "give one of 0:0, 2:4, 4:8"),
        (
            {"mask_structure": "2:4", "sparsity": 0.6},
            "sparsity 0.6 with mask_structure 2:4: the mask removes exactly 2 of every 4",
        ),
        (
            {"mask_structure": "2:4", "sparsity": 0.6, "pruner": "sparsegpt"},
            "removes exactly 2 of every 4 weights, leave sparsity out",
        ),
        ({"mask_structure": "4:8", "sparsity": "0.5"}, "the mask removes exactly 4 of every 8"),
        ({"mask_structure": "2:4", "pruner": "owl"}, "OWL gives each block its own sparsity, a mask gives all blocks the same"),
        ({"mask_structure": "2:4", "pruner": "gptq"}, "pruner gptq: its recipe does not use {{ mask_structure }}"),
        ({"pruner": "gptq", "sparsity": 0.5}, "pruner gptq: its recipe does not use {{ sparsity }}"),
        ({"owl_lambda": 0.1}, "owl_lambda 0.1 with pruner wanda: only OWL uses it"),
        ({"owl_m": 3, "pruner": "none"}, "owl_m 3 with pruner none"),
        ({"pruner": "owl", "owl_lambda": 0.5}, r"owl_lambda 0.5 is not in \[0, 0.5\)"),
        ({"pruner": "owl", "owl_lambda": -0.1}, r"not in \[0, 0.5\)"),
        ({"pruner": "owl", "owl_lambda": "wide"}, "owl_lambda 'wide' is not a number: give how far"),
        ({"pruner": "owl", "owl_m": 0}, "owl_m 0 is not a number above 0"),
        ({"pruner": "owl", "owl_m": float("nan")}, "owl_m nan is not a number above 0"),
        ({"pruner": "owl", "owl_m": "inf"}, "owl_m inf is not a number above 0"),
        (
            {"pruner": "owl", "sparsity": 0.95},
            r"0.08 at sparsity 0.95 gives block sparsities from 0.87 to 1.03, beyond \[0, 1\)",
        ),
        ({"pruner": "owl", "sparsity": 0.1, "owl_lambda": 0.2}, "give a smaller owl_lambda"),
        ({"calibration": "no-such-file.txt"}, "give embedded, a text or JSONL file, or hub:"),
        ({"calibration_language": "xx"}, "'xx' is not embedded"),
        ({"calibration_samples": 0}, "calibration_samples 0 is too small"),
        ({"calibration_length": "long"}, "calibration_length 'long' is not a whole number"),
        ({"pruning_seed": 1.5}, "pruning_seed 1.5 is not a whole number"),
        ({"pruning_seed": 2**32}, "pruning_seed 4294967296 is too large: give a whole number from 0 to 4,294,967,295"),
        ({"calibration_samples": 10**30}, "is too large: give a whole number from 1 to 65,536"),
        ({"calibration_samples": "²"}, "calibration_samples '²' is not a whole number"),
        ({"calibration_samples": True}, "calibration_samples True is not a whole number"),
        ({"calibration_samples": None}, "calibration_samples None is not a whole number"),
        ({"calibration_samples": 65_536, "calibration_length": 8_192}, "are more than 134,217,728 tokens"),
        ({"sparsity": True}, "sparsity True is not a number"),
        ({"sparsity": " 0.5"}, "sparsity ' 0.5' is not a number"),
        ({"sparsity": [0.5]}, r"sparsity \[0.5\] is not a number"),
        ({"pruner": "owl", "owl_m": 1e6}, "owl_m 1e\\+06 is not a number above 0 and at most 1,000"),
        ({"pruner": ""}, "pruner '' is blank"),
        ({"pruner": ["wanda"]}, r"pruner \['wanda'\] is not a text"),
        ({"mask_structure": ["2:4"]}, r"mask_structure \['2:4'\] is unknown"),
        ({"calibration": "x" * 5_000}, "is longer than 4,096 characters"),
        ({"calibration_language": False}, "calibration_language False is not a text"),
        ({"store": ""}, "store '' is blank"),
    ],
)
def test_a_wrong_argument_is_named_with_the_allowed_values(arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        read_settings(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("argument", [{"sparsity": 0.5}, {"mask_structure": "2:4"}, {"owl_m": 5}])
@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("", "names no modifier"),
        ("- a", "names no modifier"),
        ("3", "names no modifier"),
        ("a: ]", "is not valid YAML"),
        ("{{ 1 // 0 }}", "can't be filled in"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "can't be filled in"),
    ],
)
def test_the_fault_of_a_recipe_is_told_before_that_it_does_not_use_an_argument(tmp_path, argument, recipe, message):
    path = tmp_path / "mine.yaml"
    path.write_text(recipe)
    with pytest.raises(UserError, match=f"recipe {path} {message}"):
        read_settings(pruner=str(path), **argument)


def test_an_argument_that_a_correct_recipe_does_not_use_is_to_be_left_out(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a_stage: {b_modifiers: {GPTQModifier: {}}}")
    with pytest.raises(UserError, match=r"its recipe does not use {{ sparsity }}, leave sparsity out"):
        read_settings(pruner=str(path), sparsity=0.5)


def test_reading_settings_imports_no_heavy_library():
    code = (
        "import sys; from lm_eval_illusion.pruning.settings import read_settings; read_settings();"
        "print(*({'torch', 'transformers', 'llmcompressor', 'datasets', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_every_setting_is_an_argument():
    assert set(PRUNING_ARGUMENTS) == {
        "pruner",
        "sparsity",
        "mask_structure",
        "owl_lambda",
        "owl_m",
        "calibration",
        "calibration_language",
        "calibration_samples",
        "calibration_length",
        "pruning_seed",
        "store",
    }
