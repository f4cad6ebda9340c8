"""The embedded items as lm_eval wants them: a dataset with a `test` split."""

from __future__ import annotations

from datasets import Dataset

from lm_eval_illusion.items import embedded_dataset


def load(lang: str, **_: object) -> dict[str, Dataset]:
    """The evaluated items of the language that the task's metadata names."""
    return {"test": embedded_dataset(lang)}
