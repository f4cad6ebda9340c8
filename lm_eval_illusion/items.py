"""The item record, the reader for items files, and the embedded items.

An item is one question in one language with its right answer and four options. DESIGN, "Item fields", explains each field.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypedDict, TypeGuard, cast

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import packaged_folder
from lm_eval_illusion.jsonl import Row, read_jsonl
from lm_eval_illusion.option_values import shown

if TYPE_CHECKING:
    from datasets import Dataset


class Fact(TypedDict):
    """A question with its right answer: the fields of a held-out item, which is never evaluated and needs no options."""

    id: str
    lang: str
    question: str
    context: str
    answer: str
    aliases: list[str]
    answer_type: str
    source: str
    license: str


class _ShotQuestion(TypedDict):
    question: str
    answer: str


class Shot(_ShotQuestion, total=False):
    """The one-shot example of an item. The embedded items, which have no passages, leave `context` out."""

    context: str


class _RequiredItem(Fact):
    choices: list[str]
    gold: int
    shot: Shot


class Item(_RequiredItem, total=False):
    """An evaluated item. `choices`: four options; `gold`: index of the answer among them.

    `asked_otherwise`: whether an option is the answer of a question that asks for another kind of thing; missing or None if that is not
    known.
    `prompt_words`: the words around question and answer, if the user of `pair` gave some: the fields of `languages.PromptWords`.
    """

    asked_otherwise: bool | None
    prompt_words: dict[str, str]


FACT_FIELDS = tuple(Fact.__annotations__)
ITEM_FIELDS = (*FACT_FIELDS, *(field for field in _RequiredItem.__annotations__ if field not in FACT_FIELDS))
"""The fields that every item has."""


def read_items(path: Path) -> list[Item]:
    """Read a JSONL file of items.

    Raises:
        UserError: A line is not JSON, lacks a field, or `gold` is not the index of one of four choices.
    """
    rows = list(read_jsonl(path, "item"))
    for location, row in rows:
        _check_fields(row, location, ITEM_FIELDS)
        choices, gold, shot = row["choices"], row["gold"], row["shot"]
        if not _are_texts(choices) or len(choices) != 4 or isinstance(gold, bool) or gold not in range(4):
            count = len(choices) if isinstance(choices, list) else "no list of"
            raise UserError(f"{location}: {count} choices with gold {shown(gold)}: give 4 texts and an index 0-3")
        _check_types(row, location)
        if not isinstance(shot, dict) or not all(isinstance(shot.get(field), str) for field in ("question", "answer")):
            raise UserError(f"{location}: shot {shown(shot)} is no object with question and answer: give both as texts")
        if not isinstance(row.get("asked_otherwise"), (bool, NoneType)):
            told = shown(row["asked_otherwise"])
            raise UserError(f"{location}: asked_otherwise {told} is neither true nor false nor null: give one of them")
        _check_words(row, location)
    return [cast(Item, row) for _, row in rows]


def embedded_items(lang: str) -> list[Item]:
    """Return the 200 evaluated embedded items of a language, in their fixed order.

    Raises:
        UserError: There are no embedded items in that language.
    """
    return read_items(_embedded_file("items", "embedded", lang))


def embedded_dataset(lang: str) -> Dataset:
    """Return the same items as a dataset of Hugging Face.

    All tasks of a language get the same object: to read and index the items for each of ten views takes most of the time in which
    lm_eval builds the tasks of the family.

    Raises:
        UserError: There are no embedded items in that language.
    """
    path = _embedded_file("items", "embedded", lang)
    return _dataset(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _dataset(path: Path, changed: int) -> Dataset:
    """Return the items in a file as a dataset. `changed`: when the file changed, so that other contents are another entry."""
    from lm_eval_illusion.item_dataset import ItemDataset

    return ItemDataset.from_list(cast(list[dict[str, Any]], read_items(path)))


def held_out_items(lang: str) -> list[Fact]:
    """Return the embedded facts reserved for one-shot examples and calibration; they are never evaluated.

    Raises:
        UserError: There are no held-out items in that language.
    """
    rows = list(read_jsonl(_embedded_file("held_out", "held-out", lang), "item"))
    for location, row in rows:
        _check_fields(row, location, FACT_FIELDS)
        _check_types(row, location)
    return [cast(Fact, row) for _, row in rows]


def embedded_languages() -> list[str]:
    """Return the languages of the embedded items, sorted."""
    return file_languages(_embedded_folder() / "items")


def held_out_languages() -> list[str]:
    """Return the languages of the held-out facts, sorted. A language may have embedded items and no held-out facts."""
    return file_languages(_embedded_folder() / "held_out")


def file_languages(folder: Path) -> list[str]:
    """Return the languages of a folder with a file such as `fi.jsonl` for each of them, sorted; empty if there is no folder."""
    return sorted(file.stem for file in folder.glob("*.jsonl"))


def _embedded_file(folder: str, kind: str, lang: str) -> Path:
    languages = file_languages(_embedded_folder() / folder)
    if lang not in languages:
        raise UserError(f"language {lang!r} has no {kind} items: choose one of {' '.join(languages)}")
    return _embedded_folder() / folder / f"{lang}.jsonl"


def _embedded_folder() -> Path:
    return packaged_folder("lm_eval_illusion.tasks") / "mqa_illusion"


def _check_fields(row: Row, location: str, fields: tuple[str, ...]) -> None:
    missing = [field for field in fields if field not in row]
    if missing:
        raise UserError(f"{location}: item lacks {', '.join(missing)}: an item has {', '.join(fields)}")


def _check_types(row: Row, location: str) -> None:
    for field in FACT_FIELDS:
        if not (_are_texts(row[field]) if field == "aliases" else isinstance(row[field], str)):
            kind = "a list of texts" if field == "aliases" else "a text"
            raise UserError(f"{location}: {field} {shown(row[field])} is not {kind}: give one")


def _check_words(row: Row, location: str) -> None:
    if row.get("prompt_words") is not None:
        # Other items need no library beside Python's own to be read.
        from lm_eval_illusion.languages.own_words import as_record

        try:
            as_record(row["prompt_words"])
        except UserError as error:
            raise UserError(f"{location}: {error}") from error


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
