"""Other language: the answer is written in a script or a language that is not the item's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from lm_eval_illusion.failures.scripts import scripts, scripts_of_item
from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.matching import normalise

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_WORD = re.compile(r"[^\W\d_]+")
_UNIT = re.compile(r"(?<=\d)\s?(?![A-Z][a-z]{2}\b)[A-Za-z\u00b5\u03bc\u03a9\u2126]{1,3}(?:/[A-Za-z]{1,3})?(?!\w)")
"""A unit after a number keeps its script; "May" in "5 May" is none."""
_ABBREVIATION = re.compile(r"(?<!\w)[A-Z]{2,4}\d{0,2}(?!\w)")
"""CPU or NBA, which many scripts borrow as it is."""
_BRACKETS = re.compile(r"[(（\[［【][^)）\]］】]*[)）\]］】]")
LEAST_LETTERS = 3
"""So many letters of another script are more than a unit or an initial. A wide letter of East Asia counts as `WIDE`."""
WIDE = 2
LONGEST_CARRIER = 3
"""A word in small letters of at most this length ("is", "it", "die", "это") states no answer."""
LEAST_WORDS = 4
"""A language is identified by at least so many words that are no names."""
MOST_LIKELY = 0.02
"""The answer's language is another one if the item's is at most this likely, relative to the likeliest."""


def is_other_language(line: str, question: str, options: Sequence[str], lang: str, context: str = "") -> bool:
    """Return whether a line is in another script than question and options, or its words are of another language.

    Words of the question, the context and the options are left out: a name may keep its script. Names are also written alike in
    many languages, so the language is identified without words that begin with a capital letter, except the first, and by at least
    `LEAST_WORDS`. A short sentence in the item's script around the answer ("The answer is 巴黎") does not make it one in that script.
    """
    if _is_in_other_script(line, question, options, lang, context):
        return True
    words = _words_without_names(line, [question, *options], lang)
    return len(words) >= LEAST_WORDS and _is_unlikely(" ".join(words), lang)


def _is_in_other_script(line: str, question: str, options: Sequence[str], lang: str, context: str) -> bool:
    own = scripts_of_item((question, *options))
    if not own or (line.isascii() and "LATIN" in own):
        return False
    letters = scripts(line)
    if letters.keys() <= own:
        return False
    source = "\n".join((question, *options, context)).casefold()
    text = line if "LATIN" in own else _ABBREVIATION.sub(" ", _UNIT.sub(" ", line))
    words = [word for word in _WORD.findall(text) if word.casefold() not in source]
    new = " ".join(words)
    if _others(scripts(new, WIDE), own) < LEAST_LETTERS:
        return False
    # Names in Latin letters are usual in sentences of all languages, those in other scripts are not.
    return 2 * _others(scripts(new), own) > letters.total() or ("LATIN" in own and _only_carries(line, own, question, lang))


def _others(letters: Counter[str], own: frozenset[str]) -> int:
    return sum(count for script, count in letters.items() if script not in own)


def _only_carries(line: str, own: frozenset[str], question: str, lang: str) -> bool:
    """Return whether all words in the item's script are those of the question, of the prompt's word for answer, or short and no names.

    Then the answer is what stands in the other script. In brackets it may explain one: "Tokyo (東京)".
    """
    prompt = language(lang).prompt
    known = {*normalise(question, lang).split(), *(normalise(prompt.answer, lang).split() if prompt else ())}
    words = _WORD.findall(_BRACKETS.sub(" ", line))
    around = [word for word in words if scripts(word).keys() <= own]
    if len(around) == len(words):
        return False
    # A sentence begins with a capital letter, but a capital letter of a single word marks a name.
    checked = [around[0].lower(), *around[1:]] if len(around) > 1 and around[0].istitle() else around
    return all(
        set(normalise(word, lang).split()) <= known or (len(word) <= LONGEST_CARRIER and word.islower()) for word in checked
    )


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
    """Return whether another language that may be identified is much likelier than `lang`; false for a language that the model lacks."""
    ranked = _identifier().rank(text)
    likelihoods = {code: value for code, value in ranked if code == lang or code in _codes()}
    return lang in likelihoods and likelihoods[lang] < MOST_LIKELY * max(likelihoods.values())


@cache
def _codes() -> frozenset[str]:
    return frozenset(code for code in language_codes() if not language(code).failures.not_identified)


@cache
def _identifier() -> LanguageIdentifier:
    # Its model takes about a second to load, and most reports of one language never need it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
