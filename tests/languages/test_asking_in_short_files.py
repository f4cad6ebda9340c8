"""Section [asking] of the short language files: a question of each kind has a word for the kind of its answer.

asking_questions.tsv holds questions with the kind of answer that they ask for. The word is necessary, not sufficient: which of several
words decides is the business of the code that reads the question.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache
from pathlib import Path

import msgspec

from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.languages.record import NOUN_KINDS

TABLE = Path(__file__).parent / "asking_questions.tsv"
QUESTIONS = [tuple(line.split("\t")) for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
KINDS = ("person", "place", "time", "quantity", "which")
SHORT = [code for code in language_codes() if language(code).failures.not_identified]


@cache
def _lists(lang):
    """Return the lists of the section: name -> entries; the nouns of all kinds of persons and of places each as one list."""
    asking = msgspec.structs.asdict(language(lang).asking)
    nouns = asking.pop("nouns")
    lists = {name: words for name, words in asking.items() if isinstance(words, tuple)}
    lists["person"] += lists.pop("who_is")
    lists["place"] += lists.pop("where_is")
    by_class = {name: [kind for kind in nouns if NOUN_KINDS[kind] == name] for name in ("person", "place")}
    return lists | {f"{name}_nouns": [entry for kind in kinds for entry in nouns[kind]] for name, kinds in by_class.items()}


def _caseless(text):
    return unicodedata.normalize("NFKC", text).casefold()


def _found(entries, question, has_spaces):
    patterns = (re.escape(_caseless(entry)).replace(r"\*", r"\w*") for entry in entries)
    return [entry for entry in patterns if re.search(rf"(?<!\w){entry}(?!\w)" if has_spaces else entry, _caseless(question))]


def test_a_question_has_a_word_for_the_kind_of_its_answer():
    faults = []
    for lang, question, kind in QUESTIONS:
        has_spaces = language(lang).words.spaces
        found = {name: _found(entries, question, has_spaces) for name, entries in _lists(lang).items()}
        if not (found[kind] or (found["which"] and found.get(f"{kind}_nouns"))):
            faults.append(f"{lang}: no word of {kind} in {question!r}: {found}")
        # No other interrogative of one kind stands in it, but for "what" and "which".
        if [other for other in KINDS[:4] if other != kind and found[other]]:
            faults.append(f"{lang}: a word of another kind than {kind} in {question!r}: {found}")
    assert not faults, "\n".join(faults)


def test_the_table_has_every_kind_in_each_of_its_languages():
    kinds = defaultdict(set)
    for lang, _, kind in QUESTIONS:
        kinds[lang].add(kind)
    assert all(found == set(KINDS) for found in kinds.values())
    assert set(kinds) >= set("bg hr sr ca sk lt lv et sl ta mr gu pa ha yo am zu eu gl".split())


def test_a_word_stands_in_one_list_and_each_kind_has_words():
    for lang in SHORT:
        lists = _lists(lang)
        assert all(lists[kind] for kind in (*KINDS, "reason", "manner", *(f"{kind}_nouns" for kind in KINDS[:4]))), lang
        entries = [(name, _caseless(entry)) for name, words in lists.items() for entry in words]
        plain = [(name, entry) for name, entry in entries if "*" not in entry]
        assert len({entry for _, entry in entries}) == len(entries), lang
        for name, entry in entries:
            if "*" in entry:
                pattern = re.compile(re.escape(entry).replace(r"\*", r"\w*"))
                assert not [word for other, word in plain if other != name and pattern.fullmatch(word)], (lang, entry)


def test_a_city_and_a_river_are_places_of_two_kinds():
    with_kinds = [lang for lang in SHORT if "city" in language(lang).asking.nouns]
    assert len(with_kinds) >= 35
    for lang in with_kinds:
        nouns = language(lang).asking.nouns
        assert {"city", "country", "region", "island", "river", "lake_or_sea", "mountain", "place"} <= nouns.keys(), lang
