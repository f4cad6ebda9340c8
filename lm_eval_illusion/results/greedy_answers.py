"""The greedy answers of runs with their items: what a judge is asked about. Each samples file is read by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.messages import join_truncated, shown
from lm_eval_illusion.results.outcomes import PRODUCTION
from lm_eval_illusion.results.runs import ViewFile
from lm_eval_illusion.results.sample_file import ItemDoc, RowTexts, read_rows_and_texts
from lm_eval_illusion.views import TWIN
from lm_eval_illusion.views.twin import PRODUCED

PRODUCED_METRICS = {PRODUCTION.name: PRODUCTION.outcome_metric, TWIN.name: PRODUCED}
"""The forms whose rows have the greedy answer that decides on production -> the metric that is 1 if the item is produced."""


@dataclass(frozen=True)
class GreedyAnswer:
    """A variant's greedy answer to an item.

    `answers`: the gold answer and its aliases. `output`: the whole text that the metrics were computed from. `produced`: by the rules.
    """

    file: ViewFile
    id: str
    question: str
    answers: tuple[str, ...]
    output: str
    produced: bool

    @property
    def content(self) -> str:
        """The hash of what a judge is asked about: `content_hash`."""
        return content_hash(self.file.language, self.question, self.answers, self.output)


def content_hash(language: str, question: str, answers: Iterable[str], output: str) -> str:
    """Return the SHA-256 in hexadecimal digits of an item and a response to it. A verdict is only about these texts."""
    text = json.dumps([language, question, list(answers), output])
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def hash_of_row(language: str, row: RowTexts) -> str:
    """Return the `content_hash` of a row of a file with greedy answers. The answer of a twin follows its scores."""
    return content_hash(language, row.doc.question or "", _answers(row.doc), row.outputs[0] if row.outputs else "")


def answer_files(views: Iterable[ViewFile]) -> list[ViewFile]:
    """Return the samples files with greedy answers. Where a run has a view and its twin, the view is taken: both have one answer."""
    files = [view for view in views if view.view in PRODUCED_METRICS]
    alone = {(file.results_file, file.family, file.language) for file in files if file.view == PRODUCTION.name}
    return [
        file for file in files if file.view == PRODUCTION.name or (file.results_file, file.family, file.language) not in alone
    ]


def read_answers(file: ViewFile) -> Iterator[GreedyAnswer]:
    """Yield the answers of a samples file in file order.

    Raises:
        UserError: The file can't be read or is incomplete, or an item lacks its question or its answer or is there twice.
    """
    metric = PRODUCED_METRICS[file.view]
    is_twin = file.view == TWIN.name
    rows = read_rows_and_texts(
        file.samples_file,
        (metric,),
        scores=is_twin,
        keeps_scores=False,
        answers=1 if is_twin else 0,
        needs_text=lambda _: True,
        language=file.language,
    )
    seen: set[str] = set()
    for row, texts in rows:
        if row.id in seen:
            raise UserError(
                f"{file.samples_file} has {join_truncated([row.id])} twice: a run evaluates every item once, run it again"
            )
        seen.add(row.id)
        if texts is None or not texts.doc.question or not texts.doc.answer:
            raise UserError(
                f"{file.samples_file}: the item {shown(row.id)} has no question or no answer, so nobody can judge it: run it again"
            )
        output = texts.outputs[0] if texts.outputs else ""
        yield GreedyAnswer(file, row.id, texts.doc.question, _answers(texts.doc), output, row.metrics[metric] == 1)
    if len(seen) != file.effective:
        raise UserError(
            f"{file.samples_file} has {len(seen)} rows, but its run evaluated {file.effective} items: the file is not complete or not"
            " the one of this run, run it again"
        )


def _answers(doc: ItemDoc) -> tuple[str, ...]:
    return (doc.answer or "", *(doc.aliases or ()))
