"""Other spellings of an answer that no folding covers: without accents, with or without a space, with or without a middle initial.

`spelling_forms` writes the answer in other ways; the finders look for an answer in the words of a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Replacement
from lm_eval_illusion.matching.text.accents import bare, is_same_but_accents, may_lose_accents
from lm_eval_illusion.matching.text.cldr import locale_of
from lm_eval_illusion.matching.text.normalize import normalise

_INITIAL = r"[^\W\d_a-zа-яёα-ω]\."
_MIDDLE_INITIALS = re.compile(rf"(?<=[^\W\d_]{{2}}) (?:{_INITIAL} ?)+(?=[^\W\d_]{{2}})")
_INITIALS = re.compile(rf"\b(?:{_INITIAL} ?){{2,}}")
_LIST_MARK = re.compile(r"\s*[,،、，]\s*")
_SURNAME_FIRST = re.compile(r"(?P<surname>[^\W\d_]+), (?P<given>[^\W\d_]+(?: [^\W\d_]+\.?)?)")
"""As in a catalogue: Curie, Marie. The other order of "Paris, France" is no phrase, so it does no harm."""
_MIN_JOINED = 6
"""Letters of an answer that may be written with other spaces: less may be two other words. A syllable of Hangul counts as three."""
_MOST_ALTERNATIVES = 4
"""Matches of a rule in an answer that are replaced one by one."""
_MOST_WORDS = 500
"""A longer line is not searched for an answer with other spaces."""
_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_KATAKANA = {after: before for before, after in _HIRAGANA.items()}


def spelling_forms(answer: str, lang: str) -> Iterator[str]:
    """Yield other ways to write an answer; each counts wherever the answer counts."""
    spelling = language(lang).spelling
    if spelling.spelled_out:
        table = str.maketrans(
            {**spelling.spelled_out, **{key.upper(): new.capitalize() for key, new in spelling.spelled_out.items()}}
        )
        yield answer.translate(table)
    if "." in answer:
        # George W. Bush is George Bush. J. R. R. Tolkien is also written without stops.
        yield _MIDDLE_INITIALS.sub(" ", answer)
        yield _INITIALS.sub(lambda initials: initials.group().replace(".", " "), answer)
    if "," in answer and (name := _SURNAME_FIRST.fullmatch(answer)):
        yield f"{name['given']} {name['surname']}"
    if " & " in answer:
        for word in (*spelling.ampersand, "and", ""):
            yield answer.replace(" & ", f" {word} ")
    elif len(spelling.ampersand) > 1:
        # The normal form has the first word for the sign.
        first, *others = spelling.ampersand
        for word in others:
            yield answer.replace(f" {word} ", f" {first} ")
    yield from _list_forms(answer, lang)
    for rule in spelling.alternatives:
        yield from _alternatives(answer, rule)
    if spelling.kana:
        yield answer.translate(_HIRAGANA)
        yield answer.translate(_KATAKANA)


def _list_forms(answer: str, lang: str) -> Iterator[str]:
    """Yield a list with "and" before its last item if it has none, and a list of three or more without it if it has one."""
    *items, last = answer.split(" ") if language(lang).words.space_ends_clause else _LIST_MARK.split(answer)
    if not items or not (all(items) and last) or any(map(str.isdigit, answer)):
        return
    standard = locale_of(lang).list_patterns["standard"]["end"]
    joint = standard.replace("{0}", "").replace("{1}", "").strip(" ,،、，")
    first = ", ".join(items)
    # "and" with its spaces, which Thai writes on one side only.
    found = re.search(rf"\s*{re.escape(joint)}\s*", last) if joint else None
    if found is None or not joint:
        yield standard.format(first, last)
        for word in language(lang).spelling.ampersand:
            yield f"{first} {word} {last}"
    elif found.end() < len(last):
        yield f"{first}, {last[: found.start()]}, {last[found.end() :]}" if found.start() else f"{first}, {last[found.end() :]}"


def _alternatives(answer: str, rule: Replacement) -> Iterator[str]:
    """Yield the answer with all matches of a rule replaced, and with only one of the first matches."""
    text = unicodedata.normalize("NFD" if rule.decomposed else "NFC", answer)
    matches = list(rule.find.finditer(text))
    if len(matches) > 1:
        yield rule.find.sub(rule.replace, text)
    has_groups = "\\" in rule.replace
    for match in matches[:_MOST_ALTERNATIVES]:
        # `expand` parses its template at each call.
        replaced = match.expand(rule.replace) if has_groups else rule.replace
        yield text[: match.start()] + replaced + text[match.end() :]


def find_without_accents(answer: str, forms: Sequence[str], words: Sequence[str], lang: str) -> Iterator[tuple[int, int]]:
    """Yield the first index and the index after the last of words that are a form of an answer but for accents.

    Nothing in a language whose writers do not leave out accents.

    Args:
        answer: As written.
        forms: Its forms, normalised.
        words: Normalised words.
        lang: ISO 639-1 code.
    """
    optional = language(lang).spelling.accents_optional
    if optional == "never" or (optional == "lines" and any(bare(word) != word for word in words)):
        return
    bare_words = tuple(map(bare, words))
    padded = f" {' '.join(bare_words)} "
    for form in forms:
        bare_form = bare(form)
        if f" {bare_form} " not in padded:
            continue
        written, searched = form.split(), bare_form.split()
        for first in range(len(words) - len(written) + 1):
            found = words[first : first + len(written)]
            if list(bare_words[first : first + len(written)]) == searched and _may_differ(
                written, found, answer, optional, lang
            ):
                yield first, first + len(written)


def _may_differ(written: Sequence[str], found: Sequence[str], answer: str, optional: str, lang: str) -> bool:
    different = [pair for pair in zip(written, found, strict=True) if pair[0] != pair[1]]
    if not different or (optional == "names" and not _is_name(answer)):
        return False
    return all(
        is_same_but_accents(one, other) and may_lose_accents(one, lang) and may_lose_accents(other, lang)
        for one, other in different
    )


def _is_name(answer: str) -> bool:
    return answer[:1].isupper()


def find_with_other_spaces(forms: Sequence[str], words: Sequence[str], lang: str) -> Iterator[tuple[int, int]]:
    """Yield where words without the spaces between them are an answer without its spaces, in a language where such spaces vary.

    Particles may follow, as behind any word.
    """
    endings = ("", *language(lang).words.particles)
    if not language(lang).words.optional_spaces or len(words) > _MOST_WORDS:
        return
    line = "".join(words)
    for form in forms:
        searched = form.replace(" ", "")
        if _length(searched) < _MIN_JOINED or searched not in line:
            continue
        for first, word in enumerate(words):
            # A word with a particle is found as it is.
            if word.startswith(searched) and " " not in form:
                continue
            joined, after = word, first + 1
            while len(joined) < len(searched) and after < len(words) and searched.startswith(joined):
                joined, after = joined + words[after], after + 1
            if after - first == 1 and " " not in form:
                # No space differs: the finder of particles knows which may follow.
                continue
            if joined.startswith(searched) and joined[len(searched) :] in endings and words[first:after] != tuple(form.split()):
                yield first, after


def _length(text: str) -> int:
    return sum(3 if "\uac00" <= character <= "\ud7a3" else 1 for character in text)


def find_with_initials(answer: str, forms: Sequence[str], words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where a line has one letter between the first and the second word of a name: George W. Bush for George Bush."""
    if not _is_name(answer) or answer == answer.lower():
        return
    for form in forms:
        first, *rest = form.split()
        if not rest or len(first) < 2 or len(rest[0]) < 2 or not form.replace(" ", "").isalpha():
            continue
        for index in range(len(words) - len(rest) - 1):
            name, initial, others = words[index], words[index + 1], words[index + 2 : index + 2 + len(rest)]
            if name == first and len(initial) == 1 and initial.isalpha() and list(others) == rest:
                yield index, index + 2 + len(rest)


def normalised_spellings(answer: str, lang: str) -> Iterator[str]:
    """Yield the normal form of each other way to write an answer."""
    return (normalise(form, lang) for form in dict.fromkeys(spelling_forms(answer, lang)) if form != answer)
