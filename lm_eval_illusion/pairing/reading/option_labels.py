"""Answers that are labels of options which the reader did not find: "B" or 2 beside columns of an unknown name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.reading.rows import Row, named

FEWEST = 8
"""Questions from which on answers are compared."""
_LETTER, _DIGIT = re.compile(r"\(?[A-Ha-h][).]?"), re.compile(r"[0-8]")
_SECOND_OPTION = re.compile(r"(?:^|\s)[(\[]?[Bb2][)\].:]\s?\S")
REMEDY = "give their columns, as in --map choices=A,B,C,D (or --map choices= if they are no labels)"


def refuse_labels(questions: Sequence[Question], rows: Sequence[Row], unused: Sequence[str], source: str) -> None:
    """Refuse a source whose answers are labels, and whose options stand in columns that were not read or in the questions.

    Args:
        questions: The questions that were read.
        rows: The rows of the source.
        unused: The columns that were not read.
        source: The name of the source.

    Raises:
        UserError: All answers are a letter from A to H, or all a digit up to 8, and there is something that looks like options.
    """
    if len(questions) < FEWEST or any(question.choices for question in questions):
        return
    answers = [question.answer for question in questions]
    if not all(map(_LETTER.fullmatch, answers)) and not all(map(_DIGIT.fullmatch, answers)):
        return
    begin = f"{source}: every answer is a label ({named(sorted(set(answers)))}), and the options seem to stand in"
    if columns := _columns_of_options(rows, unused):
        raise UserError(f"{begin} {named(columns)}: {REMEDY}")
    if 2 * sum(bool(_SECOND_OPTION.search(question.question)) for question in questions) > len(questions):
        raise UserError(f"{begin} the questions: write them into a field choices, or the text of the answer into answer")


def _columns_of_options(rows: Sequence[Row], unused: Sequence[str]) -> list[str]:
    """Return the column of lists of equal length, or the columns whose names differ in their last character only; [] without such."""
    for name in unused:
        lengths = {len(value) if isinstance(value := row.get(name), list) else 0 for row in rows}
        if len(lengths) == 1 and lengths <= set(range(2, 11)):
            return [name]
    series: dict[str, list[str]] = defaultdict(list)
    for name in unused:
        if len(name) > 1 and name[-1].isalnum():
            series[name[:-1]].append(name)
    return max(series.values(), key=len) if any(len(names) > 2 for names in series.values()) else []
