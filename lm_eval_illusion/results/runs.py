"""Runs of lm_eval on disk: a results file and, beside it, a samples file for each task."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.loading.arguments import GGUF_METHOD
from lm_eval_illusion.results.dense_files import as_dense, as_quantised, dense_files, stands_for_dense
from lm_eval_illusion.results.file_names import named_apart
from lm_eval_illusion.results.messages import join_truncated, shown
from lm_eval_illusion.results.model_names import named_alike
from lm_eval_illusion.results.rescored import folders_of_runs, superseded
from lm_eval_illusion.results.results_file import (
    ResultsFile,
    RunConfig,
    ViewMetadata,
    averaged_metrics,
    read_results_file,
    view_metadata,
)
from lm_eval_illusion.results.run_files import results_files
from lm_eval_illusion.results.run_variants import variant_of_run
from lm_eval_illusion.results.server_names import named_by_server
from lm_eval_illusion.results.settings_names import named_by_settings
from lm_eval_illusion.results.typed_json import convert
from lm_eval_illusion.results.variants import Variant
from lm_eval_illusion.views import form_named, form_of_task


@dataclass(frozen=True)
class TaskFile:
    """The samples file of a task.

    `effective`: number of documents that the run evaluated. `task_hash`: lm_eval's hash of all documents, prompts and targets, "" if
    unknown. `means`: metrics of the whole task as the run states them, by name and filter such as `acc,none`. `averaged`: the metrics
    that are means over the documents, as far as the run states how they are aggregated. `chat_template`: as in `ResultsFile`.
    `same_run`: other folders that hold this run, where it was rescored into another folder.
    """

    variant: Variant
    results_file: Path
    samples_file: Path
    task: str
    effective: int
    task_hash: str
    means: Mapping[str, float]
    averaged: frozenset[str]
    chat_template: str | None
    same_run: tuple[Path, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class ViewFile(TaskFile):
    """The samples file of one of our tasks."""

    family: str
    language: str
    view: str


@dataclass(frozen=True)
class Run:
    """A results file, what it contains, and the variant that was evaluated. `same_run`: as in `TaskFile`."""

    results_file: Path
    results: ResultsFile
    variant: Variant
    same_run: tuple[Path, ...] = ()

    def task_file(self, task: str) -> TaskFile:
        """Return the samples file of one of the run's tasks.

        Raises:
            UserError: There is no such file, or the results file lacks the number of evaluated documents.
        """
        date = self.results_file.stem.rpartition("_")[2]
        # The name of a task comes from the file: it must not lead to another folder.
        if re.search(r"[/\\\0]", task):
            raise UserError(
                f"{self.results_file}: configs has a task {shown(task)}, which is no part of a file name: is it of lm_eval?"
            )
        samples_file = self.results_file.with_name(f"samples_{task}_{date}.jsonl")
        if not os.path.lexists(samples_file):
            raise UserError(
                f"{self.results_file} has no samples of {cut(task, 200)} beside it: run lm_eval with --log_samples and --output_path"
            )
        if task not in self.results.n_samples:
            raise UserError(f"{self.results_file} lacks the number of items of {task}: run it again")
        return TaskFile(
            self.variant,
            self.results_file,
            samples_file,
            task,
            int(self.results.n_samples[task].effective),
            self.results.task_hashes.get(task) or "",
            self.results.means.get(task, {}),
            averaged_metrics(self.results.configs[task]) if task in self.results.configs else frozenset(),
            self.results.chat_template,
            same_run=self.same_run,
        )

    def leaves(self, name: str) -> list[str]:
        """Return the task of that name, or the tasks of the group of that name and its subgroups; empty if the run has neither."""
        found: dict[str, None] = {}
        waiting, seen = [name], {name}
        while waiting:
            current = waiting.pop()
            if current in self.results.configs:
                found[current] = None
                continue
            # A group that contains itself, or another one many times, is searched once.
            members = [member for member in self.results.group_subtasks.get(current, []) if member not in seen]
            seen.update(members)
            waiting += reversed(members)
        return list(found)


def find_runs(paths: Iterable[str | Path]) -> list[Run]:
    """Return every run below `paths`, which are folders or results files. Of a run that was rescored, the newest judgement.

    Raises:
        UserError: There is nothing to read, or a results file is incomplete.
    """
    runs = [_read_run(results_file) for results_file in results_files(paths)]
    judged = [(run.results_file, run.results.rescored) for run in runs]
    older, same_run = superseded(judged), folders_of_runs(judged)
    runs = [replace(run, same_run=same_run.get(run.results_file, ())) for run in runs if run.results_file not in older]
    names = named_by_server(named_by_settings(named_apart(named_alike([run.variant for run in runs]))))
    runs = [replace(run, variant=variant) for run, variant in zip(runs, names, strict=True)]
    in_place = dense_files({run.variant for run in runs})
    return [replace(run, variant=as_dense(run.variant)) if run.variant.key in in_place else run for run in runs]


def find_views(runs: Iterable[Run]) -> list[ViewFile]:
    """Return the samples files of our tasks; tasks of other projects are left out.

    Raises:
        UserError: A samples file is missing, or a run was made with settings that contradict its views.
    """
    return [view for run in runs for view in _views_of(run)]


def as_variants_of(dense: str, runs: Sequence[Run]) -> list[Run]:
    """Return the runs with every other model as a compressed variant of the model `dense`, named by the last part of its own name.

    Characters that `--fail-if` or a shell would need quoted become hyphens. Models with the same last part are named by all parts.

    This is for models that other tools compressed; their runs do not name the compression method. A GGUF file stands for the dense model
    if it is all that was evaluated of it.

    Raises:
        UserError: No run evaluated that model.
    """
    models = sorted({run.variant.base_model for run in runs})
    if dense not in models:
        raise UserError(f"--dense {dense}: no run evaluated that model: there are {join_truncated(models, most=9)}")
    runs = _with_file_as_dense(dense, runs)
    names = _variant_names([model for model in models if model != dense], {run.variant.variant for run in runs})
    return [
        run if run.variant.base_model == dense else replace(run, variant=_variant_of(dense, run.variant, names)) for run in runs
    ]


def _with_file_as_dense(dense: str, runs: Sequence[Run]) -> list[Run]:
    """Return the runs; the only variant of the model `dense` stands for the dense model if it is a GGUF file."""
    of_dense = {run.variant.key for run in runs if run.variant.base_model == dense}
    is_only = len(of_dense) == 1
    return [
        replace(run, variant=as_dense(run.variant))
        if is_only and run.variant.key in of_dense and run.variant.pruner == GGUF_METHOD
        else run
        for run in runs
    ]


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
        base_content=replace(variant.base_content, other_model=variant.base_content.other_model or variant.base_model),
    )
    if stands_for_dense(variant):
        return as_quantised(replace(other, variant=f"{name}/{variant.variant}"))
    if variant.is_dense:
        return replace(other, variant=name, pruner="unknown", sparsity_measured=None, bits_measured=None)
    return replace(other, variant=f"{name}/{variant.variant}")


def _read_run(results_file: Path) -> Run:
    results = read_results_file(results_file)
    return Run(results_file, results, variant_of_run(results.config, results_file))


def _views_of(run: Run) -> Iterator[ViewFile]:
    ours = {
        task: metadata for task, config in run.results.configs.items() if (metadata := _metadata(run, task, config.metadata))
    }
    if ours:
        _refuse_settings(run.results_file, run.results.config)
    for task, metadata in ours.items():
        yield ViewFile(**vars(run.task_file(task)), family=metadata.family, language=metadata.lang, view=metadata.view)


def _metadata(run: Run, task: str, metadata: Any) -> ViewMetadata | None:
    """Return the metadata of one of our tasks, None for a task of another project.

    Raises:
        UserError: The name or the other fields show that it is ours, and a field is missing or wrong. It would be left out without a word.
    """
    found = view_metadata(run.results.configs[task])
    # Another project may use the names of these fields for something else.
    if (found is None or form_named(found.view) is None) and not _has_our_name(task, metadata):
        return None
    place, remedy = f"configs.{cut(task, 200)}.metadata", "is the results file as lm_eval wrote it?"
    if found is None:
        convert(metadata, ViewMetadata, run.results_file, place, remedy)
    named = form_of_task(task)
    if found is not None and named is not None and form_named(found.view) is not named:
        raise UserError(
            f"{run.results_file}: {place}.view is {shown(found.view)}, but the task is named {named.name}: {remedy}"
        )
    return found


def _has_our_name(task: str, metadata: Any) -> bool:
    """Return whether a task is named as ours are, FAMILY_LANG_VIEW, with one of our views, and two fields of its metadata say the same.

    So a task with one damaged field is recognised.
    """
    if not isinstance(metadata, dict) or form_of_task(task) is None:
        return False
    fields = ("family", "lang", "view")
    return any(
        all(isinstance(metadata.get(field), str) for field in fields if field != damaged)
        and re.fullmatch("_".join(".+" if field == damaged else re.escape(metadata[field]) for field in fields), task)
        for damaged in fields
    )


def _refuse_settings(results_file: Path, config: RunConfig) -> None:
    for name, value in (("gen_kwargs", config.gen_kwargs), ("use_cache", config.use_cache)):
        if value:
            raise UserError(
                f"{results_file} was run with --{name} {cut(str(value), 100)}, which changes the decoding or the answers of its views:"
                " run it without"
            )
