"""The cells of a study: one lm_eval run each. Pure, but that every pruning argument is checked."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.pruning.recipes import ALLOWED, is_recipe_file, pruner_names
from lm_eval_illusion.pruning.settings import (
    OWL_ARGUMENTS,
    PRUNING_ARGUMENTS,
    TAKE_SPARSITY,
    PruningSettings,
    read_settings,
    template_args,
)
from lm_eval_illusion.sweep.study import Choice, Study

AXES = ("pretrained", "pruner", "sparsity", "mask_structure", "calibration_language", "pruning_seed")


@dataclass(frozen=True)
class Cell:
    """`name`: of its folder, readable and its own; `model_args`: of `pruned-hf`; `asked`: all that decides its answers."""

    name: str
    base_model: str
    variant: str
    model_args: dict[str, Any]
    asked: dict[str, Any]


def cells_of(study: Study) -> list[Cell]:
    """The dense cell of each base model first, then its pruned ones; equal ones once.

    Raises:
        UserError: a pruning argument is wrong, or two contradict each other.
    """
    cells = {cell.name: cell for base in study.pretrained for cell in _cells_of_model(base, study)}
    for choice in study.include:
        cell = _cell(study, {axis: value for axis, value in choice if value is not None})
        cells.setdefault(cell.name, cell)
    return list(cells.values())


def _cells_of_model(base: str, study: Study) -> Iterator[Cell]:
    yield _cell(study, {"pretrained": base, "pruner": "none"})
    removed = [(pruner, share) for pruner in study.pruner for share in _shares(pruner, study)]
    for (pruner, share), language, seed in itertools.product(removed, study.calibration_language, study.pruning_seed):
        axes = {"pretrained": base, "pruner": pruner, **share, "calibration_language": language, "pruning_seed": seed}
        if not any(_is_chosen(choice, axes) for choice in study.exclude):
            yield _cell(study, axes)


def _shares(pruner: str, study: Study) -> list[dict[str, Any]]:
    """How much a pruner is to remove: what it does not take is no axis for it, so a quantiser alone has one cell."""
    taken = _taken_by(pruner)
    shares: list[dict[str, Any]] = [{"sparsity": share} for share in study.sparsity] if taken & TAKE_SPARSITY else []
    if "mask_structure" in taken:
        shares += [{"mask_structure": mask} for mask in study.mask_structure]
    return shares or [{}]


def _taken_by(pruner: str) -> set[str]:
    """What a pruner takes; all, if there is no such pruner: the check of the arguments says so, whatever they are."""
    is_known = is_recipe_file(pruner) or pruner.lower() in pruner_names()
    return template_args(pruner if is_recipe_file(pruner) else pruner.lower()) if is_known else set(ALLOWED)


def _is_chosen(choice: Choice, axes: dict[str, Any]) -> bool:
    wanted = {axis: value for axis, value in choice if value is not None}
    return bool(wanted) and all(axes.get(axis) == value for axis, value in wanted.items())


def _cell(study: Study, axes: dict[str, Any]) -> Cell:
    # Spelt out, so that a cell is the same whether an axis is named or left at its default.
    defaults = {} if axes.get("pruner") == "none" else {"calibration_language": "all", "pruning_seed": 0}
    model_args = {**study.model_args, "pretrained": study.pretrained[0], **defaults, **axes}
    if axes.get("pruner") == "none" or "owl_sparsities" not in _taken_by(str(model_args.get("pruner", "wanda"))):
        # Of a study that compares OWL with others, and with the dense model.
        model_args = {name: value for name, value in model_args.items() if name not in OWL_ARGUMENTS}
    settings = _settings(model_args)
    asked = {"model_args": model_args, "tasks": sorted(study.tasks), "limit": study.limit, "metadata": study.metadata}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]
    base = str(model_args["pretrained"])
    readable = re.sub(r"[^\w.,=-]+", "-", f"{Path(base).name}--{settings.variant}")
    return Cell(f"{readable}--{digest}", base, settings.variant, model_args, asked)


def _settings(model_args: dict[str, Any]) -> PruningSettings:
    return read_settings(**{name: value for name, value in model_args.items() if name in PRUNING_ARGUMENTS})
