"""Which pruning methods use calibration data and a seed. The others give one result whatever calibration is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.recipe_content import modifiers_of, recipe_content
from lm_eval_illusion.pruning.recipes import RefusedRecipeError, example_recipe, template_args

# What modifiers of llmcompressor need, known without the seconds of its import. A test compares it with llmcompressor.
CALIBRATED_MODIFIERS = frozenset({"AWQModifier", "GPTQModifier", "SparseGPTModifier", "WandaPruningModifier"})
DETERMINISTIC_MODIFIERS = frozenset({"LayerMagnitudeModifier", "QuantizationModifier"})


class Needs(NamedTuple):
    """Whether the result of a method depends on calibration data, and whether it depends on the seed."""

    calibration: bool
    seed: bool


def needs_of(pruner: str) -> Needs:
    """Return what the result of a method depends on. A recipe with other modifiers than the packaged ones imports llmcompressor.

    Raises:
        UserError: The recipe can't be read, or llmcompressor rejects it.
    """
    if pruner == "none":
        return Needs(calibration=False, seed=False)
    # OWL takes its sparsities from the inputs of the layers.
    if "owl_sparsities" in template_args(pruner):
        return Needs(calibration=True, seed=True)
    # A template gets its values from the model and the settings. No modifier's need depends on them.
    try:
        recipe = example_recipe(pruner)
    except RefusedRecipeError:
        raise
    except UserError:
        # With the values of the model it may be a recipe. If not, it is refused with this reason when it is used.
        return Needs(calibration=True, seed=True)
    return _needs_of_recipe(recipe)


@lru_cache(maxsize=128)  # of the text itself: a grid asks several times for each cell
def _needs_of_recipe(recipe: str) -> Needs:
    modifiers = modifiers_of(recipe_content(recipe))
    names = {name for name, _ in modifiers}
    if names & CALIBRATED_MODIFIERS:
        return Needs(calibration=True, seed=True)
    if all(_needs_nothing(name, arguments) for name, arguments in modifiers):
        return Needs(calibration=False, seed=False)
    from lm_eval_illusion.pruning.compressor import needs_calibration

    is_calibrated = needs_calibration(recipe)
    return Needs(is_calibrated, seed=is_calibrated or not names <= DETERMINISTIC_MODIFIERS)


def _needs_nothing(name: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether a modifier is known to need neither data nor seed: ours, or one that rounds weights by their own range."""
    if name == "LayerMagnitudeModifier":
        return True
    groups = arguments.get("config_groups")
    return (
        name == "QuantizationModifier"
        and arguments.keys() <= {"ignore", "targets", "config_groups"}
        and isinstance(groups, dict)
        and all(_rounds_weights(group) for group in groups.values())
    )


def _rounds_weights(group: Any) -> bool:
    return (
        isinstance(group, dict)
        and group.keys() <= {"targets", "weights"}
        and isinstance(group.get("weights"), dict)
        and "observer" not in group["weights"]
    )
