"""Other language: the answer is written in a script or a language that is not the item's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from lm_eval_illusion.failures.scripts import columns, scripts, scripts_of_item
from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.matching import normalise

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_WORD = re.compile(r"[^\W\d_]+")
LEAST_COLUMNS = 3
"""Letters of another script that fill so many columns are more than a unit or an initial. Two Chinese characters are often a word."""
LEAST_WORDS = 4
"""A language is identified by at least so many words that are no names."""
MOST_LIKELY = 0.02
"""The answer's language is another one if the item's is at most this likely, relative to the likeliest."""


def is_other_language(line: str, question: str, options: Sequence[str], lang: str, context: str = "") -> bool:
    """Return whether a line is in another script than question and options, or its words are of another language.

    Words of the question, the context and the options are left out: a name may keep its script. Names are also written alike in
    many languages, so the language is identified without words that begin with a capital letter, except the first, and by at least
    `LEAST_WORDS`.
    """
    if _is_in_other_script(line, [question, *options], context):
        return True
    words = _words_without_names(line, [question, *options], lang)
    return len(words) >= LEAST_WORDS and _is_unlikely(" ".join(words), lang)


def _is_in_other_script(line: str, texts: Sequence[str], context: str) -> bool:
    own = scripts_of_item(tuple(texts))
    if not own or (line.isascii() and "LATIN" in own):
        return False
    letters = scripts(line)
    if letters.keys() <= own:
        return False
    source = "\n".join((*texts, context)).casefold()
    new = [word for word in _WORD.findall(line) if word.casefold() not in source and not scripts(word).keys() <= own]
    other = sum(count for word in new for script, count in scripts(word).items() if script not in own)
    return sum(map(columns, new)) >= LEAST_COLUMNS and 2 * other > letters.total()


def _words_without_names(line: str, texts: Sequence[str], lang: str) -> list[str]:
    tokens = line.split()
    if len(tokens) < LEAST_WORDS:
        return []
    known = {word for text in texts for word in normalise(text, lang).split()}
    found = []
    for index, token in enumerate(tokens):
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
