"""Other language: the answer is written in a script or a language that is not the item's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from lm_eval_illusion.failures.scripts import scripts, scripts_of_item
from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.matching import normalise

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LEAST_WORDS = 4
"""A language is identified by at least so many words that are no names."""
MOST_LIKELY = 0.02
"""The answer's language is another one if the item's is at most this likely, relative to the likeliest."""


def is_other_language(line: str, question: str, options: Sequence[str], lang: str) -> bool:
    """Return whether a line is in another script than question and options, or its words are of another language.

    Names are written alike in many languages, so words with a capital letter, except the first, and words of the question and of the
    options are left out; at least `LEAST_WORDS` must remain.
    """
    letters = scripts(line)
    own = scripts_of_item([question, *options])
    if own and 2 * sum(count for script, count in letters.items() if script not in own) > letters.total():
        return True
    words = _words_without_names(line, [question, *options], lang)
    return len(words) >= LEAST_WORDS and _is_unlikely(" ".join(words), lang)


def _words_without_names(line: str, texts: Sequence[str], lang: str) -> list[str]:
    known = {word for text in texts for word in normalise(text, lang).split()}
    found = []
    for index, token in enumerate(line.split()):
        is_name = token[:1].isupper() and index > 0
        if not is_name and any(map(str.isalpha, token)) and normalise(token, lang) not in known:
            found.append(token)
    return found


def _is_unlikely(text: str, lang: str) -> bool:
    """Return whether another language with a file here is much likelier than `lang`; false for a language that the model lacks."""
    ranked = _identifier().rank(text)
    likelihoods = {code: value for code, value in ranked if code == lang or code in _codes()}
    return lang in likelihoods and likelihoods[lang] < MOST_LIKELY * max(likelihoods.values())


@cache
def _codes() -> frozenset[str]:
    return frozenset(language_codes())


@cache
def _identifier() -> LanguageIdentifier:
    # Its model takes about a second to load, and most reports of one language never need it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
