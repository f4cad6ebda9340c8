"""The fields of a row under the names that data sets give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.pairing.reading.column_mapping import Mapped, first_names, mapped_value
from lm_eval_illusion.pairing.reading.literals import structure_in
from lm_eval_illusion.pairing.reading.rows import Row

SYNONYMS: dict[str, tuple[str, ...]] = {
    "id": ("id", "qid", "question_id", "example_id"),
    "lang": ("lang", "language", "locale"),
    "question": (
        *("question", "queries", "query", "prompt", "input", "question_text", "question_stem", "problem", "utterance"),
        "instruction",
    ),
    "answer": (
        *("answer", "answers", "correct_answer", "best_answer", "answer_text", "possible_answers", "target", "target_value"),
        *("output", "label"),
    ),
    "aliases": ("aliases", "answer_aliases", "correct_answers"),
    "context": ("context", "passage", "paragraph", "support", "flores_passage"),
    "answer_type": ("answer_type",),
    "topic": ("topic",),
    "choices": ("choices", "options", "answer_choices", "answer_options", "endings"),
    "gold": (
        *(
            "gold",
            "answer_key",
            "answer_idx",
            "answer_index",
            "correct_option",
            "correct_choice",
            "correct_index",
            "correct_idx",
        ),
        *("correct_answer_num", "cop", "label"),
    ),
    "wrong answers": ("incorrect_answers", "wrong_answers", "distractors"),
    "source": ("source",),
    "license": ("license", "licence"),
    "prompt_words": ("prompt_words",),
}
"""Field -> the names under which it is looked for, the first that a row has. Upper case, "_", "-" and blanks don't count: AnswerKey."""
_STRUCTURED = frozenset({"question", "answer", "aliases", "choices", "wrong answers", "prompt_words"})
_CHOICE_COLUMN = re.compile(r"(?:option|choice|op)?([a-h])|(?:option|choice|mcanswer)([0-8])")
# Options only if another column says which one is right: otherwise answer1 to answer3 may all be right.
_ANSWER_COLUMN = re.compile(r"(?:answer|ans|ending|solution|sol)(?:([a-h])|([0-8]))")
_LABEL = re.compile(r"\(?[A-Ha-h0-8][).]?")
_DISTRACTOR_COLUMN = re.compile(r"(?:distractor|incorrectanswer|wronganswer)([1-7])")


@lru_cache(maxsize=65_536)
@lru_cache(maxsize=4_096)
def plain_name(name: str) -> str:
    """Return the name of a column without case, "_", "-" and blanks."""
    return re.sub(r"[\s_-]", "", name.casefold())


_PLAIN_SYNONYMS = {canonical: tuple(map(plain_name, names)) for canonical, names in SYNONYMS.items()}


class _Columns(NamedTuple):
    """The columns of a row. `names`: plain name -> the first column so called. `fields`: field -> its columns, the first to read first."""

    names: Mapping[str, str]
    fields: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=256)
def _columns(row_names: tuple[str, ...]) -> _Columns:
    """Return the columns of the rows that have these names; most files have the same in every row."""
    names = {plain_name(name): name for name in reversed(row_names)}
    fields = {
        canonical: tuple(names[plain] for plain in synonyms if plain in names)
        for canonical, synonyms in _PLAIN_SYNONYMS.items()
    }
    return _Columns(names, fields)


@dataclass
class FieldsOfRow:
    """The fields of one row. `used`: the columns that were read, a set that all rows of a source share."""

    row: Row
    mapping: Mapped
    used: set[str]
    _columns: _Columns = field(init=False)

    def __post_init__(self) -> None:
        self._columns = _columns(tuple(self.row))

    def value(self, canonical: str) -> object:
        """Return the value of a field, None where there is none.

        Choices that are not to be used are returned all the same: the answer may be the letter of one.
        """
        if (columns := self.mapping.get(canonical)) is not None and (columns.paths or canonical != "choices"):
            self.used.update(first_names(self.row, columns))
            return _read_structure(mapped_value(self.row, columns), canonical)
        present = [name for name in self._columns.fields[canonical] if not is_missing(self.row[name])]
        if not present:
            return None
        # A blank one is left for another name: {"instruction": "Who ...?", "input": ""}.
        name = next((name for name in present if self.row[name] != ""), present[0])
        self.used.add(name)
        return _read_structure(self.row[name], canonical)

    def has(self, canonical: str) -> bool:
        """Return whether a row has a column of a field, whose value may be null."""
        return canonical in self.mapping or bool(self._columns.fields[canonical])

    def inner(self, *path: str) -> object:
        """Return a topic that stands within an object, such as meta.title, None where there is none or another column is mapped."""
        name = self._columns.names.get(path[0]) if "topic" not in self.mapping else None
        value: object = self.row[name] if name is not None else None
        for part in path[1:]:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and name is not None:
            self.used.add(name)
        return value

    def choice_columns(self) -> dict[str, object]:
        """Return label -> choice of the columns A to D, option_a to option_d, option1 to option4, option0 to option3; {} without at least
        the first two. Columns such as answerA and ending0 are choices only beside one that says which is right (label: 2)."""
        first_two = ("a", "b"), ("1", "2"), ("0", "1")
        if found := self._numbered(_CHOICE_COLUMN, *first_two):
            return found
        has_others = sum(bool(_ANSWER_COLUMN.fullmatch(plain)) for plain in self._columns.names) > 1
        return self._numbered(_ANSWER_COLUMN, *first_two) if has_others and self._states_label() else {}

    def _states_label(self) -> bool:
        values = (self.value("answer"), self.value("gold"))
        return any(isinstance(value, (str, int)) and _LABEL.fullmatch(str(value).strip()) for value in values)

    def distractor_columns(self) -> list[object]:
        """Return the values of the columns distractor1, distractor2 and so on."""
        return list(self._numbered(_DISTRACTOR_COLUMN, ("1",), ("1",)).values())

    def _numbered(self, pattern: re.Pattern[str], *needed: tuple[str, ...]) -> dict[str, object]:
        found: dict[str, str] = {}
        for plain, name in self._columns.names.items():
            if (match := pattern.fullmatch(plain)) and not is_missing(self.row[name]):
                found[next(filter(None, match.groups()))] = name
        if not any(found.keys() >= set(labels) for labels in needed):
            return {}
        self.used.update(found.values())
        return {label.upper(): self.row[name] for label, name in sorted(found.items())}


def _read_structure(value: object, canonical: str) -> object:
    """Return the list or the object that a text is, where the field may have one; otherwise the value.

    A list of numbers may well be an answer, "[1, 2]", and a question is an object only if it is divided by languages.
    """
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{") or canonical not in _STRUCTURED:
        return value
    structure = structure_in(value)
    if structure is None or (canonical == "question" and not isinstance(structure, dict)):
        return value
    is_list_of_numbers = isinstance(structure, list) and not all(isinstance(entry, (str, dict)) for entry in structure)
    return value if canonical == "answer" and is_list_of_numbers else structure


def is_missing(value: object) -> bool:
    """Return whether a value says that there is none: null, or NaN, which pandas writes for it."""
    return value is None or (isinstance(value, float) and value != value)


def contents(value: Mapping[str, object]) -> dict[str, object]:
    """Return an object within a row with plain names of its fields."""
    return {plain_name(str(name)): entry for name, entry in value.items()}
