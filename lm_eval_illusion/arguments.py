"""The pruning arguments of `pruned-hf`: their meaning, their defaults, and what is wrong with a wrong one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError

DEFAULT_SPARSITY = 0.6
MASK_STRUCTURES = ("0:0", "2:4", "4:8")


@dataclass(frozen=True)
class PruningSettings:
    """How to prune. `sparsity` is None for N:M masks (the mask says it) and for `none`."""

    pruner: str
    sparsity: float | None
    mask_structure: str
    calibration: str
    calibration_language: str
    calibration_samples: int
    calibration_length: int
    pruning_seed: int
    store: str

    @property
    def variant(self) -> str:
        """The name of the variant in reports: `dense`, `wanda-0.6`, `wanda-2:4`, or a recipe file's stem."""
        if self.pruner == "none":
            return "dense"
        if is_recipe_file(self.pruner):
            return Path(self.pruner).stem
        return f"{self.pruner}-{self.mask_structure if self.sparsity is None else format(self.sparsity, 'g')}"

    @property
    def sparsity_expected(self) -> float | None:
        """The share of zeros that pruning must give; None where nothing can be said (dense, a recipe of the user's)."""
        if self.pruner == "none" or is_recipe_file(self.pruner):
            return None
        if self.sparsity is not None:
            return self.sparsity
        zeros, group = self.mask_structure.split(":")
        return int(zeros) / int(group)


PRUNING_ARGUMENTS = tuple(field.name for field in fields(PruningSettings))


def pruner_names() -> list[str]:
    """The names in pruners/: a recipe template each."""
    return sorted(path.stem for path in pruners_folder().glob("*.yaml"))


def pruners_folder() -> Path:
    """The folder of the recipe templates."""
    import lm_eval_illusion.pruners

    return Path(next(iter(lm_eval_illusion.pruners.__path__)))


def is_recipe_file(pruner: str) -> bool:
    """Whether `pruner` is meant as a path to a recipe rather than as a name."""
    return "/" in pruner or pruner.endswith((".yaml", ".yml"))


def read_settings(
    pruner: str | None = "wanda",
    sparsity: float | str | None = None,
    mask_structure: str = "0:0",
    calibration: str = "embedded",
    calibration_language: str = "all",
    calibration_samples: int | str = 128,
    calibration_length: int | str = 256,
    pruning_seed: int | str = 0,
    store: str | None = None,
) -> PruningSettings:
    """Check the arguments as lm_eval parsed them and fill in the defaults.

    `sparsity` not given means 0.6, or what an N:M mask says.

    Raises:
        UserError: an argument is ill-formed, or two contradict each other.
    """
    name = _pruner("none" if pruner is None else str(pruner))
    return PruningSettings(
        pruner=name,
        sparsity=_sparsity(sparsity, str(mask_structure), name),
        mask_structure=_mask_structure(str(mask_structure)),
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
    if is_recipe_file(pruner):
        if not Path(pruner).is_file():
            raise UserError(f"pruner {pruner} is not a file: give the path of a recipe, or one of {', '.join(names)}")
        return pruner
    if pruner.lower() not in names:
        raise UserError(
            f"pruner {pruner!r} is unknown{nearest(pruner, names) or ':'} give one of {', '.join(names)}, or a path to a recipe"
        )
    return pruner.lower()


def _sparsity(sparsity: float | str | None, mask_structure: str, pruner: str) -> float | None:
    if sparsity is None:
        if pruner == "none" or mask_structure != "0:0":
            return None
        return DEFAULT_SPARSITY
    try:
        share = float(sparsity)
    except ValueError:
        raise UserError(f"sparsity {sparsity!r} is not a number: {_SPARSITY_HELP}") from None
    if not 0 <= share < 1:
        raise UserError(f"sparsity {sparsity} is not in [0, 1): {_SPARSITY_HELP}")
    if pruner == "none":
        raise UserError(f"sparsity {sparsity} with pruner none: the dense model is not pruned, leave sparsity out")
    if mask_structure != "0:0":
        raise UserError(f"sparsity {sparsity} with mask_structure {mask_structure}: the mask sets it, leave sparsity out")
    return share


_SPARSITY_HELP = "give the share of weights to remove, e.g. 0.6"


def _mask_structure(mask_structure: str) -> str:
    if mask_structure not in MASK_STRUCTURES:
        raise UserError(
            f"mask_structure {mask_structure!r} is unknown: give one of {', '.join(MASK_STRUCTURES)} (0:0 is unstructured)"
        )
    return mask_structure


def _calibration(calibration: str) -> str:
    if calibration == "embedded" or calibration.startswith("hub:") and len(calibration) > len("hub:"):
        return calibration
    if not Path(calibration).is_file():
        raise UserError(
            f"calibration {calibration!r} is not a file: give embedded, a text or JSONL file,"
            " or hub:<dataset>[:<config>[:<split>[:<column>]]]"
        )
    return calibration


def _calibration_language(language: str, calibration: str) -> str:
    from lm_eval_illusion.languages import LANGUAGES

    if calibration == "embedded" and language != "all" and language not in LANGUAGES:
        raise UserError(f"calibration_language {language!r} is not embedded: give all or one of {' '.join(LANGUAGES)}")
    return language


def _whole_number(name: str, value: int | str, at_least: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise UserError(f"{name} {value!r} is not a whole number: give one of at least {at_least}") from None
    if number < at_least:
        raise UserError(f"{name} {number} is too small: give a whole number of at least {at_least}")
    return number
