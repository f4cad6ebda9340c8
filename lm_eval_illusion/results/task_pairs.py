"""`report --pair MC_TASK=GEN_TASK`: join two tasks of lm_eval document by document, as if they were two views of one item.

The first task determines whether a document is recognised, the second whether it is produced. Documents are joined on lm_eval's hash of
the document, or on a field that both tasks have (`--on`).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.item_texts import ItemTexts
from lm_eval_illusion.results.join_views import check_unique
from lm_eval_illusion.results.messages import join_truncated, shown
from lm_eval_illusion.results.outcomes import PRODUCTION, WITHOUT_LANGUAGE, Outcome
from lm_eval_illusion.results.row_checks import check_means
from lm_eval_illusion.results.rules_version import FIRST_VERSION
from lm_eval_illusion.results.runs import Run, TaskFile
from lm_eval_illusion.results.sample_file import FullRow, read_full_rows
from lm_eval_illusion.results.sample_lines import index_of
from lm_eval_illusion.results.task_hash import TaskHash
from lm_eval_illusion.results.variants import Variant
from lm_eval_illusion.views import TWIN, view_of_task
from lm_eval_illusion.views.metrics import has_one_highest
from lm_eval_illusion.views.twin import PRODUCED, RECOGNISED

Role = Literal["recognition", "production"]

DEFAULT_METRICS: dict[Role, tuple[str, ...]] = {
    "recognition": ("acc", "exact_match", RECOGNISED),
    "production": ("match", "exact_match", "acc", PRODUCED),
}
"""The default metric of a task: the first of these that its rows have. The last ones are those of a twin."""

_BY_RULES = (PRODUCTION.outcome_metric, PRODUCED)
"""The metrics of our own views, which the matching rules decide."""

FORM = "MC_TASK=GEN_TASK[:METRIC[,FILTER]], e.g. arc_challenge=arc_challenge_chat:exact_match,remove_whitespace"
_TASK_METRIC = re.compile(r"(?P<task>[^:=,]+)(?::(?P<metric>[^:=,]+)(?:,(?P<filter>[^:=,]+))?)?")


@dataclass(frozen=True)
class TaskMetric:
    """A task or group and, if the user named them, the metric and the filter that decide whether a document is right."""

    task: str
    metric: str | None
    filter: str | None


@dataclass(frozen=True)
class TaskPair:
    """A recognition task and a production task. `text`: the pair as the user wrote it."""

    text: str
    recognition: TaskMetric
    production: TaskMetric

    @property
    def family(self) -> str:
        """The name of the family in the report: both tasks."""
        return f"{self.recognition.task}={self.production.task}"


@dataclass(frozen=True)
class ScoredDocument:
    """A document's row, and whether the answer is right by the metric."""

    row: FullRow
    metric: str
    is_right: bool


@dataclass(frozen=True)
class DocumentPair:
    """One document in both tasks. `key`: the value on which the two rows were joined."""

    key: str
    recognition: ScoredDocument
    production: ScoredDocument


@dataclass(frozen=True)
class PairedTasks:
    """The outcomes of the documents that both tasks have, one per document and variant, and notes about the other documents.

    `recognition`, `production`: for each family, the metrics that decided whether a document is recognised and produced.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recognition: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    production: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def read_pair(text: str) -> TaskPair:
    """Parse the value of `--pair`.

    Raises:
        UserError: The text has another form.
    """
    parts = [_TASK_METRIC.fullmatch(part.strip()) for part in text.split("=")]
    if len(parts) != 2 or not all(parts):
        raise UserError(f"--pair {text!r} can't be read: give {FORM}")
    recognition, production = (TaskMetric(part["task"], part["metric"], part["filter"]) for part in parts if part)
    return TaskPair(text, recognition, production)


def join_tasks(runs: Sequence[Run], pairs: Sequence[TaskPair], on: str | None, texts: ItemTexts | None = None) -> PairedTasks:
    """Join every pair of tasks in every variant that has both.

    `on`: the document field that both tasks share, with dots for nested fields; None: lm_eval's `doc_hash`.
    `texts`: collects the texts of a sample of the documents.
    A document is recognised only if the highest log-likelihood belongs to one choice: lm_eval's `acc` counts a tie as right.

    Raises:
        UserError: No variant has both tasks, they share no document, a metric is missing or not 0 or 1, a file is not whole.
    """
    found = PairedTasks()
    files_of_pairs = [(pair, _files_of(runs, pair)) for pair in pairs]
    read = _reader([files for _, by_variant in files_of_pairs for both in by_variant.values() for files in both])
    for pair, by_variant in files_of_pairs:
        for variant, (recognition, production) in by_variant.items():
            recognised = _scored_documents(pair, "recognition", recognition, on, read)
            produced = _scored_documents(pair, "production", production, on, read)
            documents = _join(pair, recognised, produced, on)
            found.recognition[pair.family] |= {document.recognition.metric for document in documents}
            found.production[pair.family] |= {document.production.metric for document in documents}
            for document in documents:
                outcome = _outcome(pair, variant, recognition[0], document)
                found.outcomes.append(outcome)
                if texts is not None and texts.count_outcome(outcome.id):
                    texts.add_document_pair(outcome, document.recognition.row, document.production.row)
            alone = (len(recognised) - len(documents), len(produced) - len(documents))
            if any(alone):
                found.notes.append(
                    f"{pair.family}, {variant.variant} of {variant.base_model}: {alone[0]} documents of {pair.recognition.task} and"
                    f" {alone[1]} of {pair.production.task} have no partner and are left out."
                )
    return found


def _files_of(runs: Sequence[Run], pair: TaskPair) -> dict[Variant, tuple[list[TaskFile], list[TaskFile]]]:
    """Return the files of both tasks, for each variant that has both; of a group, the files of its tasks.

    Where a variant has no file of a view that is asked by a twin, the twin's file stands for it.
    """
    by_variant: dict[Variant, list[Run]] = defaultdict(list)
    for run in runs:
        by_variant[run.variant].append(run)
    found: dict[Variant, tuple[list[TaskFile], list[TaskFile]]] = {}
    for variant, its_runs in by_variant.items():
        recognition, production = (
            _files_of_task(its_runs, task) or _files_of_task(its_runs, _twin_of(task))
            for task in (pair.recognition.task, pair.production.task)
        )
        found[variant] = (recognition, production)
    for files_of_both in found.values():
        # A twin may be both tasks of a pair.
        check_unique(list({(file.results_file, file.task): file for files in files_of_both for file in files}.values()))
    complete = {variant: files_of_both for variant, files_of_both in found.items() if all(files_of_both)}
    if not complete:
        raise UserError(f"--pair {pair.text!r}: no model was evaluated on both tasks: there are {_task_names(runs)}")
    return complete


def _files_of_task(runs: Sequence[Run], task: str) -> list[TaskFile]:
    return [run.task_file(leaf) for run in runs for leaf in run.leaves(task)]


def _twin_of(task: str) -> str:
    """Return the name of the twin that asks the view of a task, the task's own name if there is none."""
    view = view_of_task(task)
    return f"{task.removesuffix(view.name)}{TWIN.name}" if view in (TWIN.recognition, TWIN.production) and view else task


def _reader(uses: Sequence[Sequence[TaskFile]]) -> Callable[[TaskFile], list[FullRow]]:
    """Return a function that reads the rows of a samples file and caches them if the file is used several times.

    `uses`: the files of each use.
    """
    counts = Counter(file.samples_file for files in uses for file in files)
    cached: dict[Path, list[FullRow]] = {}

    def read(file: TaskFile) -> list[FullRow]:
        path = file.samples_file
        if path in cached:
            return cached[path]
        hashes = TaskHash()
        rows = list(read_full_rows(path, hashes))
        hashes.check(path, file.results_file, file.task_hash)
        if counts[path] > 1:
            cached[path] = rows
        return rows

    return read


def _task_names(runs: Sequence[Run]) -> str:
    names = sorted({name for run in runs for name in (*run.results.configs, *run.results.group_subtasks)})
    return join_truncated(names, most=20)


def _scored_documents(
    pair: TaskPair, role: Role, files: Iterable[TaskFile], on: str | None, read: Callable[[TaskFile], list[FullRow]]
) -> dict[str, ScoredDocument]:
    """Return the documents of one task of the pair, by the key that they are joined on.

    Raises:
        UserError: A filter or metric is missing, ambiguous, or not 0 or 1; `on` is no field or not unique; a file is not whole.
    """
    task_metric = pair.recognition if role == "recognition" else pair.production
    documents: dict[str, ScoredDocument] = {}
    copies: Counter[str] = Counter()
    for file in files:
        rows = _rows_of_one_filter(pair, task_metric, file, read(file))
        # Rows first: of a truncated file, the last line is the better message.
        if len(rows) != file.effective:
            raise UserError(
                f"{file.samples_file} has {len(rows)} rows of a filter, but its run evaluated {file.effective} documents: the file is"
                " incomplete, run it again"
            )
        _check_each_once(rows, file)
        metric = _metric(pair, task_metric, role, rows, file)
        scored = [_scored(pair, metric, row, file) for row in rows]
        _check_mean(scored, metric, file)
        for row, document in zip(rows, scored, strict=True):
            key = _key(row, on, file)
            if key in documents and on:
                raise UserError(
                    f"{file.samples_file}:{row.line}: {on} {shown(key)} is in two documents: give --on another field"
                )
            # A data set may contain a document twice: the first is joined with the first, the second with the second.
            copies[key] += 1
            documents[key if copies[key] == 1 else f"{key}+{copies[key] - 1}"] = document
    if len(documents) != sum(copies.values()):
        raise UserError(f"--pair {pair.text!r}: doc_hash of {task_metric.task} is not as lm_eval writes it: run it again")
    return documents


def _check_each_once(rows: Sequence[FullRow], file: TaskFile) -> None:
    positions: dict[int, FullRow] = {}
    for row in rows:
        if row.doc_id is not None and (other := positions.setdefault(row.doc_id, row)) is not row:
            raise UserError(
                f"{file.samples_file}:{row.line} is document {row.doc_id}, as line {other.line} is: a run evaluates each once, run it again"
            )


def _check_mean(scored: Sequence[ScoredDocument], metric: str, file: TaskFile) -> None:
    if scored and metric in file.averaged:
        right = sum(document.is_right for document in scored)
        check_means(file, {metric: right}, len(scored), scored[0].row.filter)


def _rows_of_one_filter(pair: TaskPair, task_metric: TaskMetric, file: TaskFile, rows: Sequence[FullRow]) -> list[FullRow]:
    names = list(dict.fromkeys(row.filter for row in rows))
    selected = task_metric.filter or (names[0] if len(names) == 1 else None)
    if rows and selected not in names:
        raise UserError(
            f"--pair {pair.text!r}: {file.task} was scored after the filters {join_truncated(names, most=20)}: name one,"
            f" {task_metric.task}:METRIC,FILTER"
        )
    return [row for row in rows if row.filter == selected]


def _key(row: FullRow, on: str | None, file: TaskFile) -> str:
    location = f"{file.samples_file}:{row.line}"
    if on is None:
        if not row.doc_hash:
            raise UserError(
                f"{location} has no doc_hash: give --on FIELD, a field of both tasks: {join_truncated(row.doc, most=9)}"
            )
        return row.doc_hash
    value: Any = row.doc
    for name in on.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise UserError(
                f"{location}: the document has no field {on}: give --on with one of {join_truncated(row.doc, most=20)}"
            )
        value = value[name]
    if value is None or isinstance(value, (dict, list)):
        raise UserError(f"{location}: the field {on} is {shown(value)}: give --on with a field of text or numbers")
    return str(value)


def _metric(pair: TaskPair, task_metric: TaskMetric, role: Role, rows: Sequence[FullRow], file: TaskFile) -> str:
    """Return the metric that decides in every row of a file: the named one, or the first default that the first row has."""
    if task_metric.metric is not None:
        return task_metric.metric
    default = next((name for name in DEFAULT_METRICS[role] if rows and name in rows[0].metrics), None)
    if rows and default is None:
        names = " or ".join(DEFAULT_METRICS[role])
        raise UserError(
            f"--pair {pair.text!r}: {file.task} has no metric {names}: give one of {join_truncated(rows[0].metrics, most=20)}"
        )
    return default or DEFAULT_METRICS[role][0]


def _scored(pair: TaskPair, metric: str, row: FullRow, file: TaskFile) -> ScoredDocument:
    if metric not in row.metrics:
        raise UserError(
            f"--pair {pair.text!r}: {file.task} has no metric {metric}: give one of {join_truncated(row.metrics, most=20)}"
            f" (in {file.samples_file}:{row.line})"
        )
    value = row.metrics[metric]
    if value not in (0, 1):
        binary = [name for name, other in row.metrics.items() if other in (0, 1)]
        raise UserError(
            f"--pair {pair.text!r}: {metric} of {file.task} is {shown(value)}, not 0 or 1: name a metric that is always 0 or 1;"
            f" in this document: {join_truncated(binary, most=20) or 'none'} ({file.samples_file}:{row.line})"
        )
    return ScoredDocument(row, metric, value == 1)


def _join(
    pair: TaskPair, recognised: Mapping[str, ScoredDocument], produced: Mapping[str, ScoredDocument], on: str | None
) -> list[DocumentPair]:
    documents = [DocumentPair(key, document, produced[key]) for key, document in recognised.items() if key in produced]
    if not documents:
        raise UserError(
            f"--pair {pair.text!r}: the tasks share no document by {on or 'doc_hash'}: give --on FIELD, a field of both:"
            f" {_common_fields(recognised, produced)}"
        )
    return documents


def _common_fields(recognised: Mapping[str, ScoredDocument], produced: Mapping[str, ScoredDocument]) -> str:
    docs = [next(iter(documents.values())).row.doc for documents in (recognised, produced)]
    return join_truncated([name for name in docs[0] if name in docs[1]], most=20) or "they have none"


def _outcome(pair: TaskPair, variant: Variant, file: TaskFile, document: DocumentPair) -> Outcome:
    row, answer = document.recognition.row, document.production
    scores = row.scores
    invalid = bool(scores) and not has_one_highest(scores)
    return Outcome(
        variant=variant,
        run=file.results_file.name,
        family=pair.family,
        language=WITHOUT_LANGUAGE,
        id=document.key,
        recognised=document.recognition.is_right and not invalid,
        invalid=invalid,
        produced=answer.is_right,
        gold_rank=None,
        recovered={},
        gold_logprob=_gold_logprob(row),
        chat_template=file.chat_template,
        match_rule=answer.row.match_rule if answer.metric in _BY_RULES else None,
        match_version=_version(pair, answer),
    )


def _version(pair: TaskPair, answer: ScoredDocument) -> int | None:
    """Return the version of the matching rules that judged an answer, None for a metric of another project."""
    is_ours = answer.metric in _BY_RULES and view_of_task(pair.production.task) is not None
    return answer.row.match_version or (FIRST_VERSION if is_ours else None) if answer.metric in _BY_RULES else None


def _gold_logprob(row: FullRow) -> float | None:
    """Return the log-likelihood of the gold choice; None if the target is no index of a choice, or the score is not finite."""
    gold = index_of(row.target)
    if gold is None or gold >= len(row.scores):
        return None
    return row.scores[gold] if math.isfinite(row.scores[gold]) else None
