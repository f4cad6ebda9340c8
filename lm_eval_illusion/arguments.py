"""The pruning arguments of `pruned-hf`: their meaning, their defaults, and what is wrong with a wrong one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.recipes import is_recipe_file, pruner_names
from lm_eval_illusion.share_arguments import DEFAULT_OWL_LAMBDA, DEFAULT_OWL_M, read_mask_structure, read_owl, read_sparsity


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
