"""Reader of the rows of the views of one variant, family and language: each samples file is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.failed_answers import failure_judge
from lm_eval_illusion.results.greedy_answers import PRODUCED_METRICS, hash_of_row
from lm_eval_illusion.results.item_texts import ItemTexts
from lm_eval_illusion.results.judge_files import JudgeVerdicts
from lm_eval_illusion.results.messages import join_truncated, shown
from lm_eval_illusion.results.outcomes import OUTPUT_LABELS, PRODUCTION
from lm_eval_illusion.results.row_checks import check_means, check_row
from lm_eval_illusion.results.rules_version import FIRST_VERSION, OneVersion
from lm_eval_illusion.results.runs import ViewFile
from lm_eval_illusion.results.sample_file import RowTexts, SampleRow, read_rows_and_texts
from lm_eval_illusion.results.task_hash import TaskHash
from lm_eval_illusion.views import TWIN, View, form_named
from lm_eval_illusion.views.twin import PRODUCED, RECOGNISED

Rows = dict[str, SampleRow]
"""The rows of a view by item id."""


@dataclass(frozen=True)
class RowCache:
    """The rows of `files`, the samples files that are needed more than once: each is read once."""

    files: frozenset[Path]
    rows: dict[Path, Rows] = field(default_factory=dict)


def read_views(
    by_view: Mapping[str, ViewFile],
    recognising: str,
    texts: ItemTexts | None,
    cache: RowCache | None,
    verdicts: JudgeVerdicts,
) -> dict[str, Rows]:
    """Return the rows of each view of a variant, family and language.

    `by_view`: the samples file of each view; a twin's file stands for each of its two views that has no file, see `with_parts`.
    `recognising`: the view that determines whether an item is recognised. It is read first, because its rows are the outcomes that `texts`
    counts. `texts`: collects the texts of a sample of the items. `cache`: rows of files that another call reads, too.
    `verdicts`: of judges on the greedy answers.

    Raises:
        UserError: A file can't be read or is incomplete, has an item twice, a value that its field can't have, or other rows or
            numbers than its run states; a twin and one of its views contradict each other.
    """
    rows = {}
    first = by_view[recognising]
    for file in sorted({file.view: file for file in by_view.values()}.values(), key=lambda file: file is not first):
        path = file.samples_file
        if cache is not None and path in cache.rows:
            rows[file.view] = cache.rows[path]
            continue
        gives_outputs = file.view in OUTPUT_LABELS or file is by_view[PRODUCTION.name]
        needs_text = _needs_text(file is first, gives_outputs, texts)
        shown_texts = texts if file is first or gives_outputs else None
        rows[file.view] = _read_view(file, shown_texts, needs_text, verdicts, is_first=file is first)
        if cache is not None and path in cache.files:
            cache.rows[path] = rows[file.view]
    if TWIN.name in rows:
        for view, outcome in ((TWIN.recognition, RECOGNISED), (TWIN.production, PRODUCED)):
            part = _part(rows[TWIN.name], view, outcome)
            if view.name not in rows:
                rows[view.name] = part
            elif not by_view[view.name].variant.beams_are_top1 and _same_rules(rows[view.name], part):
                _check_agree(view, rows[view.name], by_view[view.name], part, by_view[TWIN.name])
    return rows


def with_parts(by_view: Mapping[str, ViewFile]) -> dict[str, ViewFile]:
    """Return the samples file of each view, where a twin's file stands for each of its two views that was not run by itself."""
    twin = by_view.get(TWIN.name)
    parts = {view.name: twin for view in (TWIN.recognition, TWIN.production)} if twin is not None else {}
    return {**parts, **by_view}


def _part(rows: Rows, view: View, outcome: str) -> Rows:
    """Return the rows of one view of a twin. `outcome`: the twin's name of the outcome metric of the view."""
    # The twin logs what the report reads of the view; of an older file a metric may be missing.
    names = {name: name for use in ("required", "optional") for name in view.metrics_in_report(use)}
    names[view.outcome_metric] = outcome
    parts = {}
    for item_id, row in rows.items():
        metrics = {name: row.metrics.get(logged) for name, logged in names.items()}
        parts[item_id] = msgspec.structs.replace(row, metrics=metrics)
    return parts


def _check_agree(view: View, rows: Rows, file: ViewFile, part: Rows, twin: ViewFile) -> None:
    """Check that a view and the twin of pruned-hf say the same of each item.

    The scores of other backends depend on what else is in a batch, so a near tie may differ there, and the view counts.
    """
    name = view.outcome_metric
    for item_id, row in rows.items():
        other = part.get(item_id)
        if other is not None and other.metrics[name] != row.metrics[name]:
            raise UserError(
                f"{name} of the item {shown(item_id)} is {row.metrics[name]:g} in {file.samples_file}, but {other.metrics[name]:g} in"
                f" {twin.samples_file}: the same question has one answer, run the model again with {twin.task} alone, or without it"
            )


def _same_rules(rows: Rows, others: Rows) -> bool:
    """Return whether two views of the same answers were judged by one version of the rules. Whoever joins them refuses two versions."""
    versions = {version_of(row) for view in (rows, others) for row in view.values()}
    return len(versions) == 1


def _needs_text(is_first: bool, gives_outputs: bool, texts: ItemTexts | None) -> Callable[[str], bool]:
    """Return a function that tells whether the texts of an item id are needed from a file.

    `is_first`: the file of the recognising view, where each call of this function counts an outcome.
    """
    if texts is not None and is_first:
        return texts.count_outcome
    if texts is not None and gives_outputs:
        return texts.contains
    return lambda _: False


def _read_view(
    file: ViewFile, texts: ItemTexts | None, needs_text: Callable[[str], bool], verdicts: JudgeVerdicts, *, is_first: bool
) -> Rows:
    view = form_named(file.view)
    required = view.metrics_in_report("required") if view else ()
    optional = view.metrics_in_report("optional") if view else ()
    hashes = TaskHash()
    sums = dict.fromkeys(required, 0.0)
    rows: Rows = {}
    duplicates: list[str] = []
    filter_name: str | None = None
    is_judged = file.view in PRODUCED_METRICS and verdicts.are_about(file.samples_file)
    versions = OneVersion()
    lines = read_rows_and_texts(
        file.samples_file,
        required,
        optional,
        scores=view is not None and view.is_scored,
        keeps_scores=view is not None and view.gives_gold_scores,
        answers=1 if view is TWIN else 0,
        tokens=next(iter(view.metrics_in_report("tokens")), None) if view else None,
        # `needs_text` counts its calls.
        needs_text=(lambda item_id: needs_text(item_id) or True) if is_judged else needs_text,
        hashes=hashes,
        language=file.language,
        judge=_judge(file),
    )
    for number, (row, row_texts) in enumerate(lines, 1):
        check_row(row, required, f"{file.samples_file}:{number}")
        if filter_name is None:
            filter_name = row.filter
        if row.filter != filter_name:
            raise UserError(
                f"{file.samples_file}:{number} has the filter {shown(row.filter)}, the rows before it {shown(filter_name)}: a view has one,"
                " run it again"
            )
        if row.id in rows:
            duplicates.append(row.id)
        if is_judged and row_texts is not None:
            on_this = verdicts.on(file.samples_file, row.id, hash_of_row(file.language, row_texts))
            row = msgspec.structs.replace(row, verdicts=on_this)
        if view is not None and view.fields:
            versions.add(version_of(row), f"{file.samples_file}:{number}")
        rows[row.id] = row
        for name in required:
            sums[name] += row.metrics[name]  # type: ignore[operator]
        if texts is not None and row_texts is not None and texts.contains(row.id):
            # The scores that are shown are those of the recognising view.
            shown_texts = row_texts if is_first or not row_texts.outputs else _without_scores(row_texts)
            texts.add_view(file, row.id, shown_texts, row.match_rule)
    if duplicates:
        raise UserError(
            f"{file.samples_file} has {join_truncated(duplicates)} twice: a run evaluates every item once, run it again"
        )
    if len(rows) != file.effective:
        damage = "truncated" if len(rows) < file.effective else "not the one of this run"
        raise UserError(
            f"{file.samples_file} has {len(rows)} rows, but its run evaluated {file.effective} items: the file is {damage},"
            " run it again"
        )
    hashes.check(file.samples_file, file.results_file, file.task_hash)
    check_means(file, sums, len(rows), filter_name or "none")
    return rows


def version_of(row: SampleRow) -> int:
    """Return the version of the rules that judged a row of a view with answers."""
    return row.match_version or FIRST_VERSION


def _judge(file: ViewFile) -> Callable[[bytes, SampleRow], str | None] | None:
    """Return the function that returns the failure mode of a line; None for a file without the answers that decide on production."""
    return failure_judge(file.language, PRODUCED_METRICS[file.view]) if file.view in PRODUCED_METRICS else None


def _without_scores(texts: RowTexts) -> RowTexts:
    return msgspec.structs.replace(texts, scores=[])
