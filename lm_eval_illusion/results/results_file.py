"""The results file of an lm_eval run: typed records of the fields that this package reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError

Number = int | float | None


class CalibrationConfig(msgspec.Struct, frozen=True):
    """The calibration text of a pruned model: `samples` of `length` tokens each in `language`, from `source`."""

    source: str | None = None
    language: str | None = None
    samples: int | None = None
    length: int | None = None


class BaseIdentityConfig(msgspec.Struct, frozen=True):
    """Hashes over what the base model's weights and its tokenizer were loaded from."""

    weights: str | None = None
    tokenizer: str | None = None


class ChangeConfig(msgspec.Struct, frozen=True):
    """A model argument that changes the base model, such as `peft`; `content`: hash or commit of what it names."""

    argument: str
    value: str
    content: str | None = None


class IllusionConfig(msgspec.Struct, frozen=True):
    """`config.illusion`: the provenance that our model classes write. `Variant` describes the fields."""

    base_model: str
    variant: str
    pruner: str
    sparsity_requested: Number
    sparsity_measured: Number
    mask_structure: str
    key: Any
    """The key of the checkpoint in the store, null for the dense model."""
    base_revision: Any
    bits_measured: Number = None
    owl_lambda: Number = None
    owl_m: Number = None
    calibration: CalibrationConfig | None = None
    pruning_seed: int | None = None
    base_identity: BaseIdentityConfig | None = None
    changes: list[ChangeConfig] = msgspec.field(default_factory=list)
    dtype: str | None = None


class RunConfig(msgspec.Struct, frozen=True):
    """`config`: the settings of the run. The `Any` fields may hold whatever lm_eval or another backend writes."""

    model: Any = None
    model_args: Any = None
    model_sha: Any = ""
    model_dtype: Any = None
    peft_sha: Any = ""
    delta_sha: Any = ""
    gen_kwargs: Any = None
    use_cache: Any = None
    illusion: IllusionConfig | None = None


class TaskConfig(msgspec.Struct, frozen=True):
    """An entry of `configs`: a task."""

    metadata: Any = None


class SampleCount(msgspec.Struct, frozen=True):
    """An entry of `n-samples`. `effective`: the number of documents of the task that were evaluated."""

    effective: int | float


class ResultsFile(msgspec.Struct, frozen=True):
    """A results file. `configs`, `n_samples` and `task_hashes` are by task, `group_subtasks` by group."""

    config: RunConfig
    configs: dict[str, TaskConfig]
    n_samples: dict[str, SampleCount] = msgspec.field(name="n-samples")
    task_hashes: dict[str, Any] | None = None
    group_subtasks: dict[str, list[str]] | None = None
    lm_eval_version: Any = ""


class ViewMetadata(msgspec.Struct, frozen=True):
    """`metadata` of one of our tasks."""

    family: str
    view: str
    lang: str


def read_results_file(path: Path) -> ResultsFile:
    """Read a results file.

    Raises:
        UserError: The file is incomplete, or not a results file of lm_eval.
    """
    try:
        # Python's parser, because lm_eval writes NaN, which is not JSON.
        content = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in ("config", "configs", "n-samples") if key not in content]
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is not a whole JSON file ({error}): was the run interrupted? run it again") from error
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}: is it a results file of lm_eval?")
    try:
        return msgspec.convert(content, ResultsFile)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} has an unexpected value ({error}): is it a results file of lm_eval?") from error


def view_metadata(config: TaskConfig) -> ViewMetadata | None:
    """Return the metadata of one of our tasks, None for a task of another project."""
    if not isinstance(config.metadata, dict) or not {"family", "view", "lang"} <= config.metadata.keys():
        return None
    try:
        return msgspec.convert(config.metadata, ViewMetadata)
    except msgspec.ValidationError:
        # Another project may use these names for something else.
        return None
