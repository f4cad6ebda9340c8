"""A bundle: one question in all the languages that it is asked in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lm_eval_illusion.pairing.answer_types import answer_type, script_of
from lm_eval_illusion.pairing.source import Question

Option = dict[str, str]
"""An option in each language."""


@dataclass(frozen=True)
class Bundle:
    """`by_lang`: the question in each of its languages."""

    id: str
    by_lang: Mapping[str, Question]
    answer_type: str

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it is asked in."""
        return frozenset(self.by_lang)

    @property
    def answers(self) -> dict[str, str]:
        """Language -> answer."""
        return {lang: question.answer for lang, question in self.by_lang.items()}

    @property
    def topic(self) -> str:
        """What it is about, "" if unknown."""
        return next(iter(self.by_lang.values())).topic

    @property
    def has_choices(self) -> bool:
        """Whether the source gives the options, in every language."""
        return all(question.choices for question in self.by_lang.values())


def lent(donor: Bundle, bundle: Bundle) -> Option:
    """The donor's answer in each of the bundle's languages.

    A name is sometimes left in Latin letters within another script ("Lexus" in a Greek passage); beside it stands the donor's name as
    English has it, or, without English, as the first language with Latin letters has it.
    """
    latin = [answer for _, answer in sorted(donor.answers.items(), key=_english_first) if script_of(answer) == "LATIN"]
    options = {}
    for lang, answer in bundle.answers.items():
        own = donor.answers[lang]
        is_left_in_latin = script_of(answer) == "LATIN" != script_of(own)
        options[lang] = latin[0] if is_left_in_latin and latin else own
    return options


def _english_first(answer: tuple[str, str]) -> tuple[bool, str]:
    return answer[0] != "en", answer[0]


def bundles_of(questions: Iterable[Question]) -> list[Bundle]:
    """The questions put together by id, in the order of their first appearance; the answer's type as given, or found out."""
    by_id: dict[str, dict[str, Question]] = defaultdict(dict)
    for question in questions:
        by_id[question.id][question.lang] = question
    return [_bundle(one_id, by_lang) for one_id, by_lang in by_id.items()]


def _bundle(one_id: str, by_lang: dict[str, Question]) -> Bundle:
    given = next(iter(by_lang.values())).answer_type
    found = given or answer_type({lang: question.answer for lang, question in by_lang.items()})
    return Bundle(one_id, dict(sorted(by_lang.items())), found)
