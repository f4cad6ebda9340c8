"""The families of real QA data: questions of the hub or of a local file -> the fixed items of each language.

XQuAD and TyDi QA from the Hugging Face hub as questions: the one file that knows how they lie there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.build import Paired, pair
from lm_eval_illusion.pairing.questions import Question, check_together, read_question, read_source

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
XQUAD_PARAGRAPHS = 5
"""Paragraphs an article: XQuAD has 240, five of each of 48 articles, in this order (Artetxe et al., arXiv 1910.11856)."""

SECONDS_TO_ANSWER = 5


def xquad_questions() -> list[Question]:
    """The 1,190 questions of XQuAD in twelve languages (google/xquad, CC-BY-SA-4.0).

    Raises:
        UserError: the hub can't be reached.
    """
    questions = [question for lang in XQUAD_LANGUAGES for question in read_xquad(_rows("google/xquad", f"xquad.{lang}"), lang)]
    check_together(questions)
    return questions


def tydiqa_questions() -> list[Question]:
    """The 5,077 questions of TyDi QA GoldP in nine languages (google-research-datasets/tydiqa, secondary_task, Apache-2.0).

    Raises:
        UserError: the hub can't be reached.
    """
    questions = read_tydiqa(_rows("google-research-datasets/tydiqa", "secondary_task"))
    check_together(questions)
    return questions


def read_xquad(rows: Iterable[Mapping[str, Any]], lang: str) -> list[Question]:
    """Rows of one language in the order of the hub, which gives the article that a passage is of."""
    questions = []
    passages: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        passage = passages.setdefault(row["context"], len(passages))
        about = {"id": f"xquad-{row['id']}", "lang": lang, "topic": f"article {passage // XQUAD_PARAGRAPHS}"}
        questions.append(_question(row, about, f"google/xquad {lang} row {number}", "CC-BY-SA-4.0"))
    return questions


def read_tydiqa(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    """Rows of all languages; an id begins with the name of its language."""
    questions = []
    for number, row in enumerate(rows, 1):
        lang = TYDIQA_LANGUAGES[row["id"].split("-")[0]]
        about = {"id": f"tydiqa-goldp-{row['id']}", "lang": lang, "topic": row["title"]}
        questions.append(_question(row, about, f"google-research-datasets/tydiqa row {number}", "Apache-2.0"))
    return questions


def _question(row: Mapping[str, Any], about: dict[str, str], place: str, license_name: str) -> Question:
    answer, *aliases = dict.fromkeys(row["answers"]["text"])
    asked = {"question": row["question"], "context": row["context"], "answer": answer, "aliases": aliases}
    # What reading takes out (invisible characters) is the data's own affair, not news to the user.
    return read_question({**asked, **about, "source": place.split(" row")[0], "license": license_name}, place, notices=[])


def _rows(path: str, name: str) -> Iterable[Mapping[str, Any]]:
    from datasets import load_dataset

    way = contextlib.nullcontext() if _answers(path) else _offline()
    try:
        with way:
            rows: Iterable[Mapping[str, Any]] = load_dataset(path, name, split="validation")
    except (OSError, ValueError) as error:  # ValueError: datasets' own word for a name that it can't look up offline
        raise UserError(
            f"{path} can't be had from the Hugging Face hub ({type(error).__name__}): go online, or give a local file by"
            " --metadata items=FILE.jsonl"
        ) from error
    return rows


@lru_cache(maxsize=8)  # XQuAD asks for one data set twelve times.
def _answers(path: str) -> bool:
    """Whether the hub answers at all: `load_dataset` tries for half a minute and writes a line or two about each try."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(path, timeout=SECONDS_TO_ANSWER)
    except Exception:  # of requests, httpx or the hub's own, by version: load_dataset names what matters
        return False
    return True


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Let `datasets` look at once into its cache, which may hold what the hub can't give."""
    from datasets import config

    before, config.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before


ITEMS_PER_LANGUAGE = 200

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
    paired = pair(questions, family, limit=ITEMS_PER_LANGUAGE)
    logger.info("%s: %d ids dropped, %d held out as examples", family, len(paired.dropped), len(paired.held_out))
    return paired
