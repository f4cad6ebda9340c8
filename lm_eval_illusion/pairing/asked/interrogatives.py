"""What class of answer a question asks for, by its interrogatives and by the nouns beside them.

"Who wrote Hamlet?" and "Which author wrote Hamlet?" ask for a person. The words stand in section [asking] of the language files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NOUN_KINDS
from lm_eval_illusion.pairing.asked.compounds import kind_of_compound, last_of_compound
from lm_eval_illusion.pairing.asked.phrases import CLASSES, EMPTY, WHERE_IS, WHICH, WHO_IS, Found, bare_which, find, gap
from lm_eval_illusion.pairing.asked.question_words import is_statement, text_units

WORDS_BEHIND, WORDS_BEFORE = 3, 1
"""A noun names the kind if at most so many words stand between "which" and it, behind and before "which"."""
FIRST_WORDS = 3
"""An interrogative that begins within so many first words is the one that asks; others may begin a clause ("the man who ...")."""
CHARACTERS_PER_WORD = 2
"""These limits are this many times as large where units are characters."""


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a question asks for.

    `kind`: one of `CLASSES`, or the kind of a noun: "film", "city"; "" if nothing was found. `by_noun`: a noun decided the kind.
    `start`, `end`: the units of the phrase from which the kind is read: the noun, or else the interrogative; 0, 0 if there is none.
    """

    kind: str = ""
    by_noun: bool = False
    start: int = 0
    end: int = 0

    @property
    def parent(self) -> str:
        """The class of which the kind is a part: "person" for a writer, "" for none."""
        return NOUN_KINDS.get(self.kind, "") if self.by_noun else ""


@lru_cache(maxsize=200_000)
def asked_in(question: str, lang: str) -> AskedFor:
    """Return what a question asks for: `asked_for` with its units."""
    return asked_for(text_units(question, lang), lang, is_statement(question))


def asked_for(units: Sequence[str], lang: str, states: bool = False) -> AskedFor:
    """Return what a question asks for.

    Args:
        units: Of the question, see `question_words`.
        lang: Code of the language.
        states: The question has no question mark: "This planet has rings." asks for a planet.
    """
    order = language(lang).asking
    scale = 1 if language(lang).words.spaces else CHARACTERS_PER_WORD
    asking = list(find(units, lang, "interrogatives"))
    early = next((one for one in asking if one.start < FIRST_WORDS * scale), None)
    nouns = list(find(units, lang, "nouns"))
    for place in _commands(units, lang, early, states, scale):
        named = _noun(units, nouns, place, lang, scale)
        if named.by_noun and named.start >= place.end:
            return named
    main = early or (asking[-1] if asking else None)
    if main is None:
        return _without_interrogative(units, nouns, lang, scale)
    if main.kind == WHO_IS:
        noun = _noun(units, nouns, main, lang, scale)
        is_beside = noun.start >= main.end or order.noun_last or order.which_last
        is_one = is_beside and (noun.parent == "person" or noun.kind == "god")
        # "विश्व का सबसे छोटा देश कौन है?"
        is_subject = order.noun_last and noun.by_noun and noun.end == main.start and main.end >= len(units) - scale
        return noun if is_one or is_subject else AskedFor("person", False, main.start, main.end)
    if main.kind == WHERE_IS:
        noun = _noun(units, nouns, main, lang, scale)
        is_one = noun.by_noun and noun.kind not in ("time", "quantity") and noun.parent != "person"
        return noun if is_one else AskedFor("place", False, main.start, main.end)
    if main.kind != WHICH:
        # Some languages ask for a painter with "who painter". "Where tower" asks for its place.
        beside = (noun for noun in nouns if noun.start == main.end and NOUN_KINDS.get(noun.kind) == main.kind == "person")
        main = next(beside, main)
        return AskedFor(main.kind, main.kind not in CLASSES, main.start, main.end)
    found = _noun(units, nouns, main, lang, scale)
    if order.noun_last:
        # Nouns farther before belong to what describes it: "the navy of the general is what?"
        return found
    # "The capital of Norway is what?": the subject comes first, or directly before the rest.
    before = [noun for noun in nouns if noun.kind != EMPTY and noun.end <= main.start]
    is_beside = found.by_noun and found.end >= main.start
    # "The bear eats what?": where "which" stands last, the subject is asked only by a phrase with "is", such as "là gì".
    is_object = tuple(units[main.start : main.end]) in bare_which(lang)
    if not is_beside and not is_object and main.end >= len(units) - scale and before:
        is_first = before[0].start < FIRST_WORDS * scale
        subject = before[0] if is_first else before[-1]
        if is_first or not found.by_noun:
            return AskedFor(subject.kind, True, subject.start, subject.end)
    return found


def _without_interrogative(units: Sequence[str], nouns: Sequence[Found], lang: str, scale: int) -> AskedFor:
    """Return what the noun beside "name" asks for, or else the first noun; the last one where descriptions stand before nouns."""
    for empty in (noun for noun in nouns if noun.kind == EMPTY):
        named = _noun(units, [noun for noun in nouns if noun is not empty], empty, lang, scale)
        if named.by_noun:
            return named
    naming = [noun for noun in nouns if noun.kind != EMPTY]
    if not naming:
        return AskedFor()
    noun = naming[-1 if language(lang).asking.noun_last else 0]
    return AskedFor(noun.kind, True, noun.start, noun.end)


def _commands(units: Sequence[str], lang: str, early: Found | None, states: bool, scale: int) -> Iterator[Found]:
    """Yield the words that ask without an interrogative: "name the ...", and "this" in a statement."""
    if early is None or early.start > 0:
        beginning = units[: early.start if early else FIRST_WORDS * scale]
        yield from find(beginning, lang, "naming")
    if early is None and states:
        yield from find(units, lang, "pointing")


def _noun(units: Sequence[str], nouns: Sequence[Found], place: Found, lang: str, scale: int) -> AskedFor:
    """Return what the noun beside a place asks for; `WHICH` if no noun is near."""
    left, first = list(nouns), place
    # "What is the name of the actress": each empty noun moves the place behind which the noun is expected.
    while nearest := _nearest(left, place, lang, scale):
        if nearest.kind != EMPTY:
            if language(lang).asking.heads_last:
                nearest = last_of_compound(left, nearest, units)
            return AskedFor(nearest.kind, True, nearest.start, nearest.end)
        left.remove(nearest)
        place = nearest
    for index in range(place.end, min(place.end + WORDS_BEHIND, len(units))):
        if kind := kind_of_compound(units[index], lang):
            return AskedFor(kind, True, index, index + 1)
    # "The author has what name?", where the noun stands before.
    is_at_end = place.end >= len(units) - 2 * scale
    if language(lang).asking.noun_last and is_at_end and place != first and (noun := _nearest(left, first, lang, scale)):
        return AskedFor(noun.kind, True, noun.start, noun.end)
    return AskedFor(WHICH, False, place.start, place.end)


def _nearest(nouns: Iterable[Found], place: Found, lang: str, scale: int) -> Found | None:
    """Return the nearest noun within the limits; of two equally near ones, the one behind the place, or before it by `which_last`."""
    near = [noun for noun in nouns if gap(noun, place) <= scale * (WORDS_BEFORE if noun.start < place.start else WORDS_BEHIND)]
    return min(
        near, key=lambda noun: (gap(noun, place), (noun.start < place.start) != language(lang).asking.which_last), default=None
    )
