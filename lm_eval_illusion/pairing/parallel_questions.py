"""Which of the ids that pair are asked, in which languages: the first of each language.

A bundle: one question in all the languages that it is asked in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.pairing.answer_types import answer_type, is_wholly_latin, is_written_in_latin, script_of
from lm_eval_illusion.pairing.questions import Question

Option = dict[str, str]
"""An option in each language."""


@dataclass(frozen=True)
class ParallelQuestion:
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


def as_option(donor: ParallelQuestion, bundle: ParallelQuestion) -> Option | None:
    """The donor's answer in each of the bundle's languages; None if it can't be had there in the script of the bundle's answer."""
    options = {lang: _lent_in(lang, donor, bundle) for lang in bundle.by_lang}
    return {lang: option for lang, option in options.items() if option is not None} if None not in options.values() else None


def _lent_in(lang: str, donor: ParallelQuestion, bundle: ParallelQuestion) -> str | None:
    """A name is sometimes left in Latin letters within another script ("Lexus" in a Greek passage), and a phrase as English has it:
    beside it stands the donor's English form, if English is at hand. No text of another language is lent otherwise.
    """
    answer, own, english = bundle.answers[lang], donor.answers[lang], donor.answers.get("en", "")
    if script_of(answer, lang) == script_of(own, lang):
        return own
    is_left_in_latin = is_wholly_latin(answer) and not is_written_in_latin(lang)
    are_names = donor.answer_type == bundle.answer_type == "name"
    is_english = answer == bundle.answers.get("en")
    has_letters = bool(script_of(own, lang)) and is_wholly_latin(english)
    return english if is_left_in_latin and (are_names or is_english) and has_letters else None


def bundles_of(questions: Iterable[Question]) -> list[ParallelQuestion]:
    """The questions put together by id, in the order of their first appearance; the answer's type as given, or found out."""
    by_id: dict[str, dict[str, Question]] = defaultdict(dict)
    for question in questions:
        by_id[question.id][question.lang] = question
    return [_bundle(one_id, by_lang) for one_id, by_lang in by_id.items()]


def _bundle(one_id: str, by_lang: dict[str, Question]) -> ParallelQuestion:
    given = next(iter(by_lang.values())).answer_type
    found = given or answer_type({lang: question.answer for lang, question in by_lang.items()})
    return ParallelQuestion(one_id, dict(sorted(by_lang.items())), found)


Selection = dict[str, frozenset[str]]
"""id -> the languages that it is asked in; the ids in the order of the items."""


def first_of_each_language(bundles: Sequence[ParallelQuestion], limit: int | None) -> Selection:
    """The first `limit` ids of every language (all, if None), the ids of the most languages first, else in the given order.

    All languages go through the ids in one order, so parallel ids stay parallel; an id of which only some languages have room left is
    asked in those, so that no language goes short because another one is full.
    """
    taken: Counter[str] = Counter()
    selection = {}
    for bundle in sorted(bundles, key=lambda bundle: -len(bundle.languages)):
        with_room = frozenset(lang for lang in bundle.languages if limit is None or taken[lang] < limit)
        if with_room:
            selection[bundle.id] = with_room
            taken.update(with_room)
    return selection
