"""Reader of the rows of the views of one variant, family and language: each samples file is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.failed_answers import failure_judge
from lm_eval_illusion.results.item_texts import ItemTexts
from lm_eval_illusion.results.messages import join_truncated, shown
from lm_eval_illusion.results.outcomes import OUTPUT_LABELS, PRODUCTION
from lm_eval_illusion.results.row_checks import check_means, check_row
from lm_eval_illusion.results.runs import ViewFile
from lm_eval_illusion.results.sample_file import SampleRow, read_rows_and_texts
from lm_eval_illusion.results.task_hash import TaskHash
from lm_eval_illusion.views import view_named

Rows = dict[str, SampleRow]
"""The rows of a view by item id."""


@dataclass(frozen=True)
class RowCache:
    """The rows of `files`, the samples files that are needed more than once: each is read once."""

    files: frozenset[Path]
    rows: dict[Path, Rows] = field(default_factory=dict)


def read_views(
    by_view: Mapping[str, ViewFile], recognising: str, texts: ItemTexts | None, cache: RowCache | None
) -> dict[str, Rows]:
    """Return the rows of each view of a variant, family and language.

    `by_view`: the samples file of each view. `recognising`: the view that determines whether an item is recognised. It is read first,
    because its rows are the outcomes that `texts` counts. `texts`: collects the texts of a sample of the items. `cache`: rows of files
    that another call reads, too.

    Raises:
        UserError: A file can't be read or is incomplete, has an item twice, a value that its field can't have, or other rows or
            numbers than its run states.
    """
    rows = {}
    for name in sorted(by_view, key=lambda name: name != recognising):
        file = by_view[name].samples_file
        if cache is not None and file in cache.rows:
            rows[name] = cache.rows[file]
            continue
        rows[name] = _read_view(by_view[name], texts, _needs_text(name, recognising, texts))
        if cache is not None and file in cache.files:
            cache.rows[file] = rows[name]
    return rows


def _needs_text(view: str, recognising: str, texts: ItemTexts | None) -> Callable[[str], bool]:
    """Return a function that tells whether the texts of an item id are needed from this view.

    In the recognising view each call of this function counts an outcome.
    """
    if texts is not None and view == recognising:
        return texts.count_outcome
    if texts is not None and view in OUTPUT_LABELS:
        return texts.contains
    return lambda _: False


def _read_view(file: ViewFile, texts: ItemTexts | None, needs_text: Callable[[str], bool]) -> Rows:
    view = view_named(file.view)
    required = view.metrics_in_report("required") if view else ()
    optional = view.metrics_in_report("optional") if view else ()
    hashes = TaskHash()
    sums = dict.fromkeys(required, 0.0)
    rows: Rows = {}
    duplicates: list[str] = []
    filter_name: str | None = None
    lines = read_rows_and_texts(
        file.samples_file,
        required,
        optional,
        scores=view is not None and view.is_scored,
        keeps_scores=view is not None and view.gives_gold_scores,
        needs_text=needs_text,
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
        rows[row.id] = row
        for name in required:
            sums[name] += row.metrics[name]  # type: ignore[operator]
        if texts is not None and row_texts is not None:
            texts.add_view(file, row.id, row_texts)
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


def _judge(file: ViewFile) -> Callable[[bytes, SampleRow], str | None] | None:
    """Return the function that returns the failure mode of a line; None for a file without the answers that decide on production."""
    outcomes = {PRODUCTION.name: PRODUCTION.outcome_metric}
    return failure_judge(file.language, outcomes[file.view]) if file.view in outcomes else None
