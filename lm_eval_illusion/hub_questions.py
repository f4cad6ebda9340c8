"""XQuAD and TyDi QA from the Hugging Face hub as questions: the one file that knows how they lie there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.question_checks import check_together
from lm_eval_illusion.pairing.source import Question, read_question

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
