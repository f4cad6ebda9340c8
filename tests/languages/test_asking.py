"""The words of a question that say what kind of answer it asks for: section [asking] of each language file, and a table of questions.

The table tests/pairing/asked/questions.tsv holds questions with the kind of answer that they ask for, as people who know the language
read them. The table nouns.tsv beside it holds questions with the kind of thing that their noun names: film, river.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec

from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.languages.record import NOUN_KINDS
from lm_eval_illusion.pairing.asked.interrogatives import asked_for
from lm_eval_illusion.pairing.asked.question_words import question_words

TABLE = Path(__file__).parents[1] / "pairing" / "asked" / "questions.tsv"
KINDS = ["person", "place", "time", "quantity", "reason", "manner", "which"]
WITH_NOUNS = ["person", "place", "time", "quantity"]
QUESTIONS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
LANGUAGES = sorted({lang for lang, _, _ in QUESTIONS})
NOUN_QUESTIONS = [line.split("\t") for line in TABLE.with_name("nouns.tsv").read_text(encoding="utf-8").splitlines()[1:]]
WITH_NOUN_KINDS = sorted({lang for lang, _, _ in NOUN_QUESTIONS})


@cache
def _lists(lang):
    """Return the entries of each key as the file has them; `nouns:film` is the list of one kind of noun."""
    asking = msgspec.structs.asdict(language(lang).asking)
    nouns = asking.pop("nouns")
    lists = {key: entries for key, entries in asking.items() if isinstance(entries, tuple)}
    # "Name" is a verb among the commands and a noun elsewhere. Who is: for a person, too.
    del lists["naming"]
    lists["person"] += lists.pop("who_is")
    lists["place"] += lists.pop("where_is")
    return lists | {f"nouns:{kind}": entries for kind, entries in nouns.items()}


def _nouns_of(kind, lists):
    """Return the nouns that ask for a person, a place, a time or a quantity."""
    listed = [entries for key, entries in lists.items() if NOUN_KINDS.get(key.removeprefix("nouns:")) == kind and ":" in key]
    return tuple(entry for entries in [lists.get(f"{kind}_nouns", ()), *listed] for entry in entries)


def _caseless(text):
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _pattern(entry, lang):
    """Return a pattern that finds an entry in a caseless question: as whole words, or anywhere if no spaces separate words."""
    written = re.escape(_caseless(entry)).replace(r"\*", r"\w*")
    return re.compile(rf"(?<!\w){written}(?!\w)" if language(lang).words.spaces else written)


def test_the_main_lists_have_words():
    least = [*((kind, 10) for kind in WITH_NOUNS), ("person", 50), ("place", 30)]
    faults = []
    for lang in LANGUAGES:
        lists = _lists(lang)
        faults += [f"{lang}: {key} is empty" for key in KINDS if not lists[key]]
        counts = ((kind, number, len(_nouns_of(kind, lists))) for kind, number in least)
        faults += [f"{lang}: {count} nouns of a {kind}, not {number}" for kind, number, count in counts if count < number]
    assert not faults, "\n".join(faults)


def test_no_entry_stands_twice():
    faults = []
    for lang in LANGUAGES:
        counts = Counter(_caseless(entry) for words in _lists(lang).values() for entry in words)
        faults += [f"{lang}: {entry!r} stands {count} times" for entry, count in counts.items() if count > 1]
    assert not faults, "\n".join(faults)


def _matched_elsewhere(lang):
    """Yield (list, pattern, entry) for each pattern of a list that matches an entry of another list."""
    words = [(key, _caseless(entry)) for key, entries in _lists(lang).items() for entry in entries if "*" not in entry]
    patterns = [(key, entry) for key, entries in _lists(lang).items() for entry in entries if "*" in entry]
    if not patterns:
        return
    # One pattern of all: an entry that it doesn't match is matched by none.
    written = {entry: re.escape(_caseless(entry)).replace(r"\*", r"\w*") for _, entry in patterns}
    any_of_them = re.compile("|".join(written.values()))
    words = [(key, word) for key, word in words if any_of_them.fullmatch(word)]
    for key, entry in patterns:
        for other, word in words:
            if other != key and re.fullmatch(written[entry], word):
                yield key, entry, word


def test_no_pattern_matches_an_entry_of_another_list():
    faults = [
        f"{lang}: {pattern!r} of {key}: {word!r}" for lang in LANGUAGES for key, pattern, word in _matched_elsewhere(lang)
    ]
    assert not faults, "\n".join(faults)


def _misspelt(entry, lang):
    """Return what is wrong with the form of an entry, "" if nothing is."""
    # German writes nouns with a capital letter.
    if lang != "de" and entry != entry.lower():
        return "has a capital letter"
    if entry != " ".join(entry.split()):
        return "has a blank too many"
    # A pattern of one letter would match most words; a Korean syllable is several letters.
    if "*" in entry and lang != "ko" and len(_caseless(entry).replace("*", "")) < 2:
        return "is a pattern of one letter"
    return "" if _caseless(entry).strip("*") else "is empty"


def test_entries_are_written_as_in_a_dictionary():
    entries = [(lang, key, entry) for lang in LANGUAGES for key, entries in _lists(lang).items() for entry in entries]
    faults = [f"{lang}, {key}: {entry!r} {wrong}" for lang, key, entry in entries if (wrong := _misspelt(entry, lang))]
    assert not faults, "\n".join(faults)


def test_the_table_has_questions_of_every_kind_in_every_language():
    assert set(LANGUAGES) <= set(language_codes())
    assert {kind for _, _, kind in QUESTIONS} == set(KINDS)
    for lang in LANGUAGES:
        kinds = [kind for code, _, kind in QUESTIONS if code == lang]
        assert len(kinds) >= 8
        assert {"person", "place", "time", "quantity", "which"} <= set(kinds)


def _has_a_word(lang, question, kind):
    """Whether a question has a word of the lists of a kind: an interrogative of it, or "which" and a noun of it."""
    lists, text = _lists(lang), _caseless(question)

    def has(entries):
        return any(_pattern(entry, lang).search(text) for entry in entries)

    if has(lists[kind]):
        return True
    asks = has(lists["which"]) or has(lists["thing"])
    return asks and (kind == "which" or (kind in WITH_NOUNS and has(_nouns_of(kind, lists))))


def test_a_question_has_a_word_for_the_kind_of_its_answer():
    # Necessary, not sufficient: which of several words decides is the business of the code that reads the question.
    faults = [f"{lang}: no word of {kind} in {text!r}" for lang, text, kind in QUESTIONS if not _has_a_word(lang, text, kind)]
    assert not faults, "\n".join(faults)


def test_the_nouns_of_a_language_are_of_many_kinds():
    # The record refuses unknown kinds, and no entry stands twice, so that each noun is of one known kind.
    asked = {lang: [kind for code, _, kind in NOUN_QUESTIONS if code == lang] for lang in WITH_NOUN_KINDS}
    counts = {lang: (len(language(lang).asking.nouns), len(kinds), len(set(kinds))) for lang, kinds in asked.items()}
    faults = [
        f"{lang}: {found}" for lang, found in counts.items() if min(a - b for a, b in zip(found, (60, 25, 20), strict=True)) < 0
    ]
    assert not faults, "kinds of nouns, questions, kinds that they ask for: not 60, 25, 20\n" + "\n".join(faults)


def test_the_noun_beside_which_names_the_kind():
    faults = []
    for lang, question, kind in NOUN_QUESTIONS:
        asked = asked_for(question_words(question, lang).units, lang)
        if (asked.kind, asked.by_noun) != (kind, True):
            faults.append(f"{lang}: {question!r} asks for {asked}, not for {kind} by a noun")
    assert not faults, "\n".join(faults)
