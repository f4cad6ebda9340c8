"""Runs of lm_eval on disk: a results file and, beside it, a samples file for each task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.arguments import changed_name, changed_pruner, changes_of, read_model_args
from lm_eval_illusion.plugin import MODEL_NAME
from lm_eval_illusion.results.base_content import BaseContent
from lm_eval_illusion.results.outcomes import POOLED
from lm_eval_illusion.results.results_file import (
    BaseIdentityConfig,
    CalibrationConfig,
    IllusionConfig,
    ResultsFile,
    RunConfig,
    read_results_file,
    view_metadata,
)
from lm_eval_illusion.results.variants import DENSE_METHOD, EMBEDDED_TEXT, Variant

# lm_eval names both files by the date of the run: results_<date>.json (or <name>_<date>.json) and samples_<task>_<date>.jsonl.
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+$")


@dataclass(frozen=True)
class TaskFile:
    """The samples file of a task.

    `effective`: number of documents that the run evaluated. `task_hash`: lm_eval's hash of all documents, prompts and targets, "" if
    unknown.
    """

    variant: Variant
    results_file: Path
    samples_file: Path
    task: str
    effective: int
    task_hash: str
    lm_eval_version: str


@dataclass(frozen=True)
class ViewFile(TaskFile):
    """The samples file of one of our tasks."""

    family: str
    language: str
    view: str


@dataclass(frozen=True)
class Run:
    """A results file, what it contains, and the variant that was evaluated."""

    results_file: Path
    results: ResultsFile
    variant: Variant

    def task_file(self, task: str) -> TaskFile:
        """Return the samples file of one of the run's tasks.

        Raises:
            UserError: There is no such file, or the results file lacks the number of evaluated documents.
        """
        date = self.results_file.stem.rpartition("_")[2]
        samples_file = self.results_file.with_name(f"samples_{task}_{date}.jsonl")
        if not samples_file.exists():
            raise UserError(
                f"{self.results_file} has no samples of {task} beside it: run lm_eval with --log_samples and --output_path"
            )
        if task not in self.results.n_samples:
            raise UserError(f"{self.results_file} lacks the number of items of {task}: run it again")
        return TaskFile(
            self.variant,
            self.results_file,
            samples_file,
            task,
            int(self.results.n_samples[task].effective),
            str((self.results.task_hashes or {}).get(task, "")),
            str(self.results.lm_eval_version),
        )

    def leaves(self, name: str) -> list[str]:
        """Return the task of that name, or the tasks of the group of that name and its subgroups; empty if the run has neither."""
        if name in self.results.configs:
            return [name]
        members = (self.results.group_subtasks or {}).get(name, [])
        return list(dict.fromkeys(leaf for member in members for leaf in self.leaves(member)))


def find_runs(paths: Iterable[str | Path]) -> list[Run]:
    """Return every run below `paths`, which are folders or results files.

    Raises:
        UserError: There is nothing to read, or a results file is incomplete.
    """
    return [_read_run(results_file) for results_file in _results_files(paths)]


def find_views(runs: Iterable[Run]) -> list[ViewFile]:
    """Return the samples files of our tasks; tasks of other projects are left out.

    Raises:
        UserError: A samples file is missing, or a run was made with settings that contradict its views.
    """
    return [view for run in runs for view in _views_of(run)]


def as_variants_of(dense: str, runs: Sequence[Run]) -> list[Run]:
    """Return the runs with every other model as a compressed variant of the model `dense`, named by the last part of its own name.

    Characters that `--fail-if` or a shell would need quoted become hyphens. Models with the same last part are named by all parts.

    This is for models that other tools compressed; their runs do not name the compression method.

    Raises:
        UserError: No run evaluated that model.
    """
    models = sorted({run.variant.base_model for run in runs})
    if dense not in models:
        raise UserError(f"--dense {dense}: no run evaluated that model: there are {join_truncated(models, most=9)}")
    names = _variant_names([model for model in models if model != dense], {run.variant.variant for run in runs})
    return [
        run if run.variant.base_model == dense else replace(run, variant=_variant_of(dense, run.variant, names)) for run in runs
    ]


def join_truncated(values: Iterable[object], most: int = 3) -> str:
    """Join names: 'a, b, c and 7 more'."""
    names = [str(value) for value in values]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _variant_names(models: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """Return the name of each model as a variant: the last part of its own name, or all of it where that is not unique or is taken."""
    short = {model: _plain(model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]) for model in models}
    uses = Counter(short.values())
    return {model: _plain(model) if uses[name] > 1 or name in taken else name for model, name in short.items()}


def _plain(name: str) -> str:
    return re.sub(r"[\s\"'`$&|;<>()*?!#{}\[\]\\]+", "-", name).strip("-") or "unnamed"


def _variant_of(dense: str, variant: Variant, names: Mapping[str, str]) -> Variant:
    name = names[variant.base_model]
    other = replace(
        variant,
        base_model=dense,
        # Two models whose names differ only in a hyphen remain distinguishable.
        identity=f"{variant.identity} of {variant.base_model}",
        # Another model has other weights on purpose.
        base_content=replace(variant.base_content, other_model=variant.base_model),
    )
    if variant.is_dense:
        return replace(other, variant=name, pruner="unknown", sparsity_measured=None, bits_measured=None)
    return replace(other, variant=f"{name}/{variant.variant}")


def _results_files(paths: Iterable[str | Path]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise UserError(f"{path} does not exist: give the folder that lm_eval wrote with --output_path")
        below = [file for file in sorted(path.rglob("*.json")) if _is_results(file)] if path.is_dir() else [path]
        if not below:
            raise UserError(f"{path} holds no results_*.json: run lm_eval with --output_path {path} --log_samples")
        found += below
    return list(dict.fromkeys(file.resolve() for file in found))


def _is_results(file: Path) -> bool:
    return file.name.startswith("results_") or DATE.search(file.stem) is not None


def _read_run(results_file: Path) -> Run:
    results = read_results_file(results_file)
    return Run(results_file, results, _variant(results.config))


def _views_of(run: Run) -> Iterator[ViewFile]:
    ours = {task: metadata for task, config in run.results.configs.items() if (metadata := view_metadata(config))}
    if ours:
        _refuse_settings(run.results_file, run.results.config)
    for task, metadata in ours.items():
        yield ViewFile(**vars(run.task_file(task)), family=metadata.family, language=metadata.lang, view=metadata.view)


def _refuse_settings(results_file: Path, config: RunConfig) -> None:
    for name, value in (("gen_kwargs", config.gen_kwargs), ("use_cache", config.use_cache)):
        if value:
            raise UserError(
                f"{results_file} was run with --{name} {value}, which changes the decoding or the answers of its views:"
                " run it without"
            )


def _variant(config: RunConfig) -> Variant:
    return _other_variant(config) if config.illusion is None else _our_variant(config, config.illusion)


def _our_variant(config: RunConfig, ours: IllusionConfig) -> Variant:
    calibration = ours.calibration or CalibrationConfig()
    base = ours.base_identity or BaseIdentityConfig()
    # Earlier versions did not record what an argument changes. `key` and `none`: in those, a model was pruned here or dense.
    unrecorded = changes_of(read_model_args(config.model_args)) if ours.key or ours.pruner == "none" else ()
    unrecorded = () if ours.changes else unrecorded
    # An adapter's content tells it from another one of the same name; without one, its path does.
    changes = [change.content or f"{change.argument}={change.value}" for change in ours.changes]
    changes += [f"{change.argument}={change.value}" for change in unrecorded]
    return Variant(
        base_model=ours.base_model,
        variant=changed_name(ours.variant, unrecorded),
        pruner=changed_pruner(ours.pruner, unrecorded),
        sparsity_requested=ours.sparsity_requested,
        sparsity_measured=ours.sparsity_measured,
        bits_measured=ours.bits_measured,
        mask_structure=ours.mask_structure,
        owl_lambda=ours.owl_lambda,
        owl_m=ours.owl_m,
        calibration_source=calibration.source,
        calibration_language=_calibration_language(calibration),
        calibration_samples=calibration.samples,
        calibration_length=calibration.length,
        # Without calibration nothing depends on the seed.
        pruning_seed=ours.pruning_seed if ours.calibration else None,
        dtype=ours.dtype or _dtype(config),
        identity="+".join([str(ours.key or ours.base_revision), *changes]),
        base_content=BaseContent(
            base.weights,
            base.tokenizer,
            _commit(ours.base_revision),
            *_place(config.model_args),
            # A method without a checkpoint of the store and without changes by arguments is that of the base model itself.
            scheme=ours.variant if ours.pruner != DENSE_METHOD and not (ours.key or ours.changes or unrecorded) else None,
        ),
        beams_are_top1=config.model != MODEL_NAME,
    )


def _calibration_language(calibration: CalibrationConfig) -> str | None:
    """Return the language of the calibration text. `all` is the default of the argument: of a text of the user it says nothing."""
    is_embedded = calibration.source in (None, EMBEDDED_TEXT)
    return calibration.language if is_embedded or calibration.language != POOLED else None


def _other_variant(config: RunConfig) -> Variant:
    """Return the variant of a model class that is not ours: what its arguments say, otherwise dense."""
    arguments = read_model_args(config.model_args)
    changes = changes_of(arguments)
    commits = [str(sha) for sha in (config.model_sha, config.peft_sha, config.delta_sha) if sha]
    bits = [change.bits for change in changes if change.is_quantisation]
    return Variant(
        base_model=str(arguments.get("pretrained") or config.model),
        variant=changed_name("dense", changes),
        pruner=changed_pruner(DENSE_METHOD, changes),
        sparsity_requested=None,
        sparsity_measured=None,
        bits_measured=bits[-1] if bits else None,
        mask_structure="0:0",
        dtype=_dtype(config),
        identity="+".join([*commits, *(f"{change.argument}={change.value}" for change in changes)]),
        base_content=BaseContent(None, None, _commit(config.model_sha), *_place(config.model_args)),
        beams_are_top1=True,
    )


def _dtype(config: RunConfig) -> str | None:
    """Return the dtype of the weights as lm_eval's `hf` writes it."""
    return str(config.model_dtype).removeprefix("torch.") if config.model_dtype else None


def _commit(revision: Any) -> str | None:
    """Return a revision if it is a commit: 40 hexadecimal digits."""
    return revision if isinstance(revision, str) and re.fullmatch(r"[0-9a-f]{40}", revision) else None


def _place(model_args: Any) -> tuple[str, str]:
    """Return the requested revision and subfolder."""
    arguments = read_model_args(model_args)
    revision, subfolder = (str(arguments.get(name) or "") for name in ("revision", "subfolder"))
    return ("main" if revision in ("", "None") else revision), ("" if subfolder == "None" else subfolder)
