"""Join of samples files into outcomes: the views of a family, language and variant are joined on the item id."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.item_texts import ItemTexts
from lm_eval_illusion.results.judge_files import JudgeVerdicts, read_verdicts
from lm_eval_illusion.results.messages import join_truncated, shown
from lm_eval_illusion.results.outcomes import BASELINE, CONTROL, GOLD_SCORES, PRODUCTION, Outcome
from lm_eval_illusion.results.results_file import TEMPLATE_APPLIED
from lm_eval_illusion.results.rules_version import OneVersion
from lm_eval_illusion.results.runs import TaskFile, ViewFile, find_runs, find_views
from lm_eval_illusion.results.same_base import check_same_base
from lm_eval_illusion.results.sample_file import SampleRow
from lm_eval_illusion.results.view_rows import RowCache, Rows, read_views, version_of, with_parts
from lm_eval_illusion.views import GENERATED_LETTERS, VIEWS, form_named
from lm_eval_illusion.views.twin import EXACT_MATCH, TWIN


@dataclass(frozen=True)
class Recognition:
    """The criterion for a recognised item: the view, and its metric that must be 1."""

    view: str
    metric: str


RECOGNITION = {
    metric.recognition: Recognition(view.name, metric.name) for view in VIEWS for metric in view.metrics if metric.recognition
}
"""By the value of `report --recognition`: `acc`, `acc_norm`, `letters`, `recognised_by_letter`."""
DEFAULT_RECOGNITION = "acc"
BY_LETTER = frozenset(name for name, it in RECOGNITION.items() if it.view == GENERATED_LETTERS)
"""Those that read a letter that the model generated, in place of scores."""


def load_outcomes(paths: Iterable[str | Path], recognition: str | None = None) -> list[Outcome]:
    """Read every run below `paths` and join its views on the item id.

    A path is a folder, which is searched with its subfolders, or a results file. Runs of one variant may contain different tasks; the same
    task twice is an error. Tasks of other projects are left out. An item is recognised if the metric that `recognition` names
    is 1 and `invalid` is 0: `acc` or `acc_norm` of the view `mc`, `letters`, the `acc` of the view `mc_letters`, or
    `recognised_by_letter` of the view `mc_letters_generated`. By default it is `acc`, and the last one where no run has scores.

    Raises:
        UserError: There is nothing to read, a file is truncated, items are missing or duplicate, the items of the views differ, or answers
            were judged by different versions of the matching rules.
    """
    if recognition is not None:
        check_recognition(recognition)
    views = views_below(paths)
    return join_views(views, recognition_of(views, recognition))


def recognition_of(views: Iterable[ViewFile], recognition: str | None) -> str:
    """Return the given criterion of recognition. None is `acc`, or the generated letter where it is all that the runs have.

    So recognition by scores and by letters is never mixed.
    """
    if recognition is not None:
        return recognition
    present = {view.view for view in views}
    has_scores = not present.isdisjoint({TWIN.name, *(it.view for it in RECOGNITION.values() if it.view != GENERATED_LETTERS)})
    generated = sorted(BY_LETTER) if GENERATED_LETTERS in present else []
    return generated[0] if generated and not has_scores else DEFAULT_RECOGNITION


def views_below(paths: Iterable[str | Path]) -> list[ViewFile]:
    """Return the samples files of our tasks in every run below `paths`.

    Raises:
        UserError: There are no such files, or a results file is incomplete.
    """
    searched = list(paths)
    views = find_views(find_runs(searched))
    if not views:
        raise UserError(f"no tasks of ours in {join_truncated(searched)}: run lm_eval with --tasks mqa_illusion")
    return views


def join_views(
    views: Sequence[ViewFile], recognition: str, texts: ItemTexts | None = None, cache: RowCache | None = None
) -> list[Outcome]:
    """Return the outcomes of these views, joined on the item id as in `load_outcomes`. Each samples file is read once.

    `texts`: collects the texts of a sample of the items during the same pass. `cache`: rows of files that another call joins, too.

    Raises:
        UserError: As `load_outcomes`.
    """
    check_recognition(recognition)
    check_unique(views)
    _check_same_prompts(views)
    groups: dict[tuple[str, str, str, str], list[ViewFile]] = defaultdict(list)
    seen: dict[tuple[str, ...], ViewFile] = {}
    for view in views:
        key = (*view.variant.key, view.family, view.language)
        groups[key].append(view)
        other = seen.setdefault((*key, view.view), view)
        if other is not view:
            raise UserError(
                f"{other.results_file} ({other.task}) and {view.results_file} ({view.task}) are both the view {view.view} of"
                f" {view.family} in {view.language}: report them one at a time"
            )
    versions = OneVersion()
    verdicts = read_verdicts((view.samples_file for view in views), {view.samples_file: view.same_run for view in views})
    return [outcome for group in groups.values() for outcome in _join(group, recognition, texts, cache, verdicts, versions)]


def check_unique(files: Sequence[TaskFile]) -> None:
    """Check that a base model had the same content in all runs, that no variant has a task twice, and that no two models share a name.

    A variant in two dtypes is two models.

    Raises:
        UserError: There is a pair of runs that can't be reported together; the message names both.
    """
    check_same_base(files)
    _check_own_samples(files)
    _check_one_dense(files)
    tasks: dict[tuple[str, str, str], TaskFile] = {}
    models: dict[tuple[str, str], TaskFile] = {}
    for file in files:
        name = file.variant.key
        same_name = models.setdefault(name, file)
        same_task = tasks.setdefault((*name, file.task), file)
        other = same_task if same_task is not file else same_name
        dtypes = {same_name.variant.dtype, file.variant.dtype}
        if None not in dtypes and len(dtypes) > 1:
            raise UserError(
                f"{same_name.results_file} and {file.results_file} are runs of variant {name[1]} of {name[0]} with dtype"
                f" {same_name.variant.dtype} and {file.variant.dtype}: report them one at a time"
            )
        if same_task is not file or same_name.variant.identity != file.variant.identity:
            raise UserError(
                f"{other.results_file} and {file.results_file} are both runs of variant {name[1]} of {name[0]} ({file.task}):"
                " report them one at a time"
            )


def _check_own_samples(files: Sequence[TaskFile]) -> None:
    """Check that no two runs have the same samples file: two results files of one date, or links to the samples of another run.

    A store that holds contents by their hashes has equal samples of two runs once; there the link does not lead to a samples file's name.
    """
    owners: dict[str, TaskFile] = {}
    for file in files:
        real = os.path.realpath(file.samples_file)
        is_content = not os.path.basename(real).startswith("samples_")
        place = os.path.join(os.path.realpath(file.samples_file.parent), file.samples_file.name) if is_content else real
        other = owners.setdefault(place, file)
        if other.results_file != file.results_file or other.task != file.task:
            raise UserError(
                f"{other.results_file} ({other.task}) and {file.results_file} ({file.task}) have the same samples, {file.samples_file}:"
                " one of the results files is a copy or renamed, remove it"
            )


def _check_one_dense(files: Sequence[TaskFile]) -> None:
    """Check that each base model has one dense variant, which the others are compared with."""
    dense: dict[str, TaskFile] = {}
    for file in files:
        if file.variant.is_dense:
            other = dense.setdefault(file.variant.base_model, file)
            if other.variant.variant != file.variant.variant:
                raise UserError(
                    f"{other.results_file} and {file.results_file} are both dense runs of {file.variant.base_model}, of variants"
                    f" {other.variant.variant} and {file.variant.variant}: report them one at a time"
                )


def check_recognition(recognition: str) -> None:
    """Check the value of `report --recognition`.

    Raises:
        UserError: It is no key of `RECOGNITION`.
    """
    if recognition not in RECOGNITION:
        raise UserError(f"recognition {recognition!r} is unknown: give one of {', '.join(RECOGNITION)}")


def _check_same_prompts(views: Sequence[ViewFile]) -> None:
    """Check that all variants of a base model got the same prompts. A chat template in one run only would change the numbers."""
    first: dict[tuple[str, str, int], ViewFile] = {}
    for view in views:
        if view.task_hash:
            other = first.setdefault((view.variant.base_model, view.task, view.effective), view)
            if other.task_hash != view.task_hash:
                raise UserError(
                    f"{other.results_file} and {view.results_file} ran {view.task} with different items or prompts (a chat"
                    " template, few-shot examples, --samples): run both with the same, or report them one at a time"
                )


def _join(
    group: Sequence[ViewFile],
    recognition: str,
    texts: ItemTexts | None,
    cache: RowCache | None,
    verdicts: JudgeVerdicts,
    versions: OneVersion,
) -> Iterator[Outcome]:
    """Yield the outcomes of one variant, family and language. `group`: its views. `versions`: of the rules that judged all groups."""
    by_view = with_parts({view.view: view for view in group})
    recognised_by = RECOGNITION[recognition]
    missing = [name for name in (recognised_by.view, PRODUCTION.name) if name not in by_view]
    if missing:
        remedy = "run both"
        if recognised_by.view in missing and GENERATED_LETTERS in by_view:
            remedy = (
                f"run both, or, where a server gives no scores, run {GENERATED_LETTERS} with all models and give"
                f" --recognition {min(BY_LETTER)}"
            )
        raise UserError(
            f"{group[0].results_file} has no view {' and no '.join(missing)} for {group[0].family} in {group[0].language}:"
            f" recognition by {recognition} needs {recognised_by.view} and production needs {PRODUCTION.name}, {remedy}"
        )
    rows = read_views(by_view, recognised_by.view, texts, cache, verdicts)
    _check_same_items(recognised_by.view, by_view, rows)
    for name, view in by_view.items():
        if (form := form_named(name)) is not None and form.fields and rows[name]:
            versions.add(version_of(next(iter(rows[name].values()))), str(view.samples_file))
    file = by_view[recognised_by.view]
    strategies = _strategy_metrics(by_view)
    # The letters have no baseline: without the question, the options are scored themselves and not listed after letters.
    has_baseline = BASELINE.baseline_of == recognised_by.view
    for item_id, scored in rows[recognised_by.view].items():
        gold_scores = rows.get(GOLD_SCORES.name, {}).get(item_id)
        if gold_scores is not None and _ranks_a_line_break(gold_scores, by_view[GOLD_SCORES.name]):
            gold_scores = None
        blind = rows.get(BASELINE.name, {}).get(item_id)
        control = rows.get(CONTROL.name, {}).get(item_id)
        answered = rows[PRODUCTION.name][item_id]
        exact = answered.metrics.get(EXACT_MATCH)
        yield Outcome(
            variant=file.variant,
            run=file.results_file.name,
            family=file.family,
            language=file.language,
            id=item_id,
            recognised=_recognised(scored, recognised_by.metric),
            invalid=scored.metrics["invalid"] == 1,
            produced=answered.metrics[PRODUCTION.outcome_metric] == 1,
            gold_rank=_gold_rank(gold_scores),
            recovered={name: rows[name][item_id].metrics[metric] == 1 for name, metric in strategies.items()},
            said_without_gold=control.metrics[CONTROL.outcome_metric] == 1 if control else None,
            question_blind=_recognised(blind, recognised_by.metric) if blind and has_baseline else None,
            in_passage=blind.metrics["in_passage"] if blind else None,
            answer_type=scored.answer_type or "",
            gold_logprob=_gold_logprob(gold_scores),
            next_tokens=gold_scores.next_tokens if gold_scores else None,
            failure_mode=answered.failure_mode,
            chat_template=file.chat_template,
            verdicts=rows[PRODUCTION.name][item_id].verdicts or {},
            exact_match=None if exact is None else exact == 1,
            match_rule=answered.match_rule,
            match_version=version_of(answered),
            asked_otherwise=scored.asked_otherwise,
        )


def _recognised(scored: SampleRow, metric: str) -> bool:
    return scored.metrics[metric] == 1 and scored.metrics["invalid"] == 0


def _ranks_a_line_break(row: SampleRow, file: ViewFile) -> bool:
    """Return whether the gold scores of a row are those of the white space before the answer.

    lm_eval moves the line break at the end of a chat prompt into the answer. Versions of our models that logged a rank and neither
    `gold_logprob` nor the next tokens ranked it as the first token of the answer.
    """
    is_older = row.metrics["gold_rank"] is not None and row.metrics.get("gold_logprob") is None and row.next_tokens is None
    return is_older and file.chat_template == TEMPLATE_APPLIED


def _gold_rank(row: SampleRow | None) -> float | None:
    """Return the rank, an int if it is whole; None if the backend gave none or it is not finite."""
    rank = row.metrics["gold_rank"] if row else None
    if rank is None or not math.isfinite(rank):
        return None
    return int(rank) if rank == int(rank) else rank


def _gold_logprob(row: SampleRow | None) -> float | None:
    """Return the gold answer's log-likelihood, else the gold choice's, which has that of white space before the answer, too.

    A collapsed model has NaN or minus infinity, which give no difference: None.
    """
    if row is None or row.scores is None or row.gold is None:
        return None
    own = row.metrics.get("gold_logprob")
    score = row.scores[row.gold] if own is None else own
    return score if math.isfinite(score) else None


def _strategy_metrics(by_view: dict[str, ViewFile]) -> dict[str, str]:
    """Return the recovery strategies that ran, each with the metric that is 1 if the strategy produced the answer."""
    metrics = {}
    for view in VIEWS:
        if view.role == "recovery" and view.name in by_view:
            is_single = view.single_beam_metric is not None and by_view[view.name].variant.beams_are_top1
            metrics[view.name] = (view.single_beam_metric if is_single else None) or view.outcome_metric
    return metrics


def _check_same_items(recognising: str, by_view: dict[str, ViewFile], rows: dict[str, Rows]) -> None:
    expected = rows[recognising].keys()
    for name, view in by_view.items():
        only_there, only_here = expected - rows[name].keys(), rows[name].keys() - expected
        if only_there or only_here:
            raise UserError(
                f"{view.samples_file} and {by_view[recognising].samples_file} have different items"
                f" (only {name}: {join_truncated(sorted(only_here)) or 'none'};"
                f" only {recognising}: {join_truncated(sorted(only_there)) or 'none'}):"
                " run both with the same --limit or --samples"
            )
        for item_id, row in rows[name].items():
            # Every view of an item asks about the same document.
            other = rows[recognising][item_id].doc_hash
            if row.doc_hash != other and row.doc_hash is not None and other is not None:
                raise UserError(
                    f"{view.samples_file} and {by_view[recognising].samples_file} have different documents of the id"
                    f" {shown(item_id)}: the ids were changed, or the items changed between the runs, run both again"
                )
