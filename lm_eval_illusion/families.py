"""The families of real QA data: questions of the hub or of a local file -> the fixed items of each language."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing import Paired, pair
from lm_eval_illusion.pairing.source import Question, read_source

ITEMS_A_LANGUAGE = 200

logger = logging.getLogger(__name__)


def family_items(family: str, lang: str, from_hub: Callable[[], list[Question]], items: str | None) -> list[Item]:
    """The first 200 items of a language by the selection rule of `pair`, all where there are fewer.

    `items`: a JSONL file of DESIGN's item fields, or None for the hub. A user's mistake is shown in one line.

    Raises:
        UserError: the hub can't be reached, the file is ill-formed or has no item of the language.
    """
    try:
        paired = _paired(family, from_hub, str(items) if items is not None else None)
        if lang not in paired.items:
            raise UserError(
                f"{items or 'the hub'} gives no item in {lang}: ask for tasks of {' '.join(sorted(paired.items)) or 'another file'}"
            )
    except UserError as error:
        error.show()
        raise
    return paired.items[lang]


def closed_book(items: list[Item]) -> list[Item]:
    """The same items without the passage, in the example too: same ids, same options, so that both can be compared."""
    return [{**item, "context": "", "shot": {**item["shot"], "context": ""}} for item in items]


@lru_cache(maxsize=4)  # A hundred tasks ask for one family.
def _paired(family: str, from_hub: Callable[[], list[Question]], items: str | None) -> Paired:
    questions = from_hub() if items is None else read_source(Path(items).expanduser()).questions
    paired = pair(questions, family, limit=ITEMS_A_LANGUAGE)
    logger.info("%s: %d ids dropped, %d held out as examples", family, len(paired.dropped), len(paired.held_out))
    return paired
