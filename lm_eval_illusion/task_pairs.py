"""`report --pair MC_TASK=GEN_TASK`: any two tasks of lm_eval, joined document by document, as if they were views of one item."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.highest import has_one_highest
from lm_eval_illusion.judged_documents import Judged, Side, judged_by_key
from lm_eval_illusion.outcomes import WITHOUT_LANGUAGE, Outcome, Variant
from lm_eval_illusion.runs import Run, TaskFile, listed
from lm_eval_illusion.samples import check_one_claim
from lm_eval_illusion.whole_rows import WholeRow

FORM = "MC_TASK=GEN_TASK[:METRIC[,FILTER]], e.g. arc_challenge=arc_challenge_chat:exact_match,remove_whitespace"
_SIDE = re.compile(r"(?P<task>[^:=,]+)(?::(?P<metric>[^:=,]+)(?:,(?P<filter>[^:=,]+))?)?")


@dataclass(frozen=True)
class TaskPair:
    """A task that asks to recognise and one that asks to produce. `text`: as the user wrote it; the family's name."""

    text: str
    recognition: Side
    production: Side

    @property
    def family(self) -> str:
        """The names of both tasks."""
        return f"{self.recognition.task}={self.production.task}"


@dataclass(frozen=True)
class Shown:
    """A document of an outcome with its prompts, options and answers, for the item browser."""

    outcome: Outcome
    recognition: WholeRow
    production: WholeRow


@dataclass(frozen=True)
class Paired:
    """The documents that both tasks asked, and what a reader must know of the others, one line each."""

    shown: list[Shown]
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
    recognition, production = (Side(side["task"], side["metric"], side["filter"]) for side in sides if side)
    return TaskPair(text, recognition, production)


def join_tasks(runs: Sequence[Run], pairs: Sequence[TaskPair], on: str | None) -> Paired:
    """The outcomes of every pair of tasks in every variant. `on`: the document field that both share, dotted below it; None: doc_hash.

    `acc` counts as recognised only where the highest log-likelihood is one choice's alone.

    Raises:
        UserError: no variant has both tasks, they share no document, a metric is missing or not 0 or 1, a file is not whole.
    """
    shown: list[Shown] = []
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
    return listed(names, most=20)


def _join(
    pair: TaskPair, variant: Variant, recognition: Sequence[TaskFile], production: Sequence[TaskFile], on: str | None
) -> tuple[list[Shown], str | None]:
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
        Shown(_outcome(pair, variant, run, key, recognised[key], produced[key]), recognised[key].row, produced[key].row)
        for key in shared
    ]
    return shown, note if any(alone) else None


def _fields_of_both(recognised: Mapping[str, Judged], produced: Mapping[str, Judged]) -> str:
    docs = [next(iter(judged.values())).row.doc for judged in (recognised, produced)]
    return ", ".join(name for name in docs[0] if name in docs[1]) or "they have none"


def _outcome(pair: TaskPair, variant: Variant, run: str, key: str, recognised: Judged, produced: Judged) -> Outcome:
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
