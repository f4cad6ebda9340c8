"""A study: the description of a sweep's grid, read from STUDY.yaml or flags. Each mistake is reported with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.option_values import LARGEST_BATCH, LARGEST_LIMIT, LARGEST_SEED
from lm_eval_illusion.plain_yaml import Document, YamlError, read_yaml
from lm_eval_illusion.reading import read_text

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST_BYTES = 1_000_000
"""Of STUDY.yaml."""
MOST_CELLS = 10_000
"""Of a sweep: at a minute each they take a week."""
MOST_SELECTORS = 200
"""Under `exclude`. Each is compared with each cell."""
MOST_MISTAKES = 5
"""Mistakes that one message reports."""
LONGEST_VALUE = 80
"""Characters of a value in a message."""

# pydantic would also take true for 1, and texts such as " 1_0 ".
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED, strict=True)]


class CellAxes(BaseModel):
    """A position in the grid: one value per axis, None where the axis is not set.

    Under `exclude` in a study: leave out all cells with these values. Under `include`: add the cell with these values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pretrained: str | None = None
    pruner: str | None = None
    sparsity: Number | None = None
    mask_structure: str | None = None
    calibration_language: str | None = None
    pruning_seed: Seed | None = None


class Study(BaseModel):
    """A grid of cells and what is evaluated in each.

    The grid holds every base model dense, and pruned by every method to every sparsity and mask, with every calibration language and
    seed. The same for all cells: `apply_chat_template`, whether prompts are turns in the chat template of the model's tokenizer;
    `model_args`, further arguments of `pruned-hf`; `metadata`, lm_eval's. A single value in place of a list is a list with one entry.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pretrained: tuple[str, ...] = Field(min_length=1)
    pruner: tuple[str, ...] = ("wanda",)
    sparsity: tuple[Number, ...] = (0.5, 0.6, 0.7)
    mask_structure: tuple[Literal["2:4", "4:8"], ...] = ()
    calibration_language: tuple[str, ...] = ("all",)
    pruning_seed: tuple[Seed, ...] = (0,)
    tasks: tuple[str, ...] = ("mqa_illusion",)
    limit: int | None = Field(default=None, ge=1, le=LARGEST_LIMIT, strict=True)
    batch_size: int = Field(default=64, ge=1, le=LARGEST_BATCH, strict=True)
    apply_chat_template: bool = Field(default=False, strict=True)
    model_args: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    exclude: tuple[CellAxes, ...] = Field(default=(), max_length=MOST_SELECTORS)
    include: tuple[CellAxes, ...] = ()

    @field_validator(*CellAxes.model_fields, "tasks", "exclude", "include", mode="before")
    @classmethod
    def _as_sequence(cls, value: Any) -> Any:
        return value if isinstance(value, (list, tuple)) else (value,)

    @model_validator(mode="after")
    def _has_few_cells(self) -> Study:
        """Refuse a grid that nobody can run; its cells alone would fill the memory. A pruner may have fewer axes than are counted here."""
        amounts = len(self.sparsity) + len(self.mask_structure)
        cells = len(self.pretrained) * len(self.pruner) * amounts * len(self.calibration_language) * len(self.pruning_seed)
        if cells + len(self.include) > MOST_CELLS:
            raise ValueError(f"the grid has up to {cells + len(self.include):,} cells, at most {MOST_CELLS:,} are allowed")
        return self


def read_study(path: Path | None, flags: Mapping[str, object]) -> Study:
    """Read a study from a YAML file, from flags, or from both; a flag replaces the file's key of the same name.

    Raises:
        UserError: The file can't be read, is not YAML, has an unknown key or a wrong value. The message names file and line.
    """
    try:
        document = read_yaml(read_text(path, "give a YAML file", MOST_BYTES) if path else "")
    except YamlError as error:
        raise UserError(f"{path}:{error.line}: not YAML ({error.reason}): correct it") from error
    content = document.content
    if content is not None and not isinstance(content, dict):
        raise UserError(f"{path}:1: not a mapping but {type(content).__name__}: write lines like `pretrained: [MODEL]`")
    try:
        return Study(**{**(content or {}), **flags})
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        messages = [_describe(detail, path, document, flags) for detail in details[:MOST_MISTAKES]]
        more = [f"and {len(details) - MOST_MISTAKES} more mistakes"] if len(details) > MOST_MISTAKES else []
        raise UserError("; ".join(messages + more)) from error


def _describe(error: ErrorDetails, path: Path | None, document: Document, flags: Mapping[str, object]) -> str:
    """Return pydantic's error as a message that begins with its location: file and line, or "flags"."""
    keys = [cut(str(part), LONGEST_VALUE) for part in error["loc"]]
    name = ".".join(keys) or "study"
    is_flag = path is None or (keys and keys[0] in flags)
    location = "flags" if is_flag else f"{path}:{document.line_of(error['loc'])}"
    if error["type"] == "extra_forbidden":
        allowed = CellAxes.model_fields if keys[0] in ("exclude", "include") else Study.model_fields
        return f"{location}: {name} is unknown: there are {', '.join(allowed)}"
    if error["type"] == "missing":
        return f"{location}: {name} is missing: give it, e.g. pretrained: [MODEL]"
    if not keys:
        return f"{location}: {error['msg'].removeprefix('Value error, ')}: remove values from an axis"
    # YAML parses a bare 2:4 as the number 124 (sexagesimal).
    value = cut(repr(error["input"]), LONGEST_VALUE)
    return f"{location}: {name} {value} is wrong ({error['msg']}): correct it (a mask like '2:4' in quotes)"
