"""Runs of lm_eval on disk: a results file and, beside it, a samples file for each task."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.outcomes import Variant
from lm_eval_illusion.plugin import MODEL_NAME

# lm_eval names both files by the run's date: results_<date>.json (or <name>_<date>.json) and samples_<task>_<date>.jsonl.
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+$")


@dataclass(frozen=True)
class ViewFile:
    """The samples file of one of our tasks. `effective`: how many items its run asked."""

    variant: Variant
    results_file: Path
    samples_file: Path
    task: str
    family: str
    language: str
    view: str
    effective: int


def find_views(paths: Iterable[str | Path]) -> list[ViewFile]:
    """The samples files of our tasks in every run below `paths`, which are folders or results files.

    Tasks that are not ours are passed over.

    Raises:
        UserError: there is nothing to read, or a run is not whole or was made with settings that its views don't allow.
    """
    given = list(paths)
    views = [view for results_file in _results_files(given) for view in _views_of(results_file)]
    if not views:
        raise UserError(f"no tasks of ours in {listed(given)}: run lm_eval with --tasks mqa_illusion")
    return views


def listed(things: Iterable[object], most: int = 3) -> str:
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


def _views_of(results_file: Path) -> Iterator[ViewFile]:
    results = _read_results(results_file)
    ours = {task: config["metadata"] for task, config in results["configs"].items() if _is_ours(config)}
    if not ours:
        return
    _refuse_settings(results_file, results["config"])
    date = results_file.stem.rpartition("_")[2]
    samples_files = {task: results_file.with_name(f"samples_{task}_{date}.jsonl") for task in ours}
    without = [task for task, file in samples_files.items() if not file.exists()]
    if without:
        raise UserError(
            f"{results_file} has no samples of {listed(without)} beside it: run lm_eval with --log_samples and --output_path"
        )
    variant = _variant(results["config"])
    for task, named in ours.items():
        effective = int(results["n-samples"][task]["effective"])
        where = (results_file, samples_files[task], task)
        yield ViewFile(variant, *where, named["family"], named["lang"], named["view"], effective)


def _read_results(results_file: Path) -> dict[str, Any]:
    try:
        results: dict[str, Any] = json.loads(results_file.read_text(encoding="utf-8"))
        missing = [key for key in ("config", "configs", "n-samples") if key not in results]
    except (ValueError, TypeError) as error:
        raise UserError(f"{results_file} is not a whole JSON file ({error}): was the run interrupted? run it again") from error
    if missing:
        raise UserError(f"{results_file} lacks {', '.join(missing)}: is it a results file of lm_eval?")
    uncounted = [task for task, config in results["configs"].items() if _is_ours(config) and task not in results["n-samples"]]
    if uncounted:
        raise UserError(f"{results_file} does not say how many items {listed(uncounted)} asked: run it again")
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
        )
    base_model = _pretrained(config.get("model_args")) or str(config.get("model"))
    return Variant(base_model, "dense", "none", None, None, "0:0", str(config.get("model_sha", "")), beams_are_top1=True)


def _pretrained(model_args: Any) -> str | None:
    if isinstance(model_args, str):
        model_args = dict(argument.partition("=")[::2] for argument in model_args.split(","))
    return (model_args or {}).get("pretrained")
