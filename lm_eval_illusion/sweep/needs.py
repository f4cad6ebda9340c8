"""What the missing cells of a sweep need, for its plan: downloads, space for checkpoints, and GPU hours. Each line is an estimate."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.pruning.settings import PruningSettings
from lm_eval_illusion.sweep.base_models import names_gguf
from lm_eval_illusion.sweep.grid import Cell, settings_of
from lm_eval_illusion.sweep.model_size import ModelSize, model_size
from lm_eval_illusion.sweep.study import Study
from lm_eval_illusion.sweep.workload import (
    PEAK_FLOPS,
    UTILISATION,
    evaluated_views,
    gpu_seconds,
    loads_from_hub,
    pruning_tokens,
    tokens_of,
)

LEAST_BYTES = 1e9
"""Less space is not worth a line."""
LEAST_HOURS = 0.1
"""Less time on a GPU is shown as less than this."""


def needs_of_cells(cells: Sequence[Cell], study: Study, *, ask_hub: bool = True) -> list[str]:
    """Return the lines of the plan about what these cells need. Of a small sweep of models that are here, it is the GPU hours alone.

    `ask_hub`: whether the hub may be asked for the size of a model. Nothing is downloaded.
    """
    sizes = _sizes(cells, study, ask_hub)
    lines = [*_downloads(cells, study, sizes), *_disk(cells, sizes), *_gpu_hours(cells, study, sizes)]
    return [for_terminal(line) for line in lines]


def _sizes(cells: Sequence[Cell], study: Study, ask_hub: bool) -> dict[str, ModelSize]:
    return {
        cell.base_model: model_size(
            cell.base_model,
            str(cell.request.model_args.get("revision") or "main"),
            study.parameters.get(cell.base_model),
            ask_hub=ask_hub,
            file=str(cell.request.model_args.get("gguf_file") or ""),
        )
        for cell in cells
    }


def _downloads(cells: Sequence[Cell], study: Study, sizes: dict[str, ModelSize]) -> Iterator[str]:
    missing = {name: size for name, size in sizes.items() if not size.is_here}
    for name, size in missing.items():
        how_much = f"{_gigabytes(size.weight_bytes)} ({size.source})" if size.weight_bytes else "of unknown size"
        yield f"download: {name}, {how_much}"
    if len(missing) > 1 and all(size.weight_bytes for size in missing.values()):
        yield f"download: {_gigabytes(sum(size.weight_bytes or 0 for size in missing.values()))} of models in all"
    families = sorted({view.family for view in evaluated_views(study.tasks)[0]}) if cells else []
    from_hub = [family for family in families if loads_from_hub(family) and "items" not in study.metadata]
    if from_hub:
        yield f"download: the questions of {', '.join(from_hub)}, of unknown size, unless they are in the cache"
    texts = sorted({text for cell in cells if (text := _text_on_hub(cell))})
    for text in texts:
        yield f"download: the beginning of the calibration text {text}"


def _text_on_hub(cell: Cell) -> str:
    settings = settings_of(cell.request.model_args)
    return settings.calibration if settings.needs.calibration and settings.calibration.startswith("hub:") else ""


@dataclass(frozen=True)
class StoreSpace:
    """The space that pruned checkpoints take in a store: their number, how many are of unknown size, bytes of the others, free bytes."""

    store: str
    checkpoints: int
    unknown: int
    needed: int
    free: int | None

    @property
    def is_short(self) -> bool:
        """Whether the checkpoints of known size alone do not fit."""
        return self.free is not None and self.free < self.needed

    def __str__(self) -> str:
        free = f", where {_gigabytes(self.free)} are free" if self.free is not None else ""
        advice = "; --model-args store=off keeps none, and a cell that runs again prunes again" if self.is_short else ""
        return f"{self._amount()}, in {self.store}{free}{advice}"

    def _amount(self) -> str:
        known = self.checkpoints - self.unknown
        if not known:
            return f"checkpoints of unknown size: {self.unknown}"
        more = f", and {self.unknown} of unknown size" if self.unknown else ""
        return f"at most {_gigabytes(self.needed)} for {known} checkpoints{more}"


def lines_about_short_space(cells: Sequence[Cell], study: Study) -> list[str]:
    """Return a line for each store without room for the checkpoints of these cells; the hub is not asked."""
    spaces = _spaces(cells, _sizes(cells, study, ask_hub=False))
    return [for_terminal(f"the disk may get full: {space}") for space in spaces if space.is_short]


def _disk(cells: Sequence[Cell], sizes: dict[str, ModelSize]) -> Iterator[str]:
    """Yield a line for each store in which the checkpoints take space that is worth it."""
    for space in _spaces(cells, sizes):
        if space.needed >= LEAST_BYTES or space.unknown:
            yield f"disk: {space}"


def _spaces(cells: Sequence[Cell], sizes: dict[str, ModelSize]) -> list[StoreSpace]:
    stores: dict[str, list[ModelSize]] = {}
    for cell in cells:
        settings = settings_of(cell.request.model_args)
        # A GGUF file that is evaluated as it is has a checkpoint, too: an ordinary folder of its numbers.
        if (settings.pruner != "none" or names_gguf(cell.request.model_args)) and settings.store != "off":
            stores.setdefault(settings.store, []).append(sizes[cell.base_model])
    return [
        StoreSpace(
            store,
            len(checkpoints),
            sum(size.weight_bytes is None for size in checkpoints),
            sum(size.weight_bytes or 0 for size in checkpoints),
            _free_bytes(store),
        )
        for store, checkpoints in stores.items()
    ]


def _free_bytes(store: str) -> int | None:
    try:
        folder = Path(store).expanduser().absolute()
        return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
    except (OSError, RuntimeError, ValueError, StopIteration):  # RuntimeError: a user without a home folder
        return None


def _gpu_hours(cells: Sequence[Cell], study: Study, sizes: dict[str, ModelSize]) -> Iterator[str]:
    views, others = evaluated_views(study.tasks)
    tokens = tokens_of(views, study.limit)
    seconds, unknown = 0.0, 0
    for cell in cells:
        parameters = sizes[cell.base_model].parameters
        unknown += parameters is None
        settings: PruningSettings = settings_of(cell.request.model_args)
        seconds += gpu_seconds(tokens + pruning_tokens(settings), parameters or 0)
    is_short = seconds < 3600 * LEAST_HOURS
    if not cells or (is_short and not tokens):
        return
    if unknown == len(cells):
        yield f"GPU hours: unknown, because no model's size is known ({tokens:,} tokens a cell): state `parameters` in the study"
        return
    left_out: list[Any] = [f"{unknown} cells of unknown size"] if unknown else []
    left_out += others
    without = f", without {', '.join(map(str, left_out))}" if left_out else ""
    hours = f"less than {LEAST_HOURS}" if is_short else f"about {seconds / 3600:.1f}"
    yield (
        f"GPU hours: {hours}{without}; an estimate: {tokens:,} tokens a cell, 2 FLOPs a parameter and token,"
        f" {UTILISATION:.0%} of the {PEAK_FLOPS / 1e12:.0f} TFLOP/s of an H100; one third or three times as much is possible"
    )


def _gigabytes(size: float | None) -> str:
    """Return a size in GB, a small one in MB."""
    size = size or 0
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
