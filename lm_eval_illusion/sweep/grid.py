"""The cells of a study: its grid expanded into lm_eval runs, with every pruning argument checked. Nothing is run or written here."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import attributed
from lm_eval_illusion.option_values import read_name
from lm_eval_illusion.pruning.calibration_use import Needs, needs_of
from lm_eval_illusion.pruning.recipe_template import TEMPLATE_VARIABLES
from lm_eval_illusion.pruning.recipes import SPARSITY_VARIABLES, is_recipe_file, pruner_names, template_args
from lm_eval_illusion.pruning.settings import (
    CALIBRATION_ARGUMENTS,
    OWL_ARGUMENTS,
    PRUNING_ARGUMENTS,
    PruningSettings,
    read_settings,
)
from lm_eval_illusion.sweep.study import CellAxes, Study

MOST_NAME_BYTES = 200
"""The length of the readable part of a cell's name. File systems allow 255 bytes for the name of a file or folder."""


@dataclass(frozen=True)
class CellRequest:
    """Everything that determines the answers in a cell: arguments of `pruned-hf`, tasks, items per task, lm_eval's metadata.

    `apply_chat_template`: whether prompts are turns in the chat template of the model's tokenizer.
    `inputs`: hash, commit or version of everything that the arguments name, such as "recipe my.yaml" (`contents.with_contents`).
    """

    model_args: dict[str, Any]
    tasks: list[str]
    limit: int | None
    metadata: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)
    apply_chat_template: bool = False


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
        UserError: A name is blank, a pruning argument is wrong, two arguments contradict each other, there are too many cells, or an
            argument can't be written to the record of a cell.
    """
    _check_names(study)
    cells = {cell.slot: cell for base_model in study.pretrained for cell in _cells_of_model(base_model, study)}
    for axes in study.include:
        cell = _cell(study, axes)
        cells.setdefault(cell.slot, cell)
    return list(cells.values())


def _check_names(study: Study) -> None:
    for axis in ("pretrained", "pruner", "tasks"):
        for name in getattr(study, axis):
            read_name(axis, name)
    for axes in (*study.include, *study.exclude):
        if axes.pretrained is not None:
            read_name("pretrained", axes.pretrained)
    with attributed(
        "model_args or metadata can't be written as JSON", "give texts, numbers, lists and mappings with texts as keys"
    ):
        json.dumps([study.model_args, study.metadata], sort_keys=True)


def _cells_of_model(base_model: str, study: Study) -> Iterator[Cell]:
    yield _cell(study, CellAxes(pretrained=base_model, pruner="none"))
    amounts = [(pruner, *amount) for pruner in study.pruner for amount in _amounts(pruner, study)]
    for pruner, sparsity, mask in amounts:
        for language, seed in itertools.product(*_calibrations(pruner, study)):
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


def _calibrations(pruner: str, study: Study) -> tuple[Sequence[str | None], Sequence[int | None]]:
    """Return the calibration languages and the seeds of a pruner; None alone where its result does not depend on them."""
    needs = _needs(pruner)
    return study.calibration_language if needs.calibration else (None,), study.pruning_seed if needs.seed else (None,)


def _needs(pruner: str) -> Needs:
    """Return what a pruner's result depends on; for an unknown pruner both, so that `read_settings` reports the unknown name."""
    name = _known_name(pruner)
    return needs_of(name) if name else Needs(calibration=True, seed=True)


def _template_args(pruner: str) -> set[str]:
    """Return the arguments of a pruner; all arguments for an unknown pruner, so that `read_settings` reports the unknown name."""
    name = _known_name(pruner)
    return template_args(name) if name else set(TEMPLATE_VARIABLES)


def _known_name(pruner: str) -> str | None:
    """Return the path of a recipe, or the name of a packaged pruner as it is written there; None for an unknown pruner."""
    if is_recipe_file(pruner):
        return pruner
    return pruner.lower() if pruner.lower() in ("none", *pruner_names()) else None


def _is_selected(selector: CellAxes, axes: CellAxes) -> bool:
    """Return whether `axes` has all values that are set in `selector`. An empty selector selects nothing."""
    selected = {axis: value for axis, value in selector if value is not None}
    return bool(selected) and all(getattr(axes, axis) == value for axis, value in selected.items())


def _cell(study: Study, axes: CellAxes) -> Cell:
    pruner = str(axes.pruner or study.model_args.get("pruner", "wanda"))
    # Defaults are written out, so that a cell has the same name whether an axis is given or left at its default.
    defaults = {} if pruner == "none" else {"calibration_language": "all", "pruning_seed": 0}
    model_args = {
        **study.model_args,
        "pretrained": study.pretrained[0],
        **defaults,
        **axes.model_dump(exclude_none=True),
    }
    # A study gives OWL's and calibration arguments for all cells, also for the dense model and for methods that don't use them.
    unused = set(() if "owl_sparsities" in _template_args(pruner) else OWL_ARGUMENTS)
    unused |= set(() if _needs(pruner).calibration else CALIBRATION_ARGUMENTS)
    unused |= set(() if _needs(pruner).seed else ("pruning_seed",))
    model_args = {name: value for name, value in model_args.items() if name not in unused} | {
        name: value for name, value in defaults.items() if name in unused
    }
    settings = settings_of(model_args)
    request = CellRequest(
        model_args, sorted(study.tasks), study.limit, study.metadata, apply_chat_template=study.apply_chat_template
    )
    # A switch that is off is left out, so that cells keep the names that they have without it.
    arguments = {name: value for name, value in asdict(request).items() if name != "inputs" and value is not False}
    base_model = str(model_args["pretrained"])
    readable = _cut(re.sub(r"[^\w.,=-]+", "-", f"{Path(base_model).name}--{settings.variant}"))
    return Cell(f"{readable}--{_short_hash(arguments)}", base_model, settings.variant, request)


def _cut(name: str) -> str:
    """Return a name that fits into a file name together with two hashes and a suffix; file systems count bytes."""
    return name.encode()[:MOST_NAME_BYTES].decode(errors="ignore")


def _short_hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def settings_of(model_args: Mapping[str, Any]) -> PruningSettings:
    """Return the checked pruning settings among the arguments of `pruned-hf`.

    Raises:
        UserError: A pruning argument is wrong, or two arguments contradict each other.
    """
    return read_settings(**{name: value for name, value in model_args.items() if name in PRUNING_ARGUMENTS})
