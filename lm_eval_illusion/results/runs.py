"""Runs of lm_eval on disk: a results file and, beside it, a samples file for each task."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.plugin import MODEL_NAME
from lm_eval_illusion.results.outcomes import Variant

# lm_eval names both files by the run's date: results_<date>.json (or <name>_<date>.json) and samples_<task>_<date>.jsonl.
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+$")


@dataclass(frozen=True)
class TaskFile:
    """The samples file of a task. `effective`: how many documents its run asked. `asked_hash`: of all documents, prompts and targets."""

    variant: Variant
    results_file: Path
    samples_file: Path
    task: str
    effective: int
    asked_hash: str
    lm_eval_version: str


@dataclass(frozen=True)
class ViewFile(TaskFile):
    """The samples file of one of our tasks."""

    family: str
    language: str
    view: str


@dataclass(frozen=True)
class Run:
    """A results file: its content as lm_eval wrote it, and the variant that it is of."""

    results_file: Path
    results: dict[str, Any]
    variant: Variant

    def task_file(self, task: str) -> TaskFile:
        """The samples file of one of its tasks.

        Raises:
            UserError: it isn't there, or the results don't say how many documents were asked.
        """
        date = self.results_file.stem.rpartition("_")[2]
        samples_file = self.results_file.with_name(f"samples_{task}_{date}.jsonl")
        if not samples_file.exists():
            raise UserError(
                f"{self.results_file} has no samples of {task} beside it: run lm_eval with --log_samples and --output_path"
            )
        if task not in self.results["n-samples"]:
            raise UserError(f"{self.results_file} does not say how many items {task} asked: run it again")
        return TaskFile(
            self.variant,
            self.results_file,
            samples_file,
            task,
            int(self.results["n-samples"][task]["effective"]),
            str((self.results.get("task_hashes") or {}).get(task, "")),
            str(self.results.get("lm_eval_version", "")),
        )

    def leaves(self, name: str) -> list[str]:
        """The tasks of that name, or of the group of that name and its groups; none if the run has neither."""
        if name in self.results["configs"]:
            return [name]
        members = (self.results.get("group_subtasks") or {}).get(name, [])
        return list(dict.fromkeys(leaf for member in members for leaf in self.leaves(member)))


def find_runs(paths: Iterable[str | Path]) -> list[Run]:
    """Every run below `paths`, which are folders or results files.

    Raises:
        UserError: there is nothing to read, or a results file is not whole.
    """
    return [_read_run(results_file) for results_file in _results_files(paths)]


def as_variants_of(dense: str, runs: Sequence[Run]) -> list[Run]:
    """The runs with every other model taken for a compressed variant of the model `dense`, named by the last part of its own name.

    For models that were pruned or quantised elsewhere and evaluated from a folder of their own: what was done to them is not known here.

    Raises:
        UserError: no run is of that model.
    """
    models = sorted({run.variant.base_model for run in runs})
    if dense not in models:
        raise UserError(f"--dense {dense}: no run is of that model: there are {join_truncated(models, most=9)}")
    return [run if run.variant.base_model == dense else replace(run, variant=_variant_of(dense, run.variant)) for run in runs]


def _variant_of(dense: str, variant: Variant) -> Variant:
    name = variant.base_model.rstrip("/").rsplit("/", 1)[-1]
    if variant.is_dense:
        return replace(variant, base_model=dense, variant=name, pruner="unknown", sparsity_measured=None, bits_measured=None)
    return replace(variant, base_model=dense, variant=f"{name} {variant.variant}")


def find_views(runs: Iterable[Run]) -> list[ViewFile]:
    """The samples files of our tasks; tasks that are not ours are passed over.

    Raises:
        UserError: a run is not whole or was made with settings that its views don't allow.
    """
    return [view for run in runs for view in _views_of(run)]


def join_truncated(things: Iterable[object], most: int = 3) -> str:
    """'a, b, c and 7 more'."""
    names = [str(thing) for thing in things]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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
    results = _read_results(results_file)
    return Run(results_file, results, _variant(results["config"]))


def _views_of(run: Run) -> Iterator[ViewFile]:
    ours = {task: config["metadata"] for task, config in run.results["configs"].items() if _is_ours(config)}
    if ours:
        _refuse_settings(run.results_file, run.results["config"])
    for task, named in ours.items():
        yield ViewFile(**vars(run.task_file(task)), family=named["family"], language=named["lang"], view=named["view"])


def _read_results(results_file: Path) -> dict[str, Any]:
    try:
        results: dict[str, Any] = json.loads(results_file.read_text(encoding="utf-8"))
        missing = [key for key in ("config", "configs", "n-samples") if key not in results]
    except (ValueError, TypeError) as error:
        raise UserError(f"{results_file} is not a whole JSON file ({error}): was the run interrupted? run it again") from error
    if missing:
        raise UserError(f"{results_file} lacks {', '.join(missing)}: is it a results file of lm_eval?")
    return results


def _is_ours(config: dict[str, Any]) -> bool:
    return {"family", "view", "lang"} <= set(config.get("metadata") or {})


def _refuse_settings(results_file: Path, config: dict[str, Any]) -> None:
    for name in ("gen_kwargs", "use_cache"):
        if config.get(name):
            raise UserError(
                f"{results_file} was run with --{name} {config[name]}: its views are not what they say, run without it"
            )


def _variant(config: dict[str, Any]) -> Variant:
    ours = config.get("illusion")
    if ours:
        names = ("base_model", "variant", "pruner", "sparsity_requested", "sparsity_measured", "mask_structure")
        identity = str(ours["key"] or ours["base_revision"])
        return Variant(
            **{name: ours[name] for name in names},
            identity=identity,
            beams_are_top1=config.get("model") != MODEL_NAME,
            **{name: ours.get(name) for name in ("bits_measured", "owl_lambda", "owl_m")},
            **_calibration(ours),
        )
    base_model = _pretrained(config.get("model_args")) or str(config.get("model"))
    return Variant(base_model, "dense", "none", None, None, "0:0", str(config.get("model_sha", "")), beams_are_top1=True)


def _calibration(ours: dict[str, Any]) -> dict[str, Any]:
    """What a variant was pruned with; nothing for the dense model, and for files that don't say it."""
    calibration = ours.get("calibration")
    if not calibration:
        return {}
    of_text = {f"calibration_{name}": calibration.get(name) for name in ("language", "samples", "length")}
    return {**of_text, "pruning_seed": ours.get("pruning_seed")}


def _pretrained(model_args: Any) -> str | None:
    if isinstance(model_args, str):
        model_args = dict(argument.partition("=")[::2] for argument in model_args.split(","))
    return (model_args or {}).get("pretrained")
