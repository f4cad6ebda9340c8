"""A text as it is compared with others in pairing."""

from __future__ import annotations

from functools import lru_cache

from lm_eval_illusion.normalising import normalise


@lru_cache(maxsize=200_000)
def compact(text: str, lang: str) -> str:
    """Normalised and without spaces."""
    return normalise(text, lang).replace(" ", "")
