"""STUDY.yaml: what a sweep evaluates, read and checked at once, each mistake with its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lm_eval_illusion.errors import UserError


class Choice(BaseModel):
    """Some of the axes of a cell: to exclude all cells that have these, or to include one more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pretrained: str | None = None
    pruner: str | None = None
    sparsity: float | None = None
    mask_structure: str | None = None
    calibration_language: str | None = None
    pruning_seed: int | None = None


class Study(BaseModel):
    """A grid: every base model dense, and pruned by every method to every sparsity (and mask), with every calibration language and seed.

    `model_args` are further arguments of `pruned-hf`, the same for all cells; `metadata` is lm_eval's. A single value is a list of one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pretrained: tuple[str, ...] = Field(min_length=1)
    pruner: tuple[str, ...] = ("wanda",)
    sparsity: tuple[float, ...] = (0.5, 0.6, 0.7)
    mask_structure: tuple[Literal["2:4", "4:8"], ...] = ()
    calibration_language: tuple[str, ...] = ("all",)
    pruning_seed: tuple[int, ...] = (0,)
    tasks: tuple[str, ...] = ("mqa_illusion",)
    limit: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=64, ge=1)
    model_args: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    exclude: tuple[Choice, ...] = ()
    include: tuple[Choice, ...] = ()

    @field_validator(
        *(
            "pretrained",
            "pruner",
            "sparsity",
            "mask_structure",
            "calibration_language",
            "pruning_seed",
            "tasks",
            "exclude",
            "include",
        ),
        mode="before",
    )
    @classmethod
    def _list_of_one(cls, value: Any) -> Any:
        return value if isinstance(value, (list, tuple)) else (value,)


def read_study(path: Path | None, flags: dict[str, Any]) -> Study:
    """The study of a file, or of flags alone; a flag that is given takes the place of the file's key.

    Raises:
        UserError: the file can't be read, is not YAML, has an unknown key or a wrong value: with file and line.
    """
    text = _text(path) if path else ""
    try:
        content = yaml.safe_load(text)
        node = yaml.compose(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{place}: not YAML ({getattr(error, 'problem', error)}): mend it") from error
    if content is not None and not isinstance(content, dict):
        raise UserError(f"{path}:1: not a mapping but {type(content).__name__}: write lines like `pretrained: [MODEL]`")
    try:
        return Study(**{**(content or {}), **flags})
    except ValidationError as error:
        raise UserError("; ".join(_said(one, path, node, flags) for one in error.errors())) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read as UTF-8 text ({error}): give a YAML file") from error


def _said(error: Any, path: Path | None, node: yaml.Node | None, flags: dict[str, Any]) -> str:
    location = [str(part) for part in error["loc"]]
    name = ".".join(location) or "study"
    is_flag = path is None or (location and location[0] in flags)
    place = "flags" if is_flag else f"{path}:{_line(node, error['loc'])}"
    if error["type"] == "extra_forbidden":
        known = Choice.model_fields if location[0] in ("exclude", "include") else Study.model_fields
        return f"{place}: {name} is unknown: there are {', '.join(known)}"
    if error["type"] == "missing":
        return f"{place}: {name} is missing: give it, e.g. pretrained: [MODEL]"
    # YAML reads a bare 2:4 as the number 124.
    return f"{place}: {name} {error['input']!r} is wrong ({error['msg']}): mend it (a mask like '2:4' in quotes)"


def _line(node: yaml.Node | None, location: Sequence[str | int]) -> int:
    """The line of the innermost part of the file on the way to `location`."""
    line = node.start_mark.line if node else 0
    for part in location:
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
