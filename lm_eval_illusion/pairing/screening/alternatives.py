"""The alternatives that a question offers beside its answer: "Who was born first, Mozart or Beethoven?", "Is Pluto a planet or a star?".

They become wrong options. A question in which it is not clear where an alternative begins or ends gives none: half a name would be worse
than no item. The words for "or" are `or_words` of the section [alternatives] of the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.objections.context import as_context, phrases
from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.option_rules import MAX_LENGTH_RATIO, overlaps
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.answer_in_question import COMMAS, answer_mentions, or_words

_STOPS = r"[:;?!()\[\]{}؛؟；：？！。।…¿¡]|\s[–—-]\s|[–—]|(?<=\w{4})\.(?=\s|$)|\.$"
"""What ends a list of alternatives. The full stop of "St. Louis" does not."""
_EXTRA_WORDS = 1
"""An alternative without a capital has at most this many words more than the answer, or it may be more than the alternative."""


@dataclass(frozen=True)
class OfferedAnswers:
    """What a question offers: the texts other than the answer, and how many of them stand before the answer."""

    others: tuple[str, ...]
    before: int


@dataclass(frozen=True)
class _Part:
    """A stretch `text[start:end]` between two separators. `opens`, `closes`: the separators: "," or "or", "." for any other end,
    "" for the beginning of the question."""

    start: int
    end: int
    opens: str
    closes: str


@dataclass(frozen=True)
class _Shape:
    """How the answer is written where it stands in the question, which tells where the other alternatives begin and end."""

    words: int
    is_capital: bool
    is_number: bool
    word_before: str


def alternatives_in(question: Question) -> OfferedAnswers | None:
    """Return what the question offers beside its answer, None if it offers nothing or the ends of an alternative are not clear."""
    for mention in answer_mentions(question):
        found = _around(question, mention)
        if found is not None:
            return found
    return None


def _around(question: Question, mention: Mention) -> OfferedAnswers | None:
    lang, text = question.lang, question.question
    parts = list(_parts(text, lang))
    own = next((index for index, part in enumerate(parts) if part.start <= mention.start and mention.end <= part.end), None)
    if own is None:
        return None
    run = _run(parts, own)
    ors = [index for index in run if parts[index].opens == "or"]
    if not ors or own > ors[-1]:
        return None
    shape = _shape(text, mention, parts[own], lang)
    texts: dict[int, str | None] = {}
    for index in range(ors[-1], run[0] - 1, -1):
        texts[index] = _alternative(text, parts[index], mention if index == own else None, shape, ors, index, lang)
        if texts[index] is None or (_is_cut(texts[index], text, parts[index], lang) and index < ors[0]):
            break
    if texts.get(ors[0] - 1) is None:
        return None
    indices = [index for index in sorted(texts) if texts[index] is not None]
    if own not in indices or indices != list(range(indices[0], ors[-1] + 1)):
        return None
    others = [_as_answer(str(texts[index]), mention, question) for index in indices if index != own]
    before = sum(index < own for index in indices)
    return OfferedAnswers(tuple(others), before) if _are_options(others, question) else None


def _parts(text: str, lang: str) -> Iterator[_Part]:
    """Yield what stands between commas, words for "or" and ends of clauses."""
    start, opens = 0, ""
    for found in _separators(lang).finditer(text):
        kind = found.lastgroup or ""
        closes = {"or": "or", "comma": ","}.get(kind, ".")
        if text[start : found.start()].strip():
            yield _Part(start, found.start(), opens, closes)
            opens = closes
        else:
            opens = "." if "." in (closes, opens) and closes != "or" else closes
        start = found.end()
    if text[start:].strip():
        yield _Part(start, len(text), opens, ".")


@cache
def _separators(lang: str) -> re.Pattern[str]:
    stops = _STOPS + (r"|\s+" if language(lang).words.space_ends_clause else "")
    return re.compile(rf"(?P<or>{or_words(lang).pattern})|(?P<comma>[{COMMAS}](?!\d))|(?P<stop>{stops})", re.IGNORECASE)


def _run(parts: Sequence[_Part], own: int) -> list[int]:
    """Return the indices of the parts that only commas and words for "or" separate from the part of the answer."""
    first = last = own
    while first > 0 and parts[first].opens in (",", "or"):
        first -= 1
    while last + 1 < len(parts) and parts[last + 1].opens in (",", "or"):
        last += 1
    return list(range(first, last + 1))


def _shape(text: str, mention: Mention, part: _Part, lang: str) -> _Shape:
    said = text[mention.start : mention.end]
    before = text[part.start : mention.start].split()
    count = len(said.split()) if language(lang).words.spaces else len(said)
    return _Shape(count, said[:1].isupper(), said[:1].isdecimal(), before[-1].casefold() if before else "")


def _alternative(
    text: str, part: _Part, mention: Mention | None, shape: _Shape, ors: Sequence[int], index: int, lang: str
) -> str | None:
    """Return the alternative in a part, None if its ends are not clear. `mention`: the answer, if it stands in this part."""
    is_first, is_last = index < ors[0], index == ors[-1]
    written = text[part.start : part.end]
    if mention is not None:
        left = _without_light_words(text[part.start : mention.start], lang)
        right = _without_light_words(text[mention.end : part.end], lang)
        if language(lang).words.spaces:
            is_clear = (not right or is_last) and (not left or is_first or len(left.split()) == 1)
        else:
            is_clear = part.opens != "" and not (left or right)
        return text[mention.start : mention.end] if is_clear else None
    if not language(lang).words.spaces:
        is_whole = part.opens != "" and 0 < len(written.strip()) <= 2 * shape.words + 2
        return written.strip() if is_whole else None
    may_ask = part.opens == "" and index < ors[0] - 1 and not language(lang).asking.which
    if may_ask or _asks(written, lang):
        # The asking words and the first alternative are not separated: "Which is older Rome or Oslo".
        written = written if is_first and index == ors[0] - 1 else ""
    stripped = _without_light_words(written, lang)
    if not stripped:
        return None
    if not is_first and stripped.split()[0].casefold() == shape.word_before and " " in stripped:
        stripped = stripped.split(maxsplit=1)[1]  # "of wood or of metal"
    if is_last:
        return _leading(stripped, shape, lang)
    found = stripped if not is_first else _trailing(written, part, shape, lang)
    return found if found is None or found[:1].isdecimal() == shape.is_number else None


def _leading(written: str, shape: _Shape, lang: str) -> str | None:
    """Return the alternative at the beginning of the last part, behind which the sentence may go on."""
    words = written.split()
    if shape.is_number:
        return " ".join(words[: shape.words]) if words[0][:1].isdecimal() else None
    if shape.is_capital and words[0][:1].isupper():
        return " ".join(_capitals(words))
    return written if _is_short(words, shape, lang) else None


def _is_short(words: Sequence[str], shape: _Shape, lang: str) -> bool:
    """Return whether words can be an alternative and nothing more."""
    articles = {article.casefold() for article in language(lang).words.articles}
    return len(words) <= shape.words + _EXTRA_WORDS and articles.isdisjoint(word.casefold() for word in words)


def _trailing(written: str, part: _Part, shape: _Shape, lang: str) -> str | None:
    """Return the alternative at the end of the first part, before which the sentence may have begun."""
    words = _without_light_words(written, lang, only_end=True).split()
    articles = {article.casefold() for article in language(lang).words.articles}
    markers = articles if shape.word_before in articles else {shape.word_before}
    marked = [index for index, word in enumerate(words[:-1]) if word.casefold() in markers]
    if marked and _is_short(words[marked[-1] + 1 :], shape, lang):
        return " ".join(words[marked[-1] + 1 :])
    if shape.is_capital:
        run = _capitals(words[::-1])[::-1]
        # Two names side by side look like one: "Is the capital of Australia Sydney or Canberra?"
        is_one = len(run) in (len(words), *range(shape.words + 1))
        if part.opens == "" and len(run) == len(words) > shape.words:
            run = run[1:]  # The capital of the first word is that of the sentence.
        return " ".join(run) or None if is_one else None
    if part.opens not in ("", "or") and _is_short(words, shape, lang) and not _asks(written, lang):
        return " ".join(words)
    has_case = any(map(str.islower, written))
    return words[-1] if shape.words == 1 and has_case else None


def _capitals(words: Sequence[str]) -> list[str]:
    """Return the capitalised words or numbers at the beginning, with short words between two of them: "Vasco da Gama"."""
    taken = 0
    for index, word in enumerate(words):
        first = next((character for character in word if character.isalnum()), "")
        if first.isupper() or first.isdecimal():
            taken = index + 1
        elif len(word) > 3 or index - taken > 1:
            break
    return list(words[:taken])


def _is_cut(alternative: str | None, text: str, part: _Part, lang: str) -> bool:
    """Return whether the alternative is only the end of its part, so that no other one stands before it."""
    return alternative != _without_light_words(text[part.start : part.end], lang)


def _asks(written: str, lang: str) -> bool:
    """Return whether words ask: "Which is fastest" in "Which is fastest, A, B or C?"."""
    own = language(lang).asking
    interrogatives = phrases((*own.person, *own.which, *own.place, *own.time, *own.quantity, *own.manner), lang)
    return interrogatives.search(f" {as_context(written, lang)} ") is not None


def _without_light_words(written: str, lang: str, *, only_end: bool = False) -> str:
    """Return the text without articles at its beginning and question particles ("mı") at its ends."""
    own = language(lang)
    particles = {particle.casefold() for particle in own.questions.particles} if own.words.spaces else set()
    light = particles | {article.casefold() for article in own.words.articles}
    words = written.split()
    while words and words[-1].casefold() in particles:
        words.pop()
    while not only_end and words and words[0].casefold() in light:
        words.pop(0)
    return " ".join(words)


def _as_answer(alternative: str, mention: Mention, question: Question) -> str:
    """Return an alternative with an article and in the letter case if the answer is given so, lest the form tell them apart."""
    said = question.question[mention.start : mention.end]
    cleaned = alternative.strip(" \"'“”«»„‘’")
    articles = {article.casefold() for article in language(question.lang).words.articles}
    if question.answer.split()[0].casefold() in articles:
        before = question.question.split(cleaned)[0].split()
        if before and before[-1].casefold() in articles:
            cleaned = f"{before[-1]} {cleaned}"
    if said[:1].islower() and question.answer[:1].isupper():
        return cleaned[:1].upper() + cleaned[1:]
    if said[:1].isupper() and question.answer.islower():
        return cleaned.lower()
    return cleaned


def _are_options(others: Iterable[str], question: Question) -> bool:
    """Return whether the alternatives can stand beside the answer and beside each other."""
    rights = [compact(answer, question.lang) for answer in (question.answer, *question.aliases)]
    seen: list[str] = list(filter(None, rights))
    for other in others:
        text = compact(other, question.lang)
        ratio = len(other) / len(question.answer)
        if not text or overlaps(text, seen) or not 1 / MAX_LENGTH_RATIO <= ratio <= MAX_LENGTH_RATIO:
            return False
        seen.append(text)
    return bool(seen[len(list(filter(None, rights))) :])
