"""The families of real QA data: the items of XQuAD and TyDi QA GoldP, from the Hugging Face hub or from a local file.

tasks/mqa_illusion_xquad and tasks/mqa_illusion_tydiqa load their items with `family_items`; their closed-book variants add `closed_book`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.build import Paired, pair
from lm_eval_illusion.pairing.reading.hub import load_split
from lm_eval_illusion.pairing.reading.question_file import parse_question, read_questions
from lm_eval_illusion.pairing.reading.questions import Question, check_consistency

ITEMS_PER_LANGUAGE = 200

XQUAD_LANGUAGES = tuple("ar de el en es hi ro ru th tr vi zh".split())
TYDIQA_LANGUAGES = {
    "arabic": "ar",
    "bengali": "bn",
    "english": "en",
    "finnish": "fi",
    "indonesian": "id",
    "korean": "ko",
    "russian": "ru",
    "swahili": "sw",
    "telugu": "te",
}
"""The name of a language in the ids of TyDi QA -> its code."""
PARAGRAPHS_PER_ARTICLE = 5
"""XQuAD has 240 paragraphs, five of each of 48 articles, in order (Artetxe et al., arXiv 1910.11856)."""

logger = logging.getLogger(__name__)


def family_items(family: str, lang: str, from_hub: Callable[[], list[Question]], items: str | None) -> list[Item]:
    """Return the first 200 items of a language by the selection rule of `pair`, or all if there are fewer.

    Args:
        family: The name of the task family, which is part of the selection rule.
        lang: The code of the language.
        from_hub: Returns the questions of all languages: `xquad_questions` or `tydiqa_questions`.
        items: A JSONL file with the fields of an item to use instead of the hub, or None.

    Raises:
        UserError: The hub can't be reached, or the file is wrong or gives no item in the language. The message is printed before it is
            raised, because lm_eval, which calls this, prints none.
    """
    try:
        paired = _pair_family(family, from_hub, str(items) if items is not None else None)
        if lang not in paired.items:
            raise UserError(
                f"{items or 'the hub'} gives no item in {lang}: ask for tasks of {' '.join(sorted(paired.items)) or 'another file'}"
            )
    except UserError as error:
        error.show()
        raise
    return paired.items[lang]


@lru_cache(maxsize=4)  # All tasks of a family, about a hundred, need the same items.
def _pair_family(family: str, from_hub: Callable[[], list[Question]], items: str | None) -> Paired:
    questions = from_hub() if items is None else read_questions(Path(items).expanduser()).questions
    paired = pair(questions, family, limit=ITEMS_PER_LANGUAGE)
    logger.info("%s: %d ids dropped, %d held out as examples", family, len(paired.dropped), len(paired.held_out))
    return paired


def closed_book(items: list[Item]) -> list[Item]:
    """Return the items without the passage, also in their examples. Ids and options stay, so that both variants can be compared."""
    return [{**item, "context": "", "shot": {**item["shot"], "context": ""}} for item in items]


def xquad_questions() -> list[Question]:
    """Return the 1,190 questions of XQuAD in each of its twelve languages (google/xquad, CC-BY-SA-4.0).

    Raises:
        UserError: The hub can't be reached and the data is not in the cache.
    """
    questions = [question for lang in XQUAD_LANGUAGES for question in parse_xquad(_load("google/xquad", f"xquad.{lang}"), lang)]
    check_consistency(questions)
    return questions


def tydiqa_questions() -> list[Question]:
    """Return the 5,077 questions of TyDi QA GoldP in nine languages (google-research-datasets/tydiqa, secondary_task, Apache-2.0).

    Raises:
        UserError: The hub can't be reached and the data is not in the cache.
    """
    questions = parse_tydiqa(_load("google-research-datasets/tydiqa", "secondary_task"))
    check_consistency(questions)
    return questions


class _Answers(TypedDict):
    text: list[str]


class HubRow(TypedDict, total=False):
    """A row in SQuAD's format. XQuAD has no `title`."""

    id: str
    title: str
    question: str
    context: str
    answers: _Answers


def parse_xquad(rows: Iterable[HubRow], lang: str) -> list[Question]:
    """Return the questions of one language. The rows must be in the order of the hub, which shows the article of each paragraph."""
    questions = []
    paragraphs: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        paragraph = paragraphs.setdefault(row["context"], len(paragraphs))
        common_fields = {"id": f"xquad-{row['id']}", "lang": lang, "topic": f"article {paragraph // PARAGRAPHS_PER_ARTICLE}"}
        questions.append(_parse_row(row, common_fields, f"google/xquad {lang} row {number}", "CC-BY-SA-4.0"))
    return questions


def parse_tydiqa(rows: Iterable[HubRow]) -> list[Question]:
    """Return the questions of all languages. An id begins with the name of its language ("finnish-123-0")."""
    questions = []
    for number, row in enumerate(rows, 1):
        lang = TYDIQA_LANGUAGES[row["id"].split("-")[0]]
        common_fields = {"id": f"tydiqa-goldp-{row['id']}", "lang": lang, "topic": row["title"]}
        questions.append(_parse_row(row, common_fields, f"google-research-datasets/tydiqa row {number}", "Apache-2.0"))
    return questions


def _parse_row(row: HubRow, common_fields: dict[str, str], location: str, license_name: str) -> Question:
    answer, *aliases = dict.fromkeys(row["answers"]["text"])
    texts = {"question": row["question"], "context": row["context"], "answer": answer, "aliases": aliases}
    source = location.split(" row")[0]
    # The notices about invisible characters are dropped: the user can't change the data of the hub.
    question, _ = parse_question({**texts, **common_fields, "source": source, "license": license_name}, location)
    return question


def _load(path: str, name: str) -> Iterable[HubRow]:
    """Load the validation split of a data set from the hub, or from the cache of `datasets` if the hub can't be reached."""
    return load_split(path, name, "validation", "go online, or give a local file by --metadata items=FILE.jsonl")
