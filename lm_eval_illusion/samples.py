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

# What may count as recognised: the view and its metric.
RECOGNITION_METRICS = {"acc": ("mc", "acc"), "acc_norm": ("mc", "acc_norm"), "letters": ("mc_letters", "acc")}

# What a row of each view must hold. OPTIONAL is there only where the backend gave a rank and the item has a passage.
OPTIONAL = ("gold_rank", "in_passage")
METRICS = {
    "mc": ("acc", "acc_norm", "invalid"),
    "gen": ("match",),
    "oneshot": ("match",),
    "sample": ("match_any",),
    "beam": ("match_any", "match_top1"),
    "candidates": ("match",),
    "candidates_without_gold": ("match",),
    "mc_letters": ("acc", "invalid"),
    "question_blind": ("acc", "acc_norm", "invalid"),
}

Rows = dict[str, dict[str, Any]]
"""The metrics of a view's rows by item id."""


def load_outcomes(paths: Iterable[str | Path], recognition: str = "acc") -> list[Outcome]:
    """Read every run below `paths` and join its views on the item id.

    A path is a folder, searched with its subfolders, or a results file. Runs of the same variant may hold different tasks; the
    same task twice is an error. Tasks that are not ours are passed over. An item is recognised if the metric that `recognition` names
    is 1 and `invalid` is 0: `acc` or `acc_norm` of the view `mc`, or `letters`, the `acc` of the view `mc_letters`.

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
    recognising, metric = RECOGNITION_METRICS[recognition]
    missing = [name for name in (recognising, "gen") if name not in by_view]
    if missing:
        raise UserError(
            f"{group[0].results_file} has no view {' and no '.join(missing)} for {group[0].family} in {group[0].language}:"
            f" recognition by {recognition} needs {recognising} and production needs gen, run both"
        )
    rows = {name: _read_rows(view) for name, view in by_view.items()}
    _check_same_items(recognising, by_view, rows)
    chief = by_view[recognising]
    for item_id, scored in rows[recognising].items():
        blind = rows.get("question_blind", {}).get(item_id)
        yield Outcome(
            variant=chief.variant,
            run=chief.results_file.name,
            family=chief.family,
            language=chief.language,
            id=item_id,
            recognised=_recognised(scored, metric),
            invalid=scored["invalid"] == 1,
            produced=rows["gen"][item_id]["match"] == 1,
            gold_rank=_gold_rank(rows.get("mc", {}).get(item_id, {})),
            recovered=_recovered(item_id, by_view, rows),
            said_without_gold=_said_without_gold(item_id, rows),
            # Letters have no blind twin: without the question the same letters are scored after a list of options.
            question_blind=_recognised(blind, metric) if blind and recognition != "letters" else None,
            in_passage=blind["in_passage"] if blind else None,
        )


def _recognised(scored: dict[str, Any], metric: str) -> bool:
    return bool(scored[metric] == 1 and scored["invalid"] == 0)


def _gold_rank(mc: dict[str, Any]) -> int | None:
    rank = mc.get("gold_rank")
    return None if rank is None or math.isnan(rank) else int(rank)


def _said_without_gold(item_id: str, rows: dict[str, Rows]) -> bool | None:
    return rows["candidates_without_gold"][item_id]["match"] == 1 if "candidates_without_gold" in rows else None


def _recovered(item_id: str, by_view: dict[str, ViewFile], rows: dict[str, Rows]) -> dict[str, bool]:
    metrics = {"oneshot": "match", "sample": "match_any", "beam": "match_any", "candidates": "match"}
    if "beam" in by_view and by_view["beam"].variant.beams_are_top1:
        metrics["beam"] = "match_top1"
    return {name: rows[name][item_id][metric] == 1 for name, metric in metrics.items() if name in rows}


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
    return str(item_id), {**metrics, **{name: row.get(name) for name in OPTIONAL}}


def _check_same_items(chief: str, by_view: dict[str, ViewFile], rows: dict[str, Rows]) -> None:
    for name, view in by_view.items():
        only_chief, only_here = rows[chief].keys() - rows[name].keys(), rows[name].keys() - rows[chief].keys()
        if only_chief or only_here:
            raise UserError(
                f"{view.samples_file} and {by_view[chief].samples_file} ask different items"
                f" (only {name}: {listed(sorted(only_here)) or 'none'}; only {chief}: {listed(sorted(only_chief)) or 'none'}):"
                " run both with the same --limit or --samples"
            )
