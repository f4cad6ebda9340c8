"""Which of a row's options is right: by its text, its label, its position or a mark."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.answers import number_text
from lm_eval_illusion.pairing.reading.choices import LETTERS, GivenChoices
from lm_eval_illusion.pairing.reading.marked_options import marked_position
from lm_eval_illusion.pairing.reading.questions import Reason
from lm_eval_illusion.pairing.reading.rows import BadRowError

_INDEX = re.compile(r"-?[0-9]{1,9}")


def counted_from(choices: GivenChoices, bases: Mapping[int, int]) -> GivenChoices:
    """Return options whose positions are counted from another number. `bases`: usual base -> the base of the source."""
    usual = choices.counted_from
    if usual is None or (base := bases.get(usual, usual)) == usual:
        return choices
    is_number = bool(choices.labels) and choices.labels[0].isdecimal()
    labels = tuple(str(base + index) for index in range(len(choices.texts))) if is_number else choices.labels
    return replace(choices, labels=labels, counted_from=base)


def stated_index(choices: GivenChoices, value: object) -> int | None:
    """Return the number by which a value states the position of the answer, None if it is none: a label of the source or a text."""
    if isinstance(value, list) and len(value) == 1:
        return stated_index(choices, value[0])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if choices.counted_from is None or isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = _bare(value)
    is_text = text not in choices.labels and _same_text(choices, text) is not None
    if not _INDEX.fullmatch(text) or (is_text and (isinstance(value, str) or choices.are_numbers)):
        return None
    return int(text)


def answer_among(choices: GivenChoices, answer: object, gold: object, location: str) -> str | None:
    """Return the text of the choice that is right, None if `answer` is a text of its own that no choice has.

    Args:
        choices: The options.
        answer: The value of the field `answer`: the text of a choice, its label, or its index from 0.
        gold: The value of `gold` or `answerKey`, which decides where there is no answer.

    Raises:
        BadRowError: Neither of them says which choice is right.
    """
    by_answer = _position(choices, answer)
    if by_answer is not None:
        return choices.texts[by_answer]
    if answer is None:
        position = gold_position(choices, gold)
        if position is None:
            raise BadRowError(location, Reason.CHOICES, _gold_problem(choices, gold))
        return choices.texts[position]
    return None


def gold_position(choices: GivenChoices, gold: object) -> int | None:
    """Return the position that a label, an index from 0 on or the text of a choice states; None if it is none of the choices.

    The one entry of a list, as in lm_eval's AGIEval, stands for the list; a list of marks, [0, 0, 1, 0], for the one that is marked.
    """
    if isinstance(gold, list):
        return gold_position(choices, gold[0]) if len(gold) == 1 else marked_position(gold, len(choices.texts))
    if isinstance(gold, float) and gold.is_integer():
        gold = int(gold)
    if isinstance(gold, (str, int)) and not isinstance(gold, bool):
        text = _bare(gold)
        labels = [known.casefold() for known in choices.labels or LETTERS[: len(choices.texts)]]
        if text.casefold() in labels:
            position = labels.index(text.casefold())
        elif _INDEX.fullmatch(text) and not any(label.isdecimal() for label in labels):
            position = int(text) - (choices.counted_from or 0)
        else:
            return _same_text(choices, text) if isinstance(gold, str) else None
        return position if position in range(len(choices.texts)) else None
    return None


def _bare(value: str | int) -> str:
    """Return a label or an index without its marks: "B" for "(B)"."""
    return str(value) if isinstance(value, int) else value.strip().rstrip(".)").lstrip("(")


def _gold_problem(choices: GivenChoices, gold: object) -> str:
    labels = f" or {', '.join(choices.labels)}" if choices.labels else ""
    return f"gold {shown(gold)} is not 0, 1, 2 or 3{labels}: give the index of the answer in choices, from 0 on, or its letter"


def _position(choices: GivenChoices, answer: object) -> int | None:
    """Return the position of the choice that an answer names by its text, its label or its index.

    A whole number is an index unless the choices are numbers, too: MMLU has "answer": 1 beside ["0", "4", "2", "6"]. A text is a label
    first where the source names labels, then the text of a choice, then a letter or an index.
    """
    if isinstance(answer, list) and len(answer) == 1:
        return _position(choices, answer[0])
    if isinstance(answer, (int, float)):
        is_index = not choices.are_numbers and not isinstance(answer, bool)
        is_finite = not (isinstance(answer, float) and not math.isfinite(answer))
        same = _same_text(choices, number_text(answer)) if is_finite else None
        first, second = (gold_position(choices, answer), same) if is_index else (same, gold_position(choices, answer))
        return second if first is None else first
    if not isinstance(answer, str):
        return None
    if answer.strip() in choices.labels:
        return gold_position(choices, answer)
    same = _same_text(choices, answer)
    return gold_position(choices, answer) if same is None else same


def _same_text(choices: GivenChoices, text: str) -> int | None:
    plain = _plain(text)
    forms = (choices.texts, choices.written)
    return next((index for form in forms for index, choice in enumerate(form) if _plain(choice) == plain), None)


def _plain(text: str) -> str:
    return " ".join(text.split())
