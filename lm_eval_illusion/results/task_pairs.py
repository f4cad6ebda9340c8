"""`report --pair MC_TASK=GEN_TASK`: any two tasks of lm_eval, joined document by document, as if they were views of one item.

The documents of a task as it judged them: right or wrong, by what they can be joined on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.join_views import check_one_claim
from lm_eval_illusion.results.outcomes import WITHOUT_LANGUAGE, Outcome, Variant
from lm_eval_illusion.results.runs import Run, TaskFile, join_truncated
from lm_eval_illusion.results.sample_file import WholeRow, read_whole_rows
from lm_eval_illusion.views.metrics import has_one_highest

# What says of one document whether it is right, where no metric is named.
USUAL_METRICS = {"recognition": ("acc", "exact_match"), "production": ("match", "exact_match", "acc")}


@dataclass(frozen=True)
class TaskMetric:
    """A task (or group) and, where they are named, the metric and the filter that say whether a document is right."""

    task: str
    metric: str | None
    filter: str | None


@dataclass(frozen=True)
class ScoredDocument:
    """A document's row and whether the metric that counts says that it is right."""

    row: WholeRow
    is_right: bool


def judged_by_key(
    asked: str, side: TaskMetric, role: str, files: Iterable[TaskFile], on: str | None
) -> dict[str, ScoredDocument]:
    """The documents of a task by what they are joined on. `asked`: --pair as the user wrote it; `role`: recognition or production.

    Raises:
        UserError: a filter or metric is missing, doubtful, or not 0 or 1, `on` is no field or not unique, a file is not whole.
    """
    judged: dict[str, ScoredDocument] = {}
    for file in files:
        rows = _of_one_filter(asked, side, file, list(read_whole_rows(file.samples_file)))
        if len(rows) != file.effective:
            raise UserError(
                f"{file.samples_file} has {len(rows)} rows of a filter, its run asked {file.effective} documents: the file is not"
                " whole, run it again"
            )
        for row in rows:
            key = _key(row, on, file)
            if key in judged and on:
                raise UserError(f"{file.samples_file}: {on} {key!r} stands in two documents: give --on another field")
            # A data set may hold one document twice: the first meets the first, the second the second.
            while key in judged:
                key += "+"
            judged[key] = ScoredDocument(row, _is_right(asked, side, role, row, file))
    return judged


def _of_one_filter(asked: str, side: TaskMetric, file: TaskFile, rows: Sequence[WholeRow]) -> list[WholeRow]:
    names = list(dict.fromkeys(row.filter for row in rows))
    wanted = side.filter or (names[0] if len(names) == 1 else None)
    if rows and wanted not in names:
        raise UserError(
            f"--pair {asked!r}: {file.task} was scored after the filters {', '.join(names)}: name one, {side.task}:METRIC,FILTER"
        )
    return [row for row in rows if row.filter == wanted]


def _key(row: WholeRow, on: str | None, file: TaskFile) -> str:
    if on is None:
        return row.doc_hash
    value: Any = row.doc
    for name in on.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise UserError(f"{file.samples_file}: a document has no field {on}: give --on one of {', '.join(row.doc)}")
        value = value[name]
    return str(value)


def _is_right(asked: str, side: TaskMetric, role: str, row: WholeRow, file: TaskFile) -> bool:
    usual = next((name for name in USUAL_METRICS[role] if name in row.metrics), None)
    metric = side.metric or usual
    if metric not in row.metrics:
        raise UserError(
            f"--pair {asked!r}: {file.task} has no metric {metric or 'named'}: give one of {', '.join(row.metrics)}"
        )
    value = row.metrics[metric]
    if value not in (0, 1):
        binary = [name for name, other in row.metrics.items() if other in (0, 1)]
        raise UserError(
            f"--pair {asked!r}: {metric} of {file.task} is {value!r}, not 0 or 1: name a metric that is, maybe"
            f" {', '.join(binary) or 'none here'}"
        )
    return bool(value == 1)


FORM = "MC_TASK=GEN_TASK[:METRIC[,FILTER]], e.g. arc_challenge=arc_challenge_chat:exact_match,remove_whitespace"
_SIDE = re.compile(r"(?P<task>[^:=,]+)(?::(?P<metric>[^:=,]+)(?:,(?P<filter>[^:=,]+))?)?")


@dataclass(frozen=True)
class TaskPair:
    """A task that asks to recognise and one that asks to produce. `text`: as the user wrote it; the family's name."""

    text: str
    recognition: TaskMetric
    production: TaskMetric

    @property
    def family(self) -> str:
        """The names of both tasks."""
        return f"{self.recognition.task}={self.production.task}"


@dataclass(frozen=True)
class DocumentPair:
    """A document of an outcome with its prompts, options and answers, for the item browser."""

    outcome: Outcome
    recognition: WholeRow
    production: WholeRow


@dataclass(frozen=True)
class Paired:
    """The documents that both tasks asked, and what a reader must know of the others, one line each."""

    shown: list[DocumentPair]
    notes: list[str]

    @property
    def outcomes(self) -> list[Outcome]:
        """One a document and variant."""
        return [one.outcome for one in self.shown]


def read_pair(text: str) -> TaskPair:
    """What `--pair` says.

    Raises:
        UserError: it has another form.
    """
    sides = [_SIDE.fullmatch(side.strip()) for side in text.split("=")]
    if len(sides) != 2 or not all(sides):
        raise UserError(f"--pair {text!r} can't be read: give {FORM}")
    recognition, production = (TaskMetric(side["task"], side["metric"], side["filter"]) for side in sides if side)
    return TaskPair(text, recognition, production)


def join_tasks(runs: Sequence[Run], pairs: Sequence[TaskPair], on: str | None) -> Paired:
    """The outcomes of every pair of tasks in every variant. `on`: the document field that both share, dotted below it; None: doc_hash.

    `acc` counts as recognised only where the highest log-likelihood is one choice's alone.

    Raises:
        UserError: no variant has both tasks, they share no document, a metric is missing or not 0 or 1, a file is not whole.
    """
    shown: list[DocumentPair] = []
    notes: list[str] = []
    for pair in pairs:
        by_variant = {variant: files for variant, files in _files_of(runs, pair).items() if all(files)}
        if not by_variant:
            raise UserError(f"--pair {pair.text!r}: no model was asked both tasks: there are {_tasks_of(runs)}")
        for variant, (recognition, production) in by_variant.items():
            joined, note = _join(pair, variant, recognition, production, on)
            shown += joined
            notes += [note] if note else []
    return Paired(shown, notes)


def _files_of(runs: Sequence[Run], pair: TaskPair) -> dict[Variant, tuple[list[TaskFile], list[TaskFile]]]:
    found: dict[Variant, tuple[list[TaskFile], list[TaskFile]]] = defaultdict(lambda: ([], []))
    for run in runs:
        for side, files in zip((pair.recognition, pair.production), found[run.variant], strict=True):
            files += [run.task_file(task) for task in run.leaves(side.task)]
    for files_of_both in found.values():
        check_one_claim([*files_of_both[0], *files_of_both[1]])
    return found


def _tasks_of(runs: Sequence[Run]) -> str:
    names = sorted({name for run in runs for name in (*run.results["configs"], *(run.results.get("group_subtasks") or {}))})
    return join_truncated(names, most=20)


def _join(
    pair: TaskPair, variant: Variant, recognition: Sequence[TaskFile], production: Sequence[TaskFile], on: str | None
) -> tuple[list[DocumentPair], str | None]:
    recognised = judged_by_key(pair.text, pair.recognition, "recognition", recognition, on)
    produced = judged_by_key(pair.text, pair.production, "production", production, on)
    shared = [key for key in recognised if key in produced]
    if not shared:
        raise UserError(
            f"--pair {pair.text!r}: the tasks share no document by {on or 'doc_hash'}: give --on FIELD, a field of both:"
            f" {_fields_of_both(recognised, produced)}"
        )
    alone = (len(recognised) - len(shared), len(produced) - len(shared))
    note = (
        f"{pair.family}, {variant.variant} of {variant.base_model}: {alone[0]} documents of {pair.recognition.task} and {alone[1]} of"
        f" {pair.production.task} have no partner and are left out."
    )
    run = recognition[0].results_file.name
    shown = [
        DocumentPair(_outcome(pair, variant, run, key, recognised[key], produced[key]), recognised[key].row, produced[key].row)
        for key in shared
    ]
    return shown, note if any(alone) else None


def _fields_of_both(recognised: Mapping[str, ScoredDocument], produced: Mapping[str, ScoredDocument]) -> str:
    docs = [next(iter(judged.values())).row.doc for judged in (recognised, produced)]
    return ", ".join(name for name in docs[0] if name in docs[1]) or "they have none"


def _outcome(
    pair: TaskPair, variant: Variant, run: str, key: str, recognised: ScoredDocument, produced: ScoredDocument
) -> Outcome:
    scores = recognised.row.scores
    invalid = bool(scores) and not has_one_highest(scores)
    gold = recognised.row.target
    return Outcome(
        variant=variant,
        run=run,
        family=pair.family,
        language=WITHOUT_LANGUAGE,
        id=key,
        recognised=recognised.is_right and not invalid,
        invalid=invalid,
        produced=produced.is_right,
        gold_rank=None,
        recovered={},
        gold_logprob=scores[int(gold)] if gold.isdigit() and int(gold) < len(scores) else None,
    )
