"""The only reader of lm_eval's output: results and samples files -> one outcome an item, language and variant."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError

RECOGNITION_METRICS = ("acc", "acc_norm")
MODEL_WITH_ALL_BEAMS = "pruned-hf"


@dataclass(frozen=True)
class Variant:
    """A base model, dense or pruned in one way."""

    base_model: str
    variant: str
    pruner: str
    sparsity_requested: float | None
    sparsity_measured: float | None
    mask_structure: str
    identity: str
    """What tells two variants of one name apart: the store key, or the base model's revision."""
    beams_are_top1: bool
    """Whether the backend returned only its best beam, so that `beam` counts that one."""


@dataclass(frozen=True)
class Outcome:
    """What a variant made of one item in one language.

    `recovered`: by strategy (beam, sample, oneshot), for the views that ran. `gold_rank`: None where the backend gave none.
    """

    variant: Variant
    run: str
    family: str
    language: str
    id: str
    recognised: bool
    invalid: bool
    produced: bool
    gold_rank: int | None
    recovered: dict[str, bool]


@dataclass(frozen=True)
class _View:
    """The samples of one task of one run."""

    variant: Variant
    results_file: Path
    samples_file: Path
    task: str
    family: str
    language: str
    view: str
    effective: int


def load_outcomes(paths: Iterable[str | Path], recognition: str = "acc") -> list[Outcome]:
    """Read every run below `paths` and join its views on the item id.

    A path is a folder, searched with its subfolders, or a results file. Runs of the same variant may hold different tasks; the same task
    twice is an error. Tasks that are not ours are passed over.

    Raises:
        UserError: nothing to read, a file is truncated, items are missing or doubled, or views ask different items.
    """
    if recognition not in RECOGNITION_METRICS:
        raise UserError(f"recognition {recognition!r} is unknown: give one of {', '.join(RECOGNITION_METRICS)}")
    views = [view for results_file in _results_files(paths) for view in _views(results_file)]
    if not views:
        raise UserError(f"no tasks of ours in {_listed(paths)}: run lm_eval with --tasks mqa_illusion")
    outcomes: list[Outcome] = []
    for group in _grouped(views).values():
        outcomes += _join(group, recognition)
    return outcomes


def _results_files(paths: Iterable[str | Path]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise UserError(f"{path} does not exist: give the folder that lm_eval wrote with --output_path")
        below = sorted(path.rglob("results_*.json")) if path.is_dir() else [path]
        if not below:
            raise UserError(f"{path} holds no results_*.json: run lm_eval with --output_path {path} --log_samples")
        found += below
    return list(dict.fromkeys(file.resolve() for file in found))


def _views(results_file: Path) -> Iterator[_View]:
    results = _read_results(results_file)
    # lm_eval ends both names in the run's date.
    date = results_file.stem.removeprefix("results_")
    variant = _variant(results["config"])
    ours = {task: config for task, config in results["configs"].items() if _is_ours(config)}
    if not ours:
        return
    _refuse_settings(results_file, results["config"])
    samples_files = {task: results_file.with_name(f"samples_{task}_{date}.jsonl") for task in ours}
    without = [task for task, file in samples_files.items() if not file.exists()]
    if without:
        raise UserError(
            f"{results_file} has no samples of {_listed(without)} beside it: run lm_eval with --log_samples and --output_path"
        )
    for task, config in ours.items():
        metadata = config["metadata"]
        effective = int(results["n-samples"][task]["effective"])
        yield _View(
            variant, results_file, samples_files[task], task, metadata["family"], metadata["lang"], metadata["view"], effective
        )


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
            raise UserError(f"{results_file} was run with --{name} {config[name]}: its views are not what they say, run without it")


def _variant(config: dict[str, Any]) -> Variant:
    ours = config.get("illusion")
    if ours:
        return Variant(
            ours["base_model"],
            ours["variant"],
            ours["pruner"],
            ours["sparsity_requested"],
            ours["sparsity_measured"],
            ours["mask_structure"],
            str(ours["key"] or ours["base_revision"]),
            beams_are_top1=config.get("model") != MODEL_WITH_ALL_BEAMS,
        )
    base_model = _pretrained(config.get("model_args")) or str(config.get("model"))
    return Variant(base_model, "dense", "none", None, None, "0:0", str(config.get("model_sha", "")), beams_are_top1=True)


def _pretrained(model_args: Any) -> str | None:
    if isinstance(model_args, str):
        model_args = dict(argument.partition("=")[::2] for argument in model_args.split(","))
    return (model_args or {}).get("pretrained")


def _grouped(views: Sequence[_View]) -> dict[tuple[str, str, str, str], list[_View]]:
    """The views of one variant, family and language together; the same one twice, or two variants of one name, is an error."""
    groups: dict[tuple[str, str, str, str], list[_View]] = defaultdict(list)
    for view in views:
        group = groups[view.variant.base_model, view.variant.variant, view.family, view.language]
        for other in group:
            if other.view == view.view or other.variant.identity != view.variant.identity:
                raise UserError(
                    f"{other.results_file} and {view.results_file} both claim variant {view.variant.variant} of {view.variant.base_model}"
                    f" ({view.task}): report them one at a time"
                )
        group.append(view)
    return groups


def _join(group: Sequence[_View], recognition: str) -> Iterator[Outcome]:
    by_view = {view.view: view for view in group}
    missing = [name for name in ("mc", "gen") if name not in by_view]
    if missing:
        raise UserError(
            f"{group[0].results_file} has no view {' and no '.join(missing)} for {group[0].family} in {group[0].language}:"
            " recognition needs mc and production needs gen, run both"
        )
    rows = {name: _read_rows(view) for name, view in by_view.items()}
    _check_same_items(by_view, rows)
    for item_id, mc in rows["mc"].items():
        yield Outcome(
            variant=by_view["mc"].variant,
            run=by_view["mc"].results_file.name,
            family=by_view["mc"].family,
            language=by_view["mc"].language,
            id=item_id,
            recognised=mc[recognition] == 1 and mc["invalid"] == 0,
            invalid=mc["invalid"] == 1,
            produced=rows["gen"][item_id]["match"] == 1,
            gold_rank=None if _absent(mc.get("gold_rank")) else int(mc["gold_rank"]),
            recovered=_recovered(item_id, by_view, rows),
        )


def _recovered(item_id: str, by_view: dict[str, _View], rows: dict[str, dict[str, dict[str, Any]]]) -> dict[str, bool]:
    metrics = {"oneshot": "match", "sample": "match_any", "beam": "match_any"}
    if "beam" in by_view and by_view["beam"].variant.beams_are_top1:
        metrics["beam"] = "match_top1"
    return {name: rows[name][item_id][metric] == 1 for name, metric in metrics.items() if name in rows}


def _absent(value: Any) -> bool:
    return value is None or math.isnan(value)


def _read_rows(view: _View) -> dict[str, dict[str, Any]]:
    """The metrics of a view's rows by item id."""
    rows: dict[str, dict[str, Any]] = {}
    doubled: list[str] = []
    with view.samples_file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            row = _read_row(line, view, number)
            item_id = str(row["doc"]["id"])
            if item_id in rows:
                doubled.append(item_id)
            rows[item_id] = {metric: row[metric] for metric in row["metrics"]}
    if doubled:
        raise UserError(f"{view.samples_file} has {_listed(doubled)} twice: a run asks every item once, run it again")
    if len(rows) != view.effective:
        raise UserError(
            f"{view.samples_file} has {len(rows)} rows, its run asked {view.effective} items: the file is truncated, run it again"
        )
    return rows


def _read_row(line: str, view: _View, number: int) -> dict[str, Any]:
    needed = {"mc": ("acc", "acc_norm", "invalid"), "gen": ("match",), "oneshot": ("match",), "sample": ("match_any",)}
    try:
        row: dict[str, Any] = json.loads(line)
        absent = [name for name in needed.get(view.view, ()) if name not in row] + [name for name in ("doc", "metrics") if name not in row]
    except (ValueError, TypeError) as error:
        raise UserError(f"{view.samples_file}:{number} is not a whole row ({error}): the file is truncated, run it again") from error
    if absent or "id" not in row["doc"]:
        raise UserError(f"{view.samples_file}:{number} lacks {', '.join(absent) or 'doc.id'}: it is not a samples file of ours")
    return row


def _check_same_items(by_view: dict[str, _View], rows: dict[str, dict[str, dict[str, Any]]]) -> None:
    for name, view in by_view.items():
        only_mc, only_here = rows["mc"].keys() - rows[name].keys(), rows[name].keys() - rows["mc"].keys()
        if only_mc or only_here:
            raise UserError(
                f"{view.samples_file} and {by_view['mc'].samples_file} ask different items"
                f" (only {name}: {_listed(sorted(only_here)) or 'none'}; only mc: {_listed(sorted(only_mc)) or 'none'}):"
                " run both with the same --limit or --samples"
            )


def _listed(things: Iterable[object], most: int = 3) -> str:
    names = [str(thing) for thing in things]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
