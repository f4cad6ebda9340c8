"""Questions grouped by id over their languages: the unit that `pair` works on, so that items stay parallel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.matching.text.cldr import is_written_in_latin
from lm_eval_illusion.pairing.answer_types import answer_form, is_wholly_latin, script_of, writing_of
from lm_eval_illusion.pairing.reading.questions import Question


@dataclass(frozen=True)
class ParallelQuestion:
    """One question in all its languages.

    Attributes:
        id: The id of the question in every language.
        by_lang: Language -> question, sorted by language when made by `group_by_id`.
        given_type: What the source calls the type of the answer, "" if nothing. It is only compared with those of other questions.
        form: How the answer is written: one of `answer_types.FORMS`.
    """

    id: str
    by_lang: Mapping[str, Question]
    given_type: str
    form: str

    @property
    def answer_type(self) -> str:
        """What an item says about its answer: the given type, without one the form."""
        return self.given_type or self.form

    @property
    def has_number(self) -> bool:
        """Whether the answer is a number or a date, whatever its type is called."""
        return self.form in ("number", "date")

    @property
    def languages(self) -> frozenset[str]:
        """The languages of the question."""
        return frozenset(self.by_lang)

    @property
    def answers(self) -> dict[str, str]:
        """Language -> answer."""
        return {lang: question.answer for lang, question in self.by_lang.items()}

    @property
    def english_answer(self) -> str:
        """The answer in English, "" if there is none."""
        question = self.by_lang.get("en")
        return question.answer if question is not None else ""

    @property
    def topic(self) -> str:
        """What the question is about, "" if unknown."""
        return next(iter(self.by_lang.values())).topic

    @property
    def has_choices(self) -> bool:
        """Whether the source gives the options, in every language."""
        return all(question.choices for question in self.by_lang.values())


def group_by_id(questions: Iterable[Question]) -> list[ParallelQuestion]:
    """Group questions by id, in the order of first appearance. The form is detected from the answers."""
    by_id: dict[str, dict[str, Question]] = defaultdict(dict)
    for question in questions:
        by_id[question.id][question.lang] = question
    return [_parallel_question(question_id, by_lang) for question_id, by_lang in by_id.items()]


def _parallel_question(question_id: str, by_lang: Mapping[str, Question]) -> ParallelQuestion:
    given_type = next(iter(by_lang.values())).answer_type
    form = answer_form(
        {lang: question.answer for lang, question in by_lang.items()},
        {lang: question.question for lang, question in by_lang.items()},
    )
    return ParallelQuestion(question_id, dict(sorted(by_lang.items())), given_type, form)


Option = dict[str, str]
"""Language -> the text of one option."""


def as_option(donor: ParallelQuestion, question: ParallelQuestion) -> Option | None:
    """Return the donor's answer as an option of `question`, in each language of `question`.

    Return None if in some language the donor has no answer in the writing of the question's answer.
    """
    sources = {lang: option_language(lang, donor, question) for lang in question.by_lang}
    options = {lang: donor.by_lang[source].answer for lang, source in sources.items() if source is not None}
    return options if len(options) == len(sources) else None


def option_language(lang: str, donor: ParallelQuestion, question: ParallelQuestion) -> str | None:
    """Return the language in which the donor's answer is an option of `question` in `lang`: `lang`, or "en" beside Latin letters.

    Some names keep their Latin letters within another script ("Lexus" in a Greek passage), and some phrases are left in English.
    Beside such an answer the English form of the donor's answer is used, if there is one. This is the only case in which
    an option is taken from another language. Of the donor, only its form, the writing of its answer and `has_english_form` decide.
    """
    answer, donor_answer = question.by_lang[lang].answer, donor.by_lang[lang].answer
    if writing_of(answer, lang) == writing_of(donor_answer, lang):
        return lang
    is_left_in_latin = is_wholly_latin(answer) and not is_written_in_latin(lang)
    are_names = donor.form == question.form == "name"
    is_english = answer == question.english_answer
    return "en" if is_left_in_latin and (are_names or is_english) and has_english_form(donor, lang) else None


def has_english_form(donor: ParallelQuestion, lang: str) -> bool:
    """Return whether a donor's answer has letters in `lang` and is written in Latin letters in English."""
    return bool(script_of(donor.by_lang[lang].answer, lang)) and is_wholly_latin(donor.english_answer)


Selection = dict[str, frozenset[str]]
"""Question id -> the languages in which it becomes an item; the ids in the order of the items."""


def select_first(questions: Sequence[ParallelQuestion], limit: int | None) -> Selection:
    """Select the first `limit` questions of every language (None: all); questions in more languages come first.

    All languages go through the questions in the same order, so that items stay parallel. If only some languages of a question are
    below the limit, the question is selected in these, so that no language gets fewer items because another one is full.
    """
    counts: Counter[str] = Counter()
    selection = {}
    for question in sorted(questions, key=lambda question: -len(question.languages)):
        open_languages = frozenset(lang for lang in question.languages if limit is None or counts[lang] < limit)
        if open_languages:
            selection[question.id] = open_languages
            counts.update(open_languages)
    return selection
