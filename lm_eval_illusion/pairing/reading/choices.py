"""The shapes in which data sets give options and say which is right -> four texts and the answer among them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.answers import number_text, texts_in, wrong_type
from lm_eval_illusion.pairing.reading.fields import FieldsOfRow, contents
from lm_eval_illusion.pairing.reading.questions import Reason
from lm_eval_illusion.pairing.reading.rows import BadRowError

WRONG_ANSWERS = 3
LETTERS = "ABCDEFGH"
"""The labels of choices for which the source names none."""
LONGEST_LIST = 5_000
"""Characters of a text in which options are looked for: four of 1,000 are the most that can be used."""
_LABEL_IN_TEXT = re.compile(r"(?:^|[\s,;|]+)[(\[]?([A-Ha-h])\s?[):.\]]\s*")
_INDEX = re.compile(r"-?[0-9]{1,9}")
# A label in parentheses or before a mark, and the text. "1.5" and "1:30" have none.
_LABELLED = re.compile(r"\s*(?:[(\[（]([A-Ha-h1-8])[)\]）]|([A-Ha-h])[.):：．、]|([1-8])(?:\)|\.(?=\s)))\s*(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class GivenChoices:
    """Options and their labels ("A", "1"); no labels if the source names none.

    `are_numbers`: the source has them as JSON numbers. `written`: the options with the labels that stood before their texts ("A. Rome"),
    empty if none did.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()
    are_numbers: bool = False
    written: tuple[str, ...] = ()


def given_choices(fields: FieldsOfRow, languages: tuple[str, ...], location: str) -> GivenChoices | None:
    """Return the options of a row, None if it has none. Labels before their texts are taken off: a model would not say "A. Rome".

    Shapes: a list of texts or numbers; {"text": [...], "label": [...]} or a list of {"text", "label"} (ARC); {"A": ..., "B": ...};
    the columns A, B, C, D, or option1 to option4; "A) ... B) ..." in one text.

    Raises:
        BadRowError: The value of `choices` has no such shape.
    """
    choices = _choices_as_written(fields, languages, location)
    return None if choices is None else _without_labels(choices)


def _without_labels(choices: GivenChoices) -> GivenChoices:
    """Take off the labels that stand before the texts, if all have one, in order: "A. Rome", "(B) Oslo", "c) Bern", "4) Kyiv"."""
    found = [_LABELLED.fullmatch(text) for text in choices.texts]
    labels = "".join(match[1] or match[2] or match[3] for match in found if match)
    if len(labels) < max(2, len(found)) or labels.upper() not in (LETTERS[: len(labels)], "12345678"[: len(labels)]):
        return choices
    texts = tuple(match[4] for match in found if match)
    return GivenChoices(texts, choices.labels or tuple(labels), choices.are_numbers, choices.texts)


def _choices_as_written(fields: FieldsOfRow, languages: tuple[str, ...], location: str) -> GivenChoices | None:
    value = fields.value("choices")
    if value is None or value in ([], {}):
        columns = fields.choice_columns()
        return _labelled(columns, languages, location) if columns else None
    if isinstance(value, Mapping):
        if (lang := next((lang for lang in languages if lang in value), None)) is not None:
            value = value[lang]
        else:
            inner = contents(value)
            if not isinstance(inner.get("text"), list):
                return _labelled({str(label): choice for label, choice in value.items()}, languages, location)
            labels = inner.get("label")
            texts = _choice_texts(inner["text"], languages, location)
            return GivenChoices(texts, tuple(map(str, labels)) if isinstance(labels, list) else ())
    if isinstance(value, str) and (listed := _listed_in_text(value)):
        return listed
    if not isinstance(value, list):
        raise wrong_type("choices", value, "a list of texts", location)
    entries = [contents(entry) if isinstance(entry, Mapping) else {} for entry in value]
    labels = [entry.get("label") for entry in entries]
    has_labels = bool(labels) and all(isinstance(label, (str, int)) for label in labels)
    if not has_labels and (mapped := fields.mapping.get("choices")) is not None and len(mapped.paths) == len(value):
        return GivenChoices(_choice_texts(value, languages, location), _endings(mapped.paths))
    are_numbers = bool(value) and all(isinstance(entry, (int, float)) for entry in value)
    return GivenChoices(_choice_texts(value, languages, location), tuple(map(str, labels)) if has_labels else (), are_numbers)


def _listed_in_text(text: str) -> GivenChoices | None:
    """Return the options of a text that lists them with their letters, "a ) 38 , b ) 27 , c ) 30", None if it is no such list."""
    # The time of the search grows with the square of a run of separators.
    text = " ".join(text.split())
    if len(text) > LONGEST_LIST:
        return None
    begin, *parts = _LABEL_IN_TEXT.split(text)
    labels = "".join(parts[::2])
    if begin.strip() or len(labels) < 2 or labels.upper() != LETTERS[: len(labels)]:
        return None
    return GivenChoices(tuple(choice.rstrip(" ,;|") for choice in parts[1::2]), tuple(labels))


def _endings(columns: Sequence[str]) -> tuple[str, ...]:
    """Return what tells columns apart as the labels of the choices, if it is one letter or digit of each: 1 to 4 of mc_answer1 to
    mc_answer4, so that a gold "1" is the first choice; otherwise none."""
    endings = tuple(column[-1:] for column in columns)
    is_counted = len({column[:-1] for column in columns}) == 1 and all(ending.isalnum() for ending in endings)
    return endings if is_counted and len(set(endings)) == len(endings) else ()


def _labelled(columns: Mapping[str, object], languages: tuple[str, ...], location: str) -> GivenChoices:
    return GivenChoices(_choice_texts(list(columns.values()), languages, location), tuple(columns))


def _choice_texts(values: object, languages: tuple[str, ...], location: str) -> tuple[str, ...]:
    """Return one text for each choice; "" for one that has none, so that the positions stay."""
    if not isinstance(values, list):
        raise wrong_type("choices", values, "a list of texts", location)
    return tuple((texts_in(value, "choice", languages, location) or [""])[0] for value in values)


def wrong_answers(fields: FieldsOfRow, languages: tuple[str, ...], location: str) -> list[str]:
    """Return the wrong answers that a row gives beside the right one (incorrect_answers, distractor1 to distractor3)."""
    value = fields.value("wrong answers")
    if isinstance(value, Mapping):
        value = next((value[lang] for lang in languages if lang in value), value)
    return texts_in(fields.distractor_columns() if value is None else value, "wrong answer", languages, location)


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
    if answer is None and gold is None:
        problem = "there is no answer: give its text as answer, or its index or label as gold (--map gold=COLUMN)"
        raise BadRowError(location, Reason.CHOICES, problem)
    if answer is None:
        position = gold_position(choices, gold)
        if position is None:
            raise BadRowError(location, Reason.CHOICES, _gold_problem(choices, gold))
        return choices.texts[position]
    return None


def gold_position(choices: GivenChoices, gold: object) -> int | None:
    """Return the position that a label, an index from 0 on or the text of a choice states; None if it is none of the choices.

    The one entry of a list, as in lm_eval's AGIEval, stands for the list.
    """
    if isinstance(gold, list) and len(gold) == 1:
        return gold_position(choices, gold[0])
    if isinstance(gold, float) and gold.is_integer():
        gold = int(gold)
    if isinstance(gold, (str, int)) and not isinstance(gold, bool):
        text = str(gold) if isinstance(gold, int) else gold.strip().rstrip(".)").lstrip("(")
        labels = [known.casefold() for known in choices.labels or LETTERS[: len(choices.texts)]]
        if text.casefold() in labels:
            position = labels.index(text.casefold())
        elif _INDEX.fullmatch(text) and not any(label.isdecimal() for label in labels):
            position = int(text)
        else:
            return _same_text(choices, text) if isinstance(gold, str) else None
        return position if position in range(len(choices.texts)) else None
    return None


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
