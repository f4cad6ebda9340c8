"""Questions that are answered by yes or no, true or false. They can't have three wrong options, and their answers fit no other question.

The words are `yes`, `no`, `true` and `false` of the section [yes_no] of the language, and those of English, which data sets in other
languages keep. "Yes, he did" and "No." are such answers; "No Doubt" and "No. 5" are names.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.objections.context import as_context, phrases
from lm_eval_illusion.matching.objections.yes_no import replies
from lm_eval_illusion.matching.text.lines import line_of
from lm_eval_illusion.matching.text.orthography import fold_letters
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question

YES_NO_REASON = "a yes/no question"

_LONGEST = 80
"""Characters of an answer that may be a reply; a longer one explains something."""
_END = re.compile(r"\s*[,.!;:()/–—،。，！、।]+\s*|\s+-+\s+")
"""What may follow the word: a comma, a full stop, a dash between spaces."""
_SIGNS = " \t.,!?;:\"'“”«»„()[]。！，、।"


def is_yes_no_question(question: ParallelQuestion) -> bool:
    """Return whether a question is answered by yes or no in at least half of its languages."""
    return 2 * sum(map(_is_answered_so, question.by_lang.values())) >= len(question.by_lang)


def _is_answered_so(question: Question) -> bool:
    """Return whether one question is answered by yes or no, or offers both among the choices of the source."""
    lang = question.lang
    if is_yes_no_answer(question.answer, lang):
        return not _asks_for_a_name(question) or _names_both(question)
    return sum(is_yes_no_answer(choice, lang) for choice in question.choices) > 1 and not _asks_for_a_name(question)


@lru_cache(maxsize=200_000)
def is_yes_no_answer(answer: str, lang: str) -> bool:
    """Return whether an answer says yes, no, true or false, whatever is asked: alone, before a mark, or with words such as "it is"."""
    if len(answer) > _LONGEST:
        return False
    return any(_is_reply(answer, code) for code in dict.fromkeys((lang, "en")))


def _is_reply(answer: str, lang: str) -> bool:
    words = _words(lang)
    if _key(answer, lang) in words:
        return True
    end = _END.search(answer)
    if end is not None and end.start() and _key(answer[: end.start()], lang) in words:
        # "No. 5" is a name.
        return not (end[0].startswith(".") and answer[end.end() :][:1].isdecimal())
    first = answer.split(maxsplit=1)[0] if language(lang).words.spaces and answer.strip() else ""
    if not first or _key(first, lang) not in words:
        return False
    own, line = language(lang).yes_no, line_of(answer, lang)
    return any(replies(line, word) for word in (*own.yes[:1], *own.no[:1]))


@cache
def _words(lang: str) -> frozenset[str]:
    own = language(lang).yes_no
    return frozenset(_key(word, lang) for word in (*own.yes, *own.no, *own.true, *own.false)) - {""}


def _key(text: str, lang: str) -> str:
    """Return a text caseless, without signs around it and without accents, which not every keyboard has: si is sí."""
    stripped = text.strip(_SIGNS)
    if stripped.isascii() and not language(lang).spelling.dotless_i:
        return stripped.casefold()
    folded = fold_letters(stripped, lang)
    decomposed = unicodedata.normalize("NFD", folded)
    return unicodedata.normalize("NFC", "".join(character for character in decomposed if not "\u0300" <= character <= "\u036f"))


def _names_both(question: Question) -> bool:
    """Return whether a question names both replies: "True or false: ...", "Answer yes or no"."""
    return any(_both_words(code).search(_in_context(question.question, code)) for code in dict.fromkeys((question.lang, "en")))


@cache
def _both_words(lang: str) -> re.Pattern[str]:
    """Return a pattern for a reply and the opposite one within three words."""
    own = language(lang).yes_no
    either = (
        rf"{phrases(first, lang).pattern}(?: ?[^ ]+){{0,3}}? ?{phrases(second, lang).pattern}"
        for first, second in ((own.yes, own.no), (own.no, own.yes), (own.true, own.false), (own.false, own.true))
    )
    return re.compile("|".join(either))


def _asks_for_a_name(question: Question) -> bool:
    """Return whether a question asks who or which, so that its answer "Yes" is the name of a band.

    In doubt it does not: to lose a question costs less than "Yes" among the options of others. Only an interrogative at the beginning
    counts, since one within the sentence may be a relative pronoun ("Did the man who ..."), and only in a language with capitals, which
    mark a name. In lower case an answer is a name only where the question has no capitals either.
    """
    own = language(question.lang)
    if own.prompt is None or own.prompt.question.upper() == own.prompt.question.lower():
        return False
    if not question.answer[:1].isupper() and any(map(str.isupper, question.question)):
        return False
    asking = tuple(word for word in (*own.asking.person, *own.asking.which) if word not in own.yes_no.openers)
    return _first(phrases(asking, question.lang).pattern).search(_in_context(question.question, question.lang)) is not None


@lru_cache(maxsize=200)
def _first(interrogatives: str) -> re.Pattern[str]:
    """Return a pattern for an interrogative as the first or second word of a sentence: "In which", "По какому"."""
    return re.compile(rf"(?:^|[.?¿] ?)[ ]?¿?[ ]?(?:[^ .?,:;]+ )?(?:{interrogatives})")


def _in_context(text: str, lang: str) -> str:
    inner = as_context(text, lang)
    return f" {inner} " if language(lang).words.spaces else inner
