"""XQuAD, each question with its passage."""

from __future__ import annotations

from datasets import Dataset

from lm_eval_illusion.pairing.hub_datasets import XQUAD_LANGUAGES, family_items, xquad_questions

LANGUAGES = XQUAD_LANGUAGES
"""The languages of the tasks that tools/make_tasks.py writes."""


def load(lang: str, items: str | None = None, **_: object) -> dict[str, Dataset]:
    """The items of the language that the task's metadata names. `items`: a local file instead of the hub."""
    return {"test": Dataset.from_list(family_items("mqa_illusion_xquad", lang, xquad_questions, items))}
