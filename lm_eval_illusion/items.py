"""The item: where the embedded ones lie, how one is read and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import packaged_folder

Item = dict[str, Any]
"""One item in one language, with the fields of DESIGN: id, lang, question, context, answer, aliases, answer_type,
choices, gold, shot, source, license."""

FACT_FIELDS = ("id", "lang", "question", "context", "answer", "aliases", "answer_type", "source", "license")
"""The fields of a held-out item, which is never asked and so has no choices and no shot."""

ITEM_FIELDS = (*FACT_FIELDS, "choices", "gold", "shot")


def embedded_items(lang: str) -> list[Item]:
    """The 200 evaluated embedded items of a language, in their fixed order."""
    return read_items(_family_folder() / "items" / f"{_known(lang)}.jsonl", ITEM_FIELDS)


def held_out_items(lang: str) -> list[Item]:
    """The embedded facts kept apart for one-shot examples and calibration: never evaluated."""
    return read_items(_family_folder() / "held_out" / f"{_known(lang)}.jsonl", FACT_FIELDS)


def read_items(path: Path, fields: tuple[str, ...] = ITEM_FIELDS) -> list[Item]:
    """Read a JSONL file of items.

    Raises:
        UserError: a line is not JSON, lacks a field, or `gold` does not point at the answer among four choices.
    """
    with path.open(encoding="utf-8") as lines:
        return [_checked_item(line, f"{path}:{number}", fields) for number, line in enumerate(lines, 1)]


def embedded_languages() -> list[str]:
    """The languages that the embedded items are written in."""
    return sorted(file.stem for file in (_family_folder() / "items").glob("*.jsonl"))


def _family_folder() -> Path:
    return packaged_folder("lm_eval_illusion.tasks") / "mqa_illusion"


def _known(lang: str) -> str:
    if lang not in embedded_languages():
        raise UserError(f"language {lang!r} has no embedded items: choose one of {' '.join(embedded_languages())}")
    return lang


def _checked_item(line: str, place: str, fields: tuple[str, ...]) -> Item:
    try:
        item: Item = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{place}: not a JSON object ({error}): write one item a line") from error
    missing = [field for field in fields if field not in item]
    if missing:
        raise UserError(f"{place}: item lacks {', '.join(missing)}: an item has {', '.join(fields)}")
    if "choices" in fields and (len(item["choices"]) != 4 or item["gold"] not in range(4)):
        raise UserError(f"{place}: {len(item['choices'])} choices with gold {item['gold']}: give 4 and an index 0-3")
    return item
