"""The results file of an lm_eval run: typed records of the fields that this package reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.reading import read_json
from lm_eval_illusion.results.messages import shown
from lm_eval_illusion.results.rescored import FIELD, Rescored
from lm_eval_illusion.results.typed_json import VISIBLE, convert

MOST_BYTES = 64 << 20
"""The largest results file that is read: 64 MiB. Some thousand tasks with their settings have a tenth of that."""
_REMEDY = "give the results file as lm_eval wrote it, or run lm_eval again"
_WIDEST = 2**63 - 1
_EXACT = 2**53

TEMPLATE_APPLIED = "applied"
TEMPLATE_NOT_APPLIED = "not applied"
TEMPLATE_ABSENT = "absent"
"""The values of `ResultsFile.chat_template`."""

# Ranges by meaning; NaN is in none. A whole number stays one: report.json shows it so.
Text: TypeAlias = Annotated[str, Meta(pattern=VISIBLE)]
Share: TypeAlias = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1)] | None
Positive: TypeAlias = Annotated[int, Meta(gt=0, le=_EXACT)] | Annotated[float, Meta(gt=0, le=float(_EXACT))] | None
NotNegative: TypeAlias = Annotated[int, Meta(ge=0, le=_EXACT)] | Annotated[float, Meta(ge=0, le=float(_EXACT))] | None
Count: TypeAlias = Annotated[int, Meta(ge=0, le=_EXACT)] | Annotated[float, Meta(ge=0, le=float(_EXACT), multiple_of=1)]
Size: TypeAlias = Annotated[int, Meta(ge=1, le=_WIDEST)] | None
Seed: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=_WIDEST)] | None


class CalibrationConfig(msgspec.Struct, frozen=True):
    """The calibration text of a pruned model: `samples` of `length` tokens each in `language`, from `source`."""

    source: Text | None = None
    language: Text | None = None
    samples: Size = None
    length: Size = None


class BaseIdentityConfig(msgspec.Struct, frozen=True):
    """Hashes over what the base model's weights and its tokenizer were loaded from."""

    weights: Text | None = None
    tokenizer: Text | None = None


class ChangeConfig(msgspec.Struct, frozen=True):
    """A model argument that changes the base model, such as `peft`; `content`: hash or commit of what it names."""

    argument: Text
    value: str
    content: str | None = None


class IllusionConfig(msgspec.Struct, frozen=True):
    """`config.illusion`: the provenance that our model classes write. `Variant` describes the fields."""

    base_model: Text
    variant: Text
    pruner: Text
    sparsity_requested: Share
    sparsity_measured: Share
    mask_structure: Text
    key: Text | None
    """The key of the checkpoint in the store, null for the dense model."""
    base_revision: str | None
    bits_measured: Positive = None
    owl_lambda: NotNegative = None
    owl_m: NotNegative = None
    calibration: CalibrationConfig | None = None
    pruning_seed: Seed = None
    base_identity: BaseIdentityConfig | None = None
    changes: list[ChangeConfig] = msgspec.field(default_factory=list)
    dtype: Text | None = None
    engine: Text | None = None
    """Name and version of the engine, such as `vllm 0.32.0`; None in the run of an earlier version."""
    has_chat_template: bool | None = None
    """Whether the tokenizer has a chat template; None in the run of an earlier version."""


class ServedConfig(msgspec.Struct, frozen=True):
    """`config.served`: what `served` writes about the server that it asked. `server`: its engine, such as `llama.cpp`."""

    model: str | None = None
    base_url: str | None = None
    server: str | None = None
    server_version: str | None = None
    dtype: str | None = None


class RunConfig(msgspec.Struct, frozen=True):
    """`config`: the settings of the run. The `Any` fields may hold whatever lm_eval or another backend writes."""

    model: Text | None = None
    model_args: str | dict[str, Any] | None = None
    model_sha: str | None = ""
    model_dtype: str | None = None
    peft_sha: str | None = ""
    delta_sha: str | None = ""
    gen_kwargs: Any = None
    use_cache: Any = None
    illusion: IllusionConfig | None = None
    served: ServedConfig | None = None


class GroupConfig(msgspec.Struct, frozen=True):
    """A scheme in `config_groups`: how the weights and the activations of its layers are quantised."""

    weights: dict[str, Any] | None = None
    input_activations: dict[str, Any] | None = None
    targets: list[Any] | str | None = None


class QuantizationConfig(msgspec.Struct, frozen=True):
    """The parts of a `quantization_config` that `loading.quantized_config` expects to be objects."""

    config_groups: dict[str, GroupConfig | list[Any] | str] | None = None
    kv_cache_scheme: dict[str, Any] | None = None
    sparsity_config: dict[str, Any] | None = None
    quant_config: dict[str, Any] | None = None
    quantized_layers: dict[str, dict[str, Any]] | None = None
    dynamic: dict[str, Any] | None = None
    extra_config: dict[str, dict[str, Any] | None] | None = None


class TaskConfig(msgspec.Struct, frozen=True):
    """An entry of `configs`: a task."""

    metadata: Any = None
    metric_list: Any = None


class MetricConfig(msgspec.Struct, frozen=True):
    """An entry of a task's `metric_list`. `aggregation`: how the numbers of the documents become one, such as `mean`."""

    metric: str
    aggregation: str | None = None


class SampleCount(msgspec.Struct, frozen=True):
    """An entry of `n-samples`. `effective`: the number of documents of the task that were evaluated."""

    effective: Count


class ResultsFile(msgspec.Struct, frozen=True):
    """A results file. `configs`, `n_samples`, `task_hashes` and `means` are by task, `group_subtasks` by group.

    `means`: the aggregated metrics of a task as lm_eval names them, such as `acc,none`; only those that are numbers. `chat_template`:
    TEMPLATE_APPLIED, TEMPLATE_NOT_APPLIED if the tokenizer has one, TEMPLATE_ABSENT if it has none, None where the file does not tell.
    `rescored`: of a run whose answers were judged again, else None.
    """

    config: RunConfig
    configs: dict[str, TaskConfig]
    n_samples: dict[str, SampleCount]
    task_hashes: dict[str, str | None]
    group_subtasks: dict[str, list[str]]
    means: dict[str, dict[str, float]]
    lm_eval_version: str
    chat_template: str | None
    rescored: Rescored | None = None


class ViewMetadata(msgspec.Struct, frozen=True):
    """`metadata` of one of our tasks. `lang` is a language code, and not `all`, which is a row over all languages."""

    family: Annotated[str, Meta(pattern=r"^[^\s=:,/\\]{1,200}\Z")]
    view: Text
    lang: Annotated[str, Meta(pattern=r"^(?!all\Z)[A-Za-z][A-Za-z0-9_-]{0,34}\Z")]


def read_results_file(path: Path) -> ResultsFile:
    """Read a results file.

    Raises:
        UserError: The file can't be read, is incomplete, is not a results file of lm_eval, or a field has a value that it can't have.
    """
    content = read_json(path, "it is not a whole JSON file of lm_eval: if the run was interrupted, run it again", MOST_BYTES)
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {shown(content)}, not an object: {_REMEDY}")
    missing = [key for key in ("config", "configs", "n-samples") if key not in content]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}: {_REMEDY}")
    _write_whole_numbers_plainly(content["config"])
    config = convert(content["config"], RunConfig, path, "config", _REMEDY)
    return ResultsFile(
        config=config,
        configs=_entries(content, "configs", TaskConfig, path),
        n_samples=_entries(content, "n-samples", SampleCount, path),
        task_hashes=_entries(content, "task_hashes", str | None, path),
        group_subtasks=_entries(content, "group_subtasks", list[str], path),
        means=_means(content.get("results")),
        lm_eval_version=convert(content.get("lm_eval_version"), str | None, path, "lm_eval_version", _REMEDY) or "",
        chat_template=_chat_template(content, config),
        rescored=convert(content.get(FIELD), Rescored | None, path, FIELD, _REMEDY),
    )


def _chat_template(content: dict[str, Any], config: RunConfig) -> str | None:
    """Return the value of `ResultsFile.chat_template`. lm_eval writes the template that it applied, or null.

    A model behind an API applies a template of its own, which lm_eval writes as "".
    """
    if content.get("chat_template") is not None:
        return TEMPLATE_APPLIED
    has_template = config.illusion.has_chat_template if config.illusion else None
    if "chat_template" not in content or has_template is None:
        return None
    return TEMPLATE_NOT_APPLIED if has_template else TEMPLATE_ABSENT


def _write_whole_numbers_plainly(config: Any) -> None:
    """Write the sizes and the seed of `config.illusion` without a decimal point: a program that rewrites the file writes 1 as 1.0."""
    illusion = config.get("illusion") if isinstance(config, dict) else None
    calibration = illusion.get("calibration") if isinstance(illusion, dict) else None
    for part, names in ((illusion, ("pruning_seed",)), (calibration, ("samples", "length"))):
        if not isinstance(part, dict):
            continue
        for name in names:
            value = part.get(name)
            if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
                part[name] = int(value)


def view_metadata(config: TaskConfig) -> ViewMetadata | None:
    """Return the metadata of one of our tasks, None for a task of another project."""
    if not isinstance(config.metadata, dict) or not set(ViewMetadata.__struct_fields__) <= config.metadata.keys():
        return None
    try:
        return msgspec.convert(config.metadata, ViewMetadata)
    except (msgspec.ValidationError, UnicodeEncodeError):
        # Another project may use these names for something else.
        return None


def averaged_metrics(config: TaskConfig) -> frozenset[str]:
    """Return the metrics of a task that are means over its documents; empty if its `metric_list` has another shape.

    A project may aggregate a metric of 0 and 1 by a function of its own.
    """
    try:
        entries = msgspec.convert(config.metric_list, list[MetricConfig])
    except (msgspec.ValidationError, UnicodeEncodeError):
        return frozenset()
    others = {entry.metric for entry in entries if entry.aggregation != "mean"}
    return frozenset(entry.metric for entry in entries) - others


def _entries(content: dict[str, Any], field: str, kind: Any, path: Path) -> dict[str, Any]:
    """Return an object with any keys; a field that is null or missing is empty."""
    entries = content.get(field)
    if entries is None and field not in ("configs", "n-samples"):
        return {}
    plain = convert(entries, dict[str, Any], path, field, _REMEDY)
    return {name: convert(entry, kind, path, f"{field}.{name}", _REMEDY) for name, entry in plain.items()}


def _means(results: Any) -> dict[str, dict[str, float]]:
    """Return the aggregated metrics. Other versions of lm_eval may write other things here; only numbers are used."""
    if not isinstance(results, dict):
        return {}
    return {
        task: {name: float(value) for name, value in metrics.items() if type(value) in (int, float) and abs(value) <= _EXACT}
        for task, metrics in results.items()
        if isinstance(metrics, dict)
    }
