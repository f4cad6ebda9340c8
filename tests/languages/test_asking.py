"""The words of a question that say what kind of answer it asks for: section [asking] of each language file, and a table of questions.

The table tests/pairing/asked/questions.tsv holds questions with the kind of answer that they ask for, as people who know the language
read them. The table nouns.tsv beside it holds questions with the kind of thing that their noun names: film, river.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import msgspec
import pytest

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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_main_lists_have_words(lang):
    lists = _lists(lang)
    assert all(lists[key] for key in KINDS)
    assert all(len(_nouns_of(kind, lists)) >= 10 for kind in WITH_NOUNS)
    assert len(_nouns_of("person", lists)) >= 50
    assert len(_nouns_of("place", lists)) >= 30


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_entry_stands_twice(lang):
    entries = [_caseless(entry) for words in _lists(lang).values() for entry in words]
    assert sorted(entries) == sorted(set(entries))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_pattern_matches_an_entry_of_another_list(lang):
    lists = _lists(lang)
    words = [(key, _caseless(entry)) for key, entries in lists.items() for entry in entries if "*" not in entry]
    patterns = [(key, entry) for key, entries in lists.items() for entry in entries if "*" in entry]
    for key, entry in patterns:
        beginning = re.compile(re.escape(_caseless(entry)).replace(r"\*", r"\w*"))
        assert not [word for other, word in words if other != key and beginning.fullmatch(word)], entry


@pytest.mark.parametrize("lang", LANGUAGES)
def test_entries_are_written_as_in_a_dictionary(lang):
    for key, entries in _lists(lang).items():
        for entry in entries:
            # German writes nouns with a capital letter.
            assert lang == "de" or entry == entry.lower(), (key, entry)
            assert entry == " ".join(entry.split()), (key, entry)
            # A pattern of one letter would match most words; a Korean syllable is several letters.
            assert "*" not in entry or lang == "ko" or len(_caseless(entry).replace("*", "")) >= 2, (key, entry)
            assert _caseless(entry).strip("*"), (key, entry)


def test_the_table_has_questions_of_every_kind_in_every_language():
    assert set(LANGUAGES) <= set(language_codes())
    assert {kind for _, _, kind in QUESTIONS} == set(KINDS)
    for lang in LANGUAGES:
        kinds = [kind for code, _, kind in QUESTIONS if code == lang]
        assert len(kinds) >= 8
        assert {"person", "place", "time", "quantity", "which"} <= set(kinds)


@pytest.mark.parametrize(("lang", "question", "kind"), QUESTIONS)
def test_a_question_has_a_word_for_the_kind_of_its_answer(lang, question, kind):
    # Necessary, not sufficient: which of several words decides is the business of the code that reads the question.
    lists, text = _lists(lang), _caseless(question)
    has = {key: [entry for entry in entries if _pattern(entry, lang).search(text)] for key, entries in lists.items()}
    asks = has["which"] or has["thing"]
    assert has[kind] or (kind == "which" and asks) or (kind in WITH_NOUNS and asks and _nouns_of(kind, has)), has


@pytest.mark.parametrize("lang", WITH_NOUN_KINDS)
def test_the_nouns_of_a_language_are_of_many_kinds(lang):
    # The record refuses unknown kinds, and no entry stands twice, so that each noun is of one known kind.
    assert len(language(lang).asking.nouns) >= 60
    asked = [kind for code, _, kind in NOUN_QUESTIONS if code == lang]
    assert len(asked) >= 25
    assert len(set(asked)) >= 20


@pytest.mark.parametrize(("lang", "question", "kind"), NOUN_QUESTIONS)
def test_the_noun_beside_which_names_the_kind(lang, question, kind):
    asked = asked_for(question_words(question, lang).units, lang)
    assert (asked.kind, asked.by_noun) == (kind, True)
