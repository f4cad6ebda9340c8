"""A study: the description of a sweep's grid, read from STUDY.yaml or flags. Each mistake is reported with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import LARGEST_BATCH, LARGEST_LIMIT, LARGEST_SEED

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


# pydantic would also take true for 1, and texts such as " 1_0 ".
Number = Annotated[float, Field(strict=True)]
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
    seed. `model_args`: further arguments of `pruned-hf`, the same for all cells; `metadata`: lm_eval's. A single value in place of a list
    is a list with one entry.
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
    model_args: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    exclude: tuple[CellAxes, ...] = ()
    include: tuple[CellAxes, ...] = ()

    @field_validator(*CellAxes.model_fields, "tasks", "exclude", "include", mode="before")
    @classmethod
    def _as_sequence(cls, value: Any) -> Any:
        return value if isinstance(value, (list, tuple)) else (value,)


def read_study(path: Path | None, flags: Mapping[str, object]) -> Study:
    """Read a study from a YAML file, from flags, or from both; a flag replaces the file's key of the same name.

    Raises:
        UserError: The file can't be read, is not YAML, has an unknown key or a wrong value. The message names file and line.
    """
    text = _read_text(path) if path else ""
    try:
        content = yaml.safe_load(text)
        node = yaml.compose(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{position}: not YAML ({getattr(error, 'problem', error)}): correct it") from error
    if content is not None and not isinstance(content, dict):
        raise UserError(f"{path}:1: not a mapping but {type(content).__name__}: write lines like `pretrained: [MODEL]`")
    try:
        return Study(**{**(content or {}), **flags})
    except ValidationError as error:
        raise UserError("; ".join(_describe(details, path, node, flags) for details in error.errors())) from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read as UTF-8 text ({error}): give a YAML file") from error


def _describe(error: ErrorDetails, path: Path | None, node: yaml.Node | None, flags: Mapping[str, object]) -> str:
    """Return pydantic's error as a message that begins with its location: file and line, or "flags"."""
    keys = [str(part) for part in error["loc"]]
    name = ".".join(keys) or "study"
    is_flag = path is None or (keys and keys[0] in flags)
    location = "flags" if is_flag else f"{path}:{_line(node, error['loc'])}"
    if error["type"] == "extra_forbidden":
        allowed = CellAxes.model_fields if keys[0] in ("exclude", "include") else Study.model_fields
        return f"{location}: {name} is unknown: there are {', '.join(allowed)}"
    if error["type"] == "missing":
        return f"{location}: {name} is missing: give it, e.g. pretrained: [MODEL]"
    # YAML parses a bare 2:4 as the number 124 (sexagesimal).
    return f"{location}: {name} {error['input']!r} is wrong ({error['msg']}): correct it (a mask like '2:4' in quotes)"


def _line(node: yaml.Node | None, keys: Sequence[str | int]) -> int:
    """Return the line, from 1, of the innermost YAML node on the path of `keys` that exists in the file."""
    line = node.start_mark.line if node else 0
    for part in keys:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1
