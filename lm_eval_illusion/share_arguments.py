"""The arguments that say how much goes where: sparsity, an N:M mask, OWL's two numbers. Each only where the pruner takes it."""

from __future__ import annotations

import math

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.recipes import template_variables

DEFAULT_SPARSITY = 0.6
DEFAULT_OWL_LAMBDA = 0.08
DEFAULT_OWL_M = 5.0
MASK_STRUCTURES = ("0:0", "2:4", "4:8")
OWL_ARGUMENTS = ("owl_lambda", "owl_m")
TAKE_SPARSITY = {"sparsity", "owl_sparsities"}
"""A template with one of these removes as many weights as it is told, in each layer or by OWL on the average."""

_SPARSITY_HELP = "give the share of weights to remove, e.g. 0.6"
_LAMBDA_HELP = f"give how far a block's sparsity may be from the mean, e.g. {DEFAULT_OWL_LAMBDA}"
_M_HELP = f"give how many times the block's mean makes an outlier, e.g. {DEFAULT_OWL_M:g}"


def taken_by(pruner: str) -> set[str]:
    """What a pruner takes: the variables of its template, none for `none`."""
    return set() if pruner == "none" else template_variables(pruner)


def read_mask_structure(mask_structure: str, pruner: str) -> str:
    """An N:M mask that the pruner can make, or `0:0`.

    Raises:
        UserError: unknown, or the pruner takes none.
    """
    if mask_structure not in MASK_STRUCTURES:
        # YAML reads a bare 2:4 as the number 124.
        raise UserError(
            f"mask_structure {mask_structure!r} is unknown: give one of {', '.join(MASK_STRUCTURES)}"
            " (0:0 is unstructured), in YAML in quotes"
        )
    if mask_structure != "0:0" and (reason := _why_no_mask(pruner)):
        raise UserError(f"mask_structure {mask_structure} with pruner {pruner}: {reason}, leave mask_structure out")
    return mask_structure


def _why_no_mask(pruner: str) -> str:
    if pruner == "none":
        return "the dense model is not pruned"
    if "owl_sparsities" in taken_by(pruner):
        return "OWL gives each block a sparsity of its own, the mask gives all the same"
    return "" if "mask_structure" in taken_by(pruner) else "its recipe has no {{ mask_structure }} to fill in"


def read_sparsity(sparsity: float | str | None, mask_structure: str, pruner: str) -> float | None:
    """The share of the weights to remove; 0.6 if not given; None where it says nothing: an N:M mask, or a pruner that takes none.

    Raises:
        UserError: not in [0, 1), or given where it says nothing.
    """
    says_nothing = _why_sparsity_says_nothing(mask_structure, pruner)
    if sparsity is None:
        return None if says_nothing else DEFAULT_SPARSITY
    share = _number("sparsity", sparsity, _SPARSITY_HELP)
    if not 0 <= share < 1:
        raise UserError(f"sparsity {sparsity} is not in [0, 1): {_SPARSITY_HELP}")
    if says_nothing:
        raise UserError(f"sparsity {sparsity} with {says_nothing}, leave sparsity out")
    return share


def _why_sparsity_says_nothing(mask_structure: str, pruner: str) -> str:
    if pruner == "none":
        return "pruner none: the dense model is not pruned"
    if mask_structure != "0:0":
        zeros, group = mask_structure.split(":")
        return f"mask_structure {mask_structure}: the mask removes {zeros} of every {group} weights, no more and no less"
    return "" if taken_by(pruner) & TAKE_SPARSITY else f"pruner {pruner}: its recipe has no {{{{ sparsity }}}} to fill in"


def read_owl(
    owl_lambda: float | str | None, owl_m: float | str | None, sparsity: float | None, pruner: str
) -> tuple[float | None, float | None]:
    """OWL's lambda and M, with their defaults; two times None for a pruner without OWL.

    Raises:
        UserError: not a number that OWL can work with at this sparsity, or the pruner is not OWL.
    """
    if "owl_sparsities" not in taken_by(pruner):
        for name, value in zip(OWL_ARGUMENTS, (owl_lambda, owl_m), strict=True):
            if value is not None:
                raise UserError(
                    f"{name} {value} with pruner {pruner}: it says something of OWL alone, leave it out, or pruner=owl"
                )
        return None, None
    width = DEFAULT_OWL_LAMBDA if owl_lambda is None else _number("owl_lambda", owl_lambda, _LAMBDA_HELP)
    times = DEFAULT_OWL_M if owl_m is None else _number("owl_m", owl_m, _M_HELP)
    if not 0 <= width < 0.5:
        raise UserError(f"owl_lambda {owl_lambda} is not in [0, 0.5): {_LAMBDA_HELP}")
    if not 0 < times < math.inf:
        raise UserError(f"owl_m {owl_m} is not a number above 0: {_M_HELP}")
    if sparsity is not None and not width <= sparsity < 1 - width:
        raise UserError(
            f"owl_lambda {width:g} at sparsity {sparsity:g} goes from {sparsity - width:g} to {sparsity + width:g}, beyond [0, 1):"
            " give a smaller owl_lambda"
        )
    return width, times


def _number(name: str, value: float | str, hint: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UserError(f"{name} {value!r} is not a number: {hint}") from None
