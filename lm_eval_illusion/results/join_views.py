"""Samples files -> one outcome an item, language and variant: the views joined on the item id."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.outcomes import Outcome
from lm_eval_illusion.results.runs import TaskFile, ViewFile, find_runs, find_views, join_truncated
from lm_eval_illusion.results.sample_file import SampleRow, read_rows

# What may count as recognised: the view and its metric.
RECOGNITION_METRICS = {"acc": ("mc", "acc"), "acc_norm": ("mc", "acc_norm"), "letters": ("mc_letters", "acc")}

# What a row of each view must hold. OPTIONAL is there only where the backend gave a rank, and where the item has a passage.
OPTIONAL = {"mc": ("gold_rank",), "question_blind": ("in_passage",)}
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

Rows = dict[str, SampleRow]
"""A view's rows by item id."""


def load_outcomes(paths: Iterable[str | Path], recognition: str = "acc") -> list[Outcome]:
    """Read every run below `paths` and join its views on the item id.

    A path is a folder, searched with its subfolders, or a results file. Runs of the same variant may hold different tasks; the
    same task twice is an error. Tasks that are not ours are passed over. An item is recognised if the metric that `recognition` names
    is 1 and `invalid` is 0: `acc` or `acc_norm` of the view `mc`, or `letters`, the `acc` of the view `mc_letters`.

    Raises:
        UserError: nothing to read, a file is truncated, items are missing or doubled, or views ask different items.
    """
    _check_known(recognition)
    given = list(paths)
    views = find_views(find_runs(given))
    if not views:
        raise UserError(f"no tasks of ours in {join_truncated(given)}: run lm_eval with --tasks mqa_illusion")
    return join_views(views, recognition)


def join_views(views: Sequence[ViewFile], recognition: str) -> list[Outcome]:
    """The outcomes of these views, joined on the item id; otherwise as `load_outcomes`."""
    _check_known(recognition)
    check_one_claim(views)
    _check_asked_alike(views)
    groups: dict[tuple[str, str, str, str], list[ViewFile]] = defaultdict(list)
    for view in views:
        groups[view.variant.base_model, view.variant.variant, view.family, view.language].append(view)
    return [outcome for group in groups.values() for outcome in _join(group, recognition)]


def _check_known(recognition: str) -> None:
    if recognition not in RECOGNITION_METRICS:
        raise UserError(f"recognition {recognition!r} is unknown: give one of {', '.join(RECOGNITION_METRICS)}")


def check_one_claim(files: Sequence[TaskFile]) -> None:
    """No task twice for one variant, and no two different models under one variant's name, in whatever languages.

    Raises:
        UserError: names both runs.
    """
    tasks: dict[tuple[str, str, str], TaskFile] = {}
    models: dict[tuple[str, str], TaskFile] = {}
    for file in files:
        name = (file.variant.base_model, file.variant.variant)
        model = models.setdefault(name, file)
        twin = tasks.setdefault((*name, file.task), file)
        other = twin if twin is not file else model
        if twin is not file or model.variant.identity != file.variant.identity:
            raise UserError(
                f"{other.results_file} and {file.results_file} both claim variant {name[1]} of {name[0]} ({file.task}):"
                " report them one at a time"
            )


def _check_asked_alike(views: Sequence[ViewFile]) -> None:
    """Variants of a base model must have been asked with the same prompts: a chat template in one run alone makes another test."""
    asked: dict[tuple[str, str, int], ViewFile] = {}
    for view in views:
        if view.asked_hash:
            twin = asked.setdefault((view.variant.base_model, view.task, view.effective), view)
            if twin.asked_hash != view.asked_hash:
                raise UserError(
                    f"{twin.results_file} and {view.results_file} ask {view.task} with different items or prompts (a chat"
                    " template, few-shot examples, --samples): run both with the same, or report them one at a time"
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
        mc = rows.get("mc", {}).get(item_id)
        blind = rows.get("question_blind", {}).get(item_id)
        control = rows.get("candidates_without_gold", {}).get(item_id)
        yield Outcome(
            variant=chief.variant,
            run=chief.results_file.name,
            family=chief.family,
            language=chief.language,
            id=item_id,
            recognised=_recognised(scored, metric),
            invalid=scored.metrics["invalid"] == 1,
            produced=rows["gen"][item_id].metrics["match"] == 1,
            gold_rank=_gold_rank(mc),
            recovered=_recovered(item_id, by_view, rows),
            said_without_gold=control.metrics["match"] == 1 if control else None,
            # Letters have no blind twin: without the question the same letters are scored after a list of options.
            question_blind=_recognised(blind, metric) if blind and recognition != "letters" else None,
            in_passage=blind.metrics["in_passage"] if blind else None,
            answer_type=scored.answer_type or "",
            gold_logprob=_gold_logprob(mc),
        )


def _recognised(scored: SampleRow, metric: str) -> bool:
    return scored.metrics[metric] == 1 and scored.metrics["invalid"] == 0


def _gold_rank(mc: SampleRow | None) -> int | None:
    rank = mc.metrics["gold_rank"] if mc else None
    return None if rank is None or math.isnan(rank) else int(rank)


def _gold_logprob(mc: SampleRow | None) -> float | None:
    """Of a collapsed model NaN or minus infinity: no number to take a difference of."""
    if mc is None or mc.scores is None or mc.gold is None:
        return None
    score = mc.scores[mc.gold]
    return score if math.isfinite(score) else None


def _recovered(item_id: str, by_view: dict[str, ViewFile], rows: dict[str, Rows]) -> dict[str, bool]:
    metrics = {"oneshot": "match", "sample": "match_any", "beam": "match_any", "candidates": "match"}
    if "beam" in by_view and by_view["beam"].variant.beams_are_top1:
        metrics["beam"] = "match_top1"
    return {name: rows[name][item_id].metrics[metric] == 1 for name, metric in metrics.items() if name in rows}


def _read_rows(view: ViewFile) -> Rows:
    rows: Rows = {}
    doubled: list[str] = []
    for row in read_rows(view.samples_file, METRICS.get(view.view, ()), OPTIONAL.get(view.view, ()), scores=view.view == "mc"):
        if row.id in rows:
            doubled.append(row.id)
        rows[row.id] = row
    if doubled:
        raise UserError(f"{view.samples_file} has {join_truncated(doubled)} twice: a run asks every item once, run it again")
    if len(rows) != view.effective:
        raise UserError(
            f"{view.samples_file} has {len(rows)} rows, its run asked {view.effective} items: the file is truncated, run it again"
        )
    return rows


def _check_same_items(chief: str, by_view: dict[str, ViewFile], rows: dict[str, Rows]) -> None:
    for name, view in by_view.items():
        only_chief, only_here = rows[chief].keys() - rows[name].keys(), rows[name].keys() - rows[chief].keys()
        if only_chief or only_here:
            raise UserError(
                f"{view.samples_file} and {by_view[chief].samples_file} ask different items"
                f" (only {name}: {join_truncated(sorted(only_here)) or 'none'};"
                f" only {chief}: {join_truncated(sorted(only_chief)) or 'none'}):"
                " run both with the same --limit or --samples"
            )
