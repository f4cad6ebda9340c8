"""Samples files -> one outcome an item, language and variant: the views joined on the item id."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.outcomes import Outcome
from lm_eval_illusion.runs import ViewFile, find_views, listed

RECOGNITION_METRICS = ("acc", "acc_norm")

# What a row of each view must hold; gold_rank is there only if the backend gave it.
METRICS = {
    "mc": ("acc", "acc_norm", "invalid"),
    "gen": ("match",),
    "oneshot": ("match",),
    "sample": ("match_any",),
    "beam": ("match_any", "match_top1"),
}

Rows = dict[str, dict[str, Any]]
"""The metrics of a view's rows by item id."""


def load_outcomes(paths: Iterable[str | Path], recognition: str = "acc") -> list[Outcome]:
    """Read every run below `paths` and join its views on the item id.

    A path is a folder, searched with its subfolders, or a results file. Runs of the same variant may hold different tasks; the
    same task twice is an error. Tasks that are not ours are passed over. An item is recognised if `recognition`, a metric of the
    view `mc`, is 1 and `invalid` is 0.

    Raises:
        UserError: nothing to read, a file is truncated, items are missing or doubled, or views ask different items.
    """
    if recognition not in RECOGNITION_METRICS:
        raise UserError(f"recognition {recognition!r} is unknown: give one of {', '.join(RECOGNITION_METRICS)}")
    views = find_views(paths)
    _check_one_claim(views)
    groups: dict[tuple[str, str, str, str], list[ViewFile]] = defaultdict(list)
    for view in views:
        groups[view.variant.base_model, view.variant.variant, view.family, view.language].append(view)
    return [outcome for group in groups.values() for outcome in _join(group, recognition)]


def _check_one_claim(views: Sequence[ViewFile]) -> None:
    """No task twice for one variant, and no two different models under one variant's name, in whatever languages."""
    tasks: dict[tuple[str, str, str], ViewFile] = {}
    models: dict[tuple[str, str], ViewFile] = {}
    for view in views:
        name = (view.variant.base_model, view.variant.variant)
        model = models.setdefault(name, view)
        twin = tasks.setdefault((*name, view.task), view)
        other = twin if twin is not view else model
        if twin is not view or model.variant.identity != view.variant.identity:
            raise UserError(
                f"{other.results_file} and {view.results_file} both claim variant {name[1]} of {name[0]} ({view.task}):"
                " report them one at a time"
            )


def _join(group: Sequence[ViewFile], recognition: str) -> Iterator[Outcome]:
    by_view = {view.view: view for view in group}
    missing = [name for name in ("mc", "gen") if name not in by_view]
    if missing:
        raise UserError(
            f"{group[0].results_file} has no view {' and no '.join(missing)} for {group[0].family} in {group[0].language}:"
            " recognition needs mc and production needs gen, run both"
        )
    rows = {name: _read_rows(view) for name, view in by_view.items()}
    _check_same_items(by_view, rows)
    chief = by_view["mc"]
    for item_id, mc in rows["mc"].items():
        yield Outcome(
            variant=chief.variant,
            run=chief.results_file.name,
            family=chief.family,
            language=chief.language,
            id=item_id,
            recognised=mc[recognition] == 1 and mc["invalid"] == 0,
            invalid=mc["invalid"] == 1,
            produced=rows["gen"][item_id]["match"] == 1,
            gold_rank=None if _absent(mc.get("gold_rank")) else int(mc["gold_rank"]),
            recovered=_recovered(item_id, by_view, rows),
        )


def _recovered(item_id: str, by_view: dict[str, ViewFile], rows: dict[str, Rows]) -> dict[str, bool]:
    metrics = {"oneshot": "match", "sample": "match_any", "beam": "match_any"}
    if "beam" in by_view and by_view["beam"].variant.beams_are_top1:
        metrics["beam"] = "match_top1"
    return {name: rows[name][item_id][metric] == 1 for name, metric in metrics.items() if name in rows}


def _absent(value: Any) -> bool:
    return value is None or math.isnan(value)


def _read_rows(view: ViewFile) -> Rows:
    rows: Rows = {}
    doubled: list[str] = []
    # Bytes, because a file can end within a character.
    with view.samples_file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            item_id, metrics = _read_row(line, view, number)
            if item_id in rows:
                doubled.append(item_id)
            rows[item_id] = metrics
    if doubled:
        raise UserError(f"{view.samples_file} has {listed(doubled)} twice: a run asks every item once, run it again")
    if len(rows) != view.effective:
        raise UserError(
            f"{view.samples_file} has {len(rows)} rows, its run asked {view.effective} items: the file is truncated, run it again"
        )
    return rows


def _read_row(line: bytes, view: ViewFile, number: int) -> tuple[str, dict[str, Any]]:
    try:
        row: dict[str, Any] = json.loads(line)
        item_id = row["doc"]["id"]
        metrics = {name: row[name] for name in METRICS.get(view.view, ())}
    except ValueError as error:
        raise UserError(
            f"{view.samples_file}:{number} is not a whole row ({error}): the file is truncated, run it again"
        ) from error
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{view.samples_file}:{number} lacks {error}: it is not a samples file of the view {view.view}"
        ) from error
    return str(item_id), {**metrics, "gold_rank": row.get("gold_rank")}


def _check_same_items(by_view: dict[str, ViewFile], rows: dict[str, Rows]) -> None:
    for name, view in by_view.items():
        only_mc, only_here = rows["mc"].keys() - rows[name].keys(), rows[name].keys() - rows["mc"].keys()
        if only_mc or only_here:
            raise UserError(
                f"{view.samples_file} and {by_view['mc'].samples_file} ask different items"
                f" (only {name}: {listed(sorted(only_here)) or 'none'}; only mc: {listed(sorted(only_mc)) or 'none'}):"
                " run both with the same --limit or --samples"
            )
