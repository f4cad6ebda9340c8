"""The cells of a study: its grid expanded into lm_eval runs, with every pruning argument checked. Nothing is run or written here."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lm_eval_illusion.pruning.recipes import (
    SPARSITY_VARIABLES,
    TEMPLATE_VARIABLES,
    is_recipe_file,
    pruner_names,
    template_args,
)
from lm_eval_illusion.pruning.settings import OWL_ARGUMENTS, PRUNING_ARGUMENTS, PruningSettings, read_settings
from lm_eval_illusion.sweep.study import CellAxes, Study


@dataclass(frozen=True)
class CellRequest:
    """Everything that determines the answers in a cell: arguments of `pruned-hf`, tasks, items per task, lm_eval's metadata.

    `inputs`: hash, commit or version of everything that the arguments name, such as "recipe my.yaml" (`contents.with_contents`).
    """

    model_args: dict[str, Any]
    tasks: list[str]
    limit: int | None
    metadata: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One lm_eval run of a sweep.

    `slot`: name of its position in the grid, unique for its arguments. `name`: of its folder, unique for its arguments and its inputs.
    `variant`: name of the pruned model in reports.
    """

    slot: str
    base_model: str
    variant: str
    request: CellRequest

    @property
    def name(self) -> str:
        """The slot, and a hash of the contents of the inputs once they are known."""
        return f"{self.slot}-{_short_hash(self.request.inputs)}" if self.request.inputs else self.slot


def cells_of(study: Study) -> list[Cell]:
    """Return the cells of a study: for each base model the dense cell, then the pruned ones. Equal cells appear once.

    Raises:
        UserError: A pruning argument is wrong, or two arguments contradict each other.
    """
    cells = {cell.slot: cell for base_model in study.pretrained for cell in _cells_of_model(base_model, study)}
    for axes in study.include:
        cell = _cell(study, axes)
        cells.setdefault(cell.slot, cell)
    return list(cells.values())


def _cells_of_model(base_model: str, study: Study) -> Iterator[Cell]:
    yield _cell(study, CellAxes(pretrained=base_model, pruner="none"))
    amounts = [(pruner, *amount) for pruner in study.pruner for amount in _amounts(pruner, study)]
    for (pruner, sparsity, mask), language, seed in itertools.product(amounts, study.calibration_language, study.pruning_seed):
        axes = CellAxes(
            pretrained=base_model,
            pruner=pruner,
            sparsity=sparsity,
            mask_structure=mask,
            calibration_language=language,
            pruning_seed=seed,
        )
        if not any(_is_selected(selector, axes) for selector in study.exclude):
            yield _cell(study, axes)


def _amounts(pruner: str, study: Study) -> list[tuple[float | None, str | None]]:
    """Return the (sparsity, mask structure) pairs of a pruner. It has only the axes that its recipe uses; a quantiser has one cell."""
    arguments = _template_args(pruner)
    amounts: list[tuple[float | None, str | None]] = []
    if arguments & SPARSITY_VARIABLES:
        amounts += [(sparsity, None) for sparsity in study.sparsity]
    if "mask_structure" in arguments:
        amounts += [(None, mask) for mask in study.mask_structure]
    return amounts or [(None, None)]


def _template_args(pruner: str) -> set[str]:
    """Return the arguments of a pruner; all arguments for an unknown pruner, so that `read_settings` reports the unknown name."""
    name = pruner if is_recipe_file(pruner) else pruner.lower()
    return template_args(name) if is_recipe_file(name) or name in pruner_names() else set(TEMPLATE_VARIABLES)


def _is_selected(selector: CellAxes, axes: CellAxes) -> bool:
    """Return whether `axes` has all values that are set in `selector`. An empty selector selects nothing."""
    selected = {axis: value for axis, value in selector if value is not None}
    return bool(selected) and all(getattr(axes, axis) == value for axis, value in selected.items())


def _cell(study: Study, axes: CellAxes) -> Cell:
    is_dense = axes.pruner == "none"
    # Defaults are written out, so that a cell has the same name whether an axis is given or left at its default.
    defaults = {} if is_dense else {"calibration_language": "all", "pruning_seed": 0}
    model_args = {
        **study.model_args,
        "pretrained": study.pretrained[0],
        **defaults,
        **axes.model_dump(exclude_none=True),
    }
    if is_dense or "owl_sparsities" not in _template_args(str(model_args.get("pruner", "wanda"))):
        # A study that compares OWL with other methods and the dense model gives OWL's arguments for all cells.
        model_args = {name: value for name, value in model_args.items() if name not in OWL_ARGUMENTS}
    settings = _settings(model_args)
    request = CellRequest(model_args, sorted(study.tasks), study.limit, study.metadata)
    arguments = {name: value for name, value in asdict(request).items() if name != "inputs"}
    base_model = str(model_args["pretrained"])
    readable = re.sub(r"[^\w.,=-]+", "-", f"{Path(base_model).name}--{settings.variant}")
    return Cell(f"{readable}--{_short_hash(arguments)}", base_model, settings.variant, request)


def _short_hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def _settings(model_args: dict[str, Any]) -> PruningSettings:
    return read_settings(**{name: value for name, value in model_args.items() if name in PRUNING_ARGUMENTS})
