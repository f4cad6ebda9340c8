"""TyDi QA GoldP without the passages: the items of mqa_illusion_tydiqa from memory."""

from __future__ import annotations

from datasets import Dataset

from lm_eval_illusion.pairing.hub_datasets import TYDIQA_LANGUAGES, closed_book, family_items, tydiqa_questions

LANGUAGES = tuple(TYDIQA_LANGUAGES.values())
"""The languages of the tasks that tools/make_tasks.py writes."""


def load(lang: str, items: str | None = None, **_: object) -> dict[str, Dataset]:
    """The items of the language that the task's metadata names. `items`: a local file instead of the hub."""
    return {"test": Dataset.from_list(closed_book(family_items("mqa_illusion_tydiqa", lang, tydiqa_questions, items)))}
