"""The shapes in which data sets give options -> their texts and labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lm_eval_illusion.pairing.reading.answers import texts_in, wrong_type
from lm_eval_illusion.pairing.reading.fields import FieldsOfRow, contents
from lm_eval_illusion.pairing.reading.literals import divided
from lm_eval_illusion.pairing.reading.marked_options import marks_of
from lm_eval_illusion.pairing.reading.questions import Reason
from lm_eval_illusion.pairing.reading.rows import BadRowError

WRONG_ANSWERS = 3
LETTERS = "ABCDEFGH"
"""The labels of choices for which the source names none."""
LONGEST_LIST = 5_000
"""Characters of a text in which options are looked for: four of 1,000 are the most that can be used."""
_LABEL_IN_TEXT = re.compile(r"(?:^|[\s,;|]+)[(\[]?([A-Ha-h])\s?[):.\]]\s*")
# A label in parentheses or before a mark, and the text. "1.5" and "1:30" have none.
_LABELLED = re.compile(r"\s*(?:[(\[（]([A-Ha-h1-8])[)\]）]|([A-Ha-h])[.):：．、]|([1-8])(?:\)|\.(?=\s)))\s*(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class GivenChoices:
    """Options and their labels ("A", "1"); no labels if the source names none.

    `are_numbers`: the source has them as JSON numbers. `written`: the options with the labels that stood before their texts ("A. Rome"),
    empty if none did. `counted_from`: the position of the first one where a position is a number, None if the source's own labels are
    numbers. `marked`: the position of the one that is marked as right, None without marks.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()
    are_numbers: bool = False
    written: tuple[str, ...] = ()
    counted_from: int | None = 0
    marked: int | None = None


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
    own = choices.labels or tuple(labels)
    counted_from = None if own[0].isdecimal() else choices.counted_from
    return replace(choices, texts=texts, labels=own, written=choices.texts, counted_from=counted_from)


def _choices_as_written(fields: FieldsOfRow, languages: tuple[str, ...], location: str) -> GivenChoices | None:
    value = fields.value("choices")
    if value is None or value in ([], {}):
        if marks_of(answers := fields.value("answer")):
            return _from_list(answers, fields, languages, location)
        columns = fields.choice_columns()
        return _labelled(columns, languages, location, are_own=False) if columns else None
    if isinstance(value, Mapping):
        if (lang := next((lang for lang in languages if lang in value), None)) is not None:
            value = value[lang]
        else:
            inner = contents(value)
            if not isinstance(inner.get("text"), list):
                return _labelled({str(label): choice for label, choice in value.items()}, languages, location)
            labels = inner.get("label")
            texts = _choice_texts(inner["text"], languages, location)
            return _with_own_labels(texts, tuple(map(str, labels)) if isinstance(labels, list) else ())
    if isinstance(value, str):
        if listed := _listed_in_text(value):
            return listed
        parts = divided(value)
        value = parts if len(parts) > 1 else value
    return _from_list(value, fields, languages, location)


def _from_list(value: object, fields: FieldsOfRow, languages: tuple[str, ...], location: str) -> GivenChoices:
    if not isinstance(value, list):
        raise wrong_type("choices", value, "a list of texts", location)
    if marks := marks_of(value):
        if sum(marks) != 1:
            raise BadRowError(location, Reason.CHOICES, f"{sum(marks)} choices are marked as right: mark one")
        return GivenChoices(_choice_texts(value, languages, location), marked=marks.index(True))
    entries = [contents(entry) if isinstance(entry, Mapping) else {} for entry in value]
    labels = [entry.get("label") for entry in entries]
    has_labels = bool(labels) and all(isinstance(label, (str, int)) for label in labels)
    if not has_labels and (mapped := fields.mapping.get("choices")) is not None and len(mapped.paths) == len(value):
        return _with_labels_of_columns(_choice_texts(value, languages, location), _endings(mapped.paths))
    are_numbers = bool(value) and all(isinstance(entry, (int, float)) for entry in value)
    texts = _choice_texts(value, languages, location)
    return replace(_with_own_labels(texts, tuple(map(str, labels)) if has_labels else ()), are_numbers=are_numbers)


def _with_own_labels(texts: tuple[str, ...], labels: tuple[str, ...]) -> GivenChoices:
    """Return options with the labels that the source gives them. Labels that are numbers are positions, too."""
    return GivenChoices(texts, labels, counted_from=None if any(label.isdecimal() for label in labels) else 0)


def _with_labels_of_columns(texts: tuple[str, ...], labels: tuple[str, ...]) -> GivenChoices:
    """Return options with what tells their columns apart. It is mostly the label by which a row names the answer, but not always: the
    answer of choice1, choice2 may be counted from 0."""
    return GivenChoices(texts, labels, counted_from=int(labels[0]) if labels and labels[0] in ("0", "1") else 0)


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


def _labelled(
    columns: Mapping[str, object], languages: tuple[str, ...], location: str, *, are_own: bool = True
) -> GivenChoices:
    """Return options with labels: those of an object in the row (`are_own`), or those of the row's columns."""
    texts = _choice_texts(list(columns.values()), languages, location)
    return _with_own_labels(texts, tuple(columns)) if are_own else _with_labels_of_columns(texts, tuple(columns))


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
