"""Which pruning methods use calibration data and a seed. The others give one result whatever calibration is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.environment import pruning_fault
from lm_eval_illusion.pruning.recipe_content import KNOWN_MODIFIERS, Modifiers, modifiers_of, recipe_content
from lm_eval_illusion.pruning.recipes import RefusedRecipeError, example_recipe, template_args

# What modifiers of llmcompressor need, known without the seconds of its import. A test compares it with llmcompressor.
CALIBRATED_MODIFIERS = frozenset({"AWQModifier", "GPTQModifier", "SparseGPTModifier", "WandaPruningModifier"})
DETERMINISTIC_MODIFIERS = frozenset({"LayerMagnitudeModifier", "QuantizationModifier"})
# What the other modifiers declare, for an environment without llmcompressor.
DATA_MODIFIERS = CALIBRATED_MODIFIERS | {
    *("AutoRoundModifier", "LogarithmicEqualizationModifier", "REAPPruningModifier", "SmoothQuantModifier"),
}
DATA_OBSERVERS = frozenset({"imatrix_mse", "nvfp4_expanded_imatrix"})
"""Observers of weights that read the inputs of their layers."""


class Needs(NamedTuple):
    """Whether the result of a method depends on calibration data, and whether it depends on the seed."""

    calibration: bool
    seed: bool


def needs_of(pruner: str) -> Needs:
    """Return what the result of a method depends on. A recipe with other modifiers than the packaged ones imports llmcompressor
    where it is installed.

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
    is_calibrated = _declared_without_import(modifiers)
    if is_calibrated is None:
        from lm_eval_illusion.pruning.compressor import needs_calibration

        is_calibrated = needs_calibration(recipe)
    return Needs(is_calibrated, seed=is_calibrated or not names <= DETERMINISTIC_MODIFIERS)


def _declared_without_import(modifiers: Modifiers) -> bool | None:
    """Return whether the modifiers need calibration data where llmcompressor can't be asked; None where it can.

    A recipe that quantises activations makes no checkpoint of a store. What it would need does not matter.

    Raises:
        UserError: A modifier is not one of llmcompressor's, so a program that is not here registered it.
    """
    if pruning_fault() is None:
        return None
    for name, _ in modifiers:
        if name not in KNOWN_MODIFIERS:
            raise UserError(
                f"recipe: {name[:80]!r} is no modifier of llmcompressor's, which can't be asked here: prune in the environment that"
                " knows it, with --out FOLDER, and give that folder"
            )
    return any(name in DATA_MODIFIERS or _observes_inputs(arguments) for name, arguments in modifiers)


def _observes_inputs(arguments: Mapping[str, Any]) -> bool:
    """Return whether an observer of the weights reads inputs. One for all groups replaces those of the groups."""
    of_kind = arguments.get("observer")
    for_all = (of_kind.get("weights") if isinstance(of_kind, dict) else None) or arguments.get("weight_observer")
    groups = arguments.get("config_groups")
    schemes = groups.values() if isinstance(groups, dict) else [arguments.get("scheme")]
    of_groups = [
        scheme["weights"] for scheme in schemes if isinstance(scheme, dict) and isinstance(scheme.get("weights"), dict)
    ]
    observers = [for_all] if for_all else [weights.get("observer") for weights in of_groups]
    return any(observer in DATA_OBSERVERS for observer in observers if isinstance(observer, str))


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
