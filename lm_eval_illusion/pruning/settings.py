"""The pruning arguments of `pruned-hf`: their meaning, their defaults, and what is wrong with a wrong one.

The arguments that say how much goes where: sparsity, an N:M mask, OWL's two numbers. Each only where the pruner takes it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.recipes import is_recipe_file, pruner_names, template_variables

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


def template_args(pruner: str) -> set[str]:
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
    if "owl_sparsities" in template_args(pruner):
        return "OWL gives each block a sparsity of its own, the mask gives all the same"
    return "" if "mask_structure" in template_args(pruner) else "its recipe has no {{ mask_structure }} to fill in"


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
    return "" if template_args(pruner) & TAKE_SPARSITY else f"pruner {pruner}: its recipe has no {{{{ sparsity }}}} to fill in"


def read_owl(
    owl_lambda: float | str | None, owl_m: float | str | None, sparsity: float | None, pruner: str
) -> tuple[float | None, float | None]:
    """OWL's lambda and M, with their defaults; two times None for a pruner without OWL.

    Raises:
        UserError: not a number that OWL can work with at this sparsity, or the pruner is not OWL.
    """
    if "owl_sparsities" not in template_args(pruner):
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


@dataclass(frozen=True)
class PruningSettings:
    """How to prune.

    `sparsity` is None where it says nothing: with an N:M mask, with `none`, with a recipe that fixes its own or only quantises.
    `owl_lambda`, `owl_m`: None for a pruner without OWL.
    """

    pruner: str
    sparsity: float | None
    mask_structure: str
    owl_lambda: float | None
    owl_m: float | None
    calibration: str
    calibration_language: str
    calibration_samples: int
    calibration_length: int
    pruning_seed: int
    store: str

    @property
    def variant(self) -> str:
        """The name of the variant in reports: `dense`, `wanda-0.6`, `wanda-2:4`, `owl-0.6,lambda=0.1`; a recipe file by its stem.

        What is not at its default is named: lambda, m, cal (the calibration's language), seed.
        """
        if self.pruner == "none":
            return "dense"
        name = Path(self.pruner).stem if is_recipe_file(self.pruner) else self.pruner
        if self.sparsity is not None:
            name = f"{name}-{self.sparsity:g}"
        elif self.mask_structure != "0:0":
            name = f"{name}-{self.mask_structure}"
        owl = f",lambda={self.owl_lambda:g}" if self.owl_lambda not in (None, DEFAULT_OWL_LAMBDA) else ""
        owl += f",m={self.owl_m:g}" if self.owl_m not in (None, DEFAULT_OWL_M) else ""
        language = f",cal={self.calibration_language}" if self.calibration_language != "all" else ""
        return name + owl + language + (f",seed={self.pruning_seed}" if self.pruning_seed else "")

    @property
    def sparsity_expected(self) -> float | None:
        """The share of zeros that pruning must give; None if dense or if a recipe fixes its own."""
        if self.sparsity is not None or self.mask_structure == "0:0":
            return self.sparsity
        zeros, group = self.mask_structure.split(":")
        return int(zeros) / int(group)


PRUNING_ARGUMENTS = tuple(field.name for field in fields(PruningSettings))


def read_settings(
    pruner: str | None = "wanda",
    sparsity: float | str | None = None,
    mask_structure: str = "0:0",
    owl_lambda: float | str | None = None,
    owl_m: float | str | None = None,
    calibration: str = "embedded",
    calibration_language: str = "all",
    calibration_samples: int | str = 128,
    calibration_length: int | str = 256,
    pruning_seed: int | str = 0,
    store: str | None = None,
) -> PruningSettings:
    """Check the arguments as lm_eval parsed them and fill in the defaults.

    `sparsity` not given means 0.6, or what an N:M mask or a recipe of the user's says.

    Raises:
        UserError: an argument is ill-formed, or two contradict each other.
    """
    name = _pruner("none" if pruner is None else str(pruner))
    mask = read_mask_structure(str(mask_structure), name)
    share = read_sparsity(sparsity, mask, name)
    owl = read_owl(owl_lambda, owl_m, share, name)
    return PruningSettings(
        pruner=name,
        sparsity=share,
        mask_structure=mask,
        owl_lambda=owl[0],
        owl_m=owl[1],
        calibration=_calibration(str(calibration)),
        calibration_language=_calibration_language(str(calibration_language), str(calibration)),
        calibration_samples=_whole_number("calibration_samples", calibration_samples, at_least=1),
        calibration_length=_whole_number("calibration_length", calibration_length, at_least=8),
        pruning_seed=_whole_number("pruning_seed", pruning_seed, at_least=0),
        store=str(store) if store else default_store(),
    )


def default_store() -> str:
    """$LM_EVAL_ILLUSION_STORE, else a folder in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return os.environ.get("LM_EVAL_ILLUSION_STORE") or str(cache / "lm-eval-illusion" / "checkpoints")


def nearest(value: str, allowed: Iterable[str]) -> str:
    """', did you mean X?' if something allowed is near, else ''."""
    matches = get_close_matches(value, list(allowed), n=1)
    return f", did you mean {matches[0]}?" if matches else ""


def _pruner(pruner: str) -> str:
    names = ["none", *pruner_names()]
    allowed = f"give one of {', '.join(names)}, or the path of a recipe"
    if is_recipe_file(pruner):
        if not Path(pruner).expanduser().is_file():
            raise UserError(f"pruner {pruner} is not a file: {allowed}")
        return pruner
    if pruner.lower() not in names:
        raise UserError(f"pruner {pruner!r} is unknown{nearest(pruner, names) or ':'} {allowed}")
    return pruner.lower()


def _calibration(calibration: str) -> str:
    source, *parts = calibration.split(":")
    if calibration == "embedded" or (source == "hub" and 1 <= len(parts) <= 4 and parts[0]):
        return calibration
    if source == "hub" or not Path(calibration).expanduser().is_file():
        raise UserError(
            f"calibration {calibration!r} is {'no name of a dataset' if source == 'hub' else 'not a file'}:"
            " give embedded, a text or JSONL file, or hub:<dataset>[:<config>[:<split>[:<column>]]]"
        )
    return calibration


def _calibration_language(language: str, calibration: str) -> str:
    from lm_eval_illusion.items import embedded_languages

    if calibration == "embedded" and language != "all" and language not in embedded_languages():
        raise UserError(
            f"calibration_language {language!r} is not embedded: give all or one of {' '.join(embedded_languages())}"
        )
    return language


def _whole_number(name: str, value: int | str, at_least: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise UserError(f"{name} {value!r} is not a whole number: give one of at least {at_least}") from None
    if number < at_least:
        raise UserError(f"{name} {number} is too small: give a whole number of at least {at_least}")
    return number
