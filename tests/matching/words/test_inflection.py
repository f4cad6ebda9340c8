"""Whether two words are forms of one word: in a language made for the test, and nouns of each language declined by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lm_eval_illusion.languages.record import Inflection, Language, Replacement
from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.matching.words import inflection

INFLECTION = Inflection(
    min_stem=3,
    classes=("а у ом -", "я ю ей"),
    suffixes=re.compile("(?:ssa|sta)(?:kin)?"),
    stem_changes=(Replacement(find=re.compile("hti$"), replace="hde"),),
    prefixes=re.compile("ки"),
    exceptions=("роман рома",),
    min_word=3,
    phrase_classes=("er e en",),
    alternations=(Replacement(find=re.compile(r"і(.)\|$"), replace=r"о\1|"),),
    irregular=("man men",),
    closed_classes={"o a os as": "roj negr"},
    other_words=re.compile(r"(\w+ов)а \1"),
    inflected_parts=("musta",),
)
DECLENSION = Inflection(classes=("ung unge : ungs",), stem_changes=INFLECTION.stem_changes)


@pytest.fixture(autouse=True)
def _the_language(monkeypatch):
    monkeypatch.setattr(inflection, "language", lambda code: Language(inflection=INFLECTION))
    cached = [value for value in vars(inflection).values() if hasattr(value, "cache_clear")]
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.mark.parametrize(
    ("answer", "word", "expected"),
    [
        ("город", "города", True),  # "-" and "а" are in the first class
        ("города", "городом", True),
        ("город", "городю", False),  # "-" and "ю" are in no common class
        ("земля", "землей", True),
        ("рома", "рому", True),
        ("рома", "роман", False),  # "н" is no ending
        ("рома", "ромом", True),
        ("рим", "риму", True),
        ("ра", "ру", False),  # a stem of one letter is too short
        ("lahti", "lahdessa", True),
        ("lahti", "lahtissakin", True),
        ("lahti", "lahdes", False),
        ("город", "кигороду", True),
        ("город", "ки", False),
        ("2а", "2у", False),
        ("львів", "львова", True),  # its stem is львов before "-", too
        ("львова", "львів", True),
        ("кит", "кота", False),
        ("man", "men", True),
        ("woman", "women", True),
        ("man", "woman", False),
        ("rojo", "rojas", True),
        ("puerto", "puerta", False),  # not a listed adjective
        ("иванова", "иванов", False),
        ("иванов", "иванова", True),  # only one direction is refused
        ("mustalahti", "mustassalahdessa", True),  # both parts have a suffix
        ("mustalahti", "mustassalahdessalahdessa", False),
        ("mustalahti", "mustalahdessa", True),
        ("mustalahti", "mustassalahdes", False),
        ("roter", "roten", False),  # an adjective class, only in names of several words
        ("город", "города" + "а" * 10_000, False),
    ],
)
def test_forms_of_a_word(answer, word, expected):
    assert inflection.is_form(answer, word, "xx") is expected


def test_an_exception_is_no_form():
    assert inflection.is_form("роман", "романа", "xx")
    assert not inflection.is_form("роман", "рома", "xx")


def test_each_word_of_an_answer_may_be_inflected():
    text = "в городом земле не городу землей".split()
    assert list(inflection.find_inflected(["город", "земля"], text, "xx")) == [4]


def test_adjectives_in_a_name_of_several_words():
    assert list(inflection.find_inflected(["roter", "lahti"], "im roten lahdessa".split(), "xx")) == [1]


def test_only_a_citation_form_is_an_answer(monkeypatch):
    monkeypatch.setattr(inflection, "language", lambda code: Language(inflection=DECLENSION))
    assert inflection.is_form("zeitung", "zeitungs", "xx")
    assert not inflection.is_form("zeitungs", "zeitung", "xx")


def test_changes_of_a_stem_follow_each_other_only_if_the_file_says_so(monkeypatch):
    changes = (Replacement(find=re.compile("i$"), replace="e"), Replacement(find=re.compile("te$"), replace="de"))
    for chain in (True, False):
        described = Inflection(suffixes=re.compile("ssa"), stem_changes=changes, stem_changes_chain=chain)
        monkeypatch.setattr(inflection, "language", lambda code, described=described: Language(inflection=described))
        inflection._stems.cache_clear()
        inflection._is_other_form.cache_clear()
        assert inflection.is_form("lahti", "lahdessa", "xx") is chain
        assert inflection.is_form("lahti", "lahtessa", "xx")


def test_the_words_of_the_answer_themselves_are_no_inflected_mention():
    assert list(inflection.find_inflected(["город"], ["город", "города"], "xx")) == [1]


FORMS = Path(__file__).parent / "inflection"
"""One file per language, one noun or name per line: the nominative, a tab, and forms of it, written by hand from grammars."""


def _nouns(lang: str) -> dict[str, list[str]]:
    """Return the forms of each noun of a language; a name of two words has forms of two words."""
    rows = (line.split("\t") for line in (FORMS / f"{lang}.tsv").read_text(encoding="utf-8").splitlines())
    return {
        noun: [" ".join(words[start : start + size]) for start in range(0, len(words), size)]
        for noun, words, size in ((noun, forms.split(), len(noun.split())) for noun, forms in rows)
    }


def _accepts(answer: str, text: str, lang: str) -> bool:
    words, line = normalise(answer, lang).split(), normalise(text, lang).split()
    return words == line or (len(words) == len(line) and list(inflection.find_inflected(words, line, lang)) == [0])


@pytest.mark.parametrize("lang", sorted(file.stem for file in FORMS.glob("*.tsv")))
class TestParadigms:
    @pytest.fixture(autouse=True)
    def _the_language(self):
        """Use the language files, not the language made for the test."""

    def test_every_form_of_a_noun_is_accepted(self, lang):
        nouns = _nouns(lang)
        assert len(nouns) >= 10
        assert not [(noun, form) for noun, forms in nouns.items() for form in forms if not _accepts(noun, form, lang)]

    def test_no_form_of_another_noun_is_accepted(self, lang):
        nouns = _nouns(lang)
        assert not [
            (noun, other, form)
            for noun in nouns
            for other, forms in nouns.items()
            for form in (other, *forms)
            if noun != other and form not in nouns[noun] and _accepts(noun, form, lang)
        ]
