"""One-shot examples ("shots"): the questions held out for them, and the choice of one for each item."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.option_rules import RightAnswers, is_allowed, overlaps
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question

SHOTS_PER_LANGUAGE = 4
QUESTIONS_PER_SHOT = 50
"""A language of fewer than 200 questions gets one shot per this many questions, but at least one."""
SPARE_FROM = 20
"""A language with this many questions gets a second shot if the first one's answer may be an option of its items."""
LONGEST = {"question": 300, "answer": 60, "context": 2_000}
"""Characters of a shot, if there are such questions: the prompt of every item repeats one."""
COMPARED = 200
"""Questions of one set of languages that are compared for a shot, those with the rarest answers. It bounds the time."""
COMPARED_PER_ANSWER = 4
"""Questions among them that have the same answers."""

ShotByLanguage = Mapping[str, Question]
"""Language -> the example question."""


@dataclass(frozen=True)
class _Candidate:
    """A question that may become a shot.

    `answers`: language -> answer in compact form. `frequency`: in how many questions of a language the answer is right or one of the
    choices that the source gives, at most.
    `order`: the position among the questions.
    """

    question: ParallelQuestion
    answers: Mapping[str, str]
    is_unfit: bool
    is_long: bool
    frequency: int
    order: int

    @property
    def may_be_option(self) -> bool:
        """Whether the answer may become an option of items, which then can't have this shot."""
        return self.question.has_number or self.frequency > 1

    @property
    def rank(self) -> tuple[bool, bool, int, bool, int]:
        """The rank among the candidates before any shot is chosen, the best one lowest."""
        return self.is_unfit, self.is_long, self.frequency, self.question.has_number, self.order

    def rank_beside(self, chosen: Sequence[_Candidate]) -> tuple[bool, bool, bool, bool, int, int, bool, int]:
        """Return the rank beside the shots that are chosen already, the best one lowest."""
        forms = Counter(shot.question.form for shot in chosen)
        return (
            self.is_unfit,
            any(self._shares_answer(shot) for shot in chosen),
            any(self._shares_passage(shot) for shot in chosen),
            self.is_long,
            self.frequency,
            forms[self.question.form],
            self.question.has_number,
            self.order,
        )

    def _shares_answer(self, other: _Candidate) -> bool:
        return any(overlaps(answer, [other.answers[lang]]) for lang, answer in self.answers.items() if lang in other.answers)

    def _shares_passage(self, other: _Candidate) -> bool:
        own, others = self.question.by_lang, other.question.by_lang
        return any(own[lang].context and own[lang].context == others[lang].context for lang in own.keys() & others.keys())


def hold_out_shots(questions: Sequence[ParallelQuestion], unfit: Set[str] = frozenset()) -> list[ParallelQuestion]:
    """Return the shots of every language.

    The next shot is always one of the questions in the most languages that still need a shot, so that few questions become shots. Of
    these the best one is taken: its answer is none of the other shots', nor part of one; it is about another passage; it is not long; few
    questions have its answer, because items whose options have it can't have this shot; its answer has another form than those of
    the others, and is no number, since changed numbers may equal it. The first one of equals is taken.

    Args:
        questions: The questions that may become shots, in order.
        unfit: The ids of those that become shots only where there are no others: their answer stands in the question.
    """
    sizes = Counter(lang for question in questions for lang in question.languages)
    needed = Counter({lang: min(SHOTS_PER_LANGUAGE, max(1, size // QUESTIONS_PER_SHOT)) for lang, size in sizes.items()})
    groups = _groups(questions, unfit)
    chosen: list[_Candidate] = []
    while +needed:
        covered = {languages: sum(needed[lang] > 0 for lang in languages) for languages, group in groups.items() if group}
        most = max(covered.values())
        rivals = [rival for languages, count in covered.items() if count == most for rival in _compared(groups[languages])]
        shot = min(rivals, key=lambda rival: rival.rank_beside(chosen))
        if shot.may_be_option:
            held_out = Counter(lang for other in chosen for lang in other.question.languages)
            needed.update(
                lang for lang in shot.question.languages if sizes[lang] >= SPARE_FROM and _is_only(lang, needed, held_out)
            )
        chosen.append(shot)
        groups[shot.question.languages].remove(shot)
        needed.subtract(shot.question.languages)
    return [shot.question for shot in chosen]


def _is_only(lang: str, needed: Mapping[str, int], held_out: Mapping[str, int]) -> bool:
    """Return whether the next shot of a language would be its only one."""
    return needed[lang] == 1 and not held_out[lang]


def _groups(questions: Sequence[ParallelQuestion], unfit: Set[str]) -> dict[frozenset[str], list[_Candidate]]:
    """Return the candidates of each set of languages, the best ones first."""
    answers = [{lang: compact(answer, lang) for lang, answer in question.answers.items()} for question in questions]
    counts = Counter(item for by_lang in answers for item in by_lang.items())
    counts.update(
        item for question, by_lang in zip(questions, answers, strict=True) for item in _wrong_choices(question, by_lang)
    )
    groups: dict[frozenset[str], list[_Candidate]] = defaultdict(list)
    for order, (question, by_lang) in enumerate(zip(questions, answers, strict=True)):
        frequency = max(counts[item] for item in by_lang.items())
        candidate = _Candidate(question, by_lang, question.id in unfit, _is_long(question), frequency, order)
        groups[question.languages].append(candidate)
    for group in groups.values():
        group.sort(key=lambda candidate: candidate.rank)
    return groups


def _wrong_choices(question: ParallelQuestion, answers: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return language and compact form of the wrong options that the source gives."""
    given = {(lang, compact(choice, lang)) for lang, in_lang in question.by_lang.items() for choice in in_lang.choices}
    return given - set(answers.items())


def _is_long(question: ParallelQuestion) -> bool:
    return any(
        len(getattr(translation, field)) > most for translation in question.by_lang.values() for field, most in LONGEST.items()
    )


def _compared(group: Sequence[_Candidate]) -> Iterator[_Candidate]:
    """Yield the first candidates, of each answer only a few."""
    seen: Counter[tuple[str, ...]] = Counter()
    yielded = 0
    for candidate in group:
        answers = tuple(candidate.answers.values())
        if yielded == COMPARED:
            return
        if seen[answers] < COMPARED_PER_ANSWER:
            seen[answers] += 1
            yielded += 1
            yield candidate


def choose_shot(
    question: ParallelQuestion, options: Sequence[Option], shots: Sequence[ParallelQuestion], answer_key: RightAnswers
) -> ShotByLanguage | str:
    """Return the example for an item, the same question in all its languages if possible, or the reason why there is none.

    The example belongs to another passage and reveals nothing: its answer is none of the options, does not contain a right answer, is
    not contained in one, and does not occur in the question. If no example satisfies this, its answer must only differ from the
    options and the right answers.

    Args:
        question: The question of the item.
        options: Its distractors.
        shots: The held-out questions.
        answer_key: The right answers of all questions.
    """
    candidates = {lang: [shot for shot in shots if _has_other_passage(shot, question, lang)] for lang in question.by_lang}
    if not all(candidates.values()):
        return "every held-out example is about the same passage"

    others = {
        lang: {compact(option[lang], lang) for option in options} | answer_key[lang, compact(translation.question, lang)]
        for lang, translation in question.by_lang.items()
    }

    def differs(shot: ParallelQuestion, lang: str) -> bool:
        return compact(shot.by_lang[lang].answer, lang) not in others[lang]

    def reveals_nothing(shot: ParallelQuestion, lang: str) -> bool:
        return differs(shot, lang) and is_allowed(shot.by_lang[lang].answer, question.by_lang[lang], answer_key)

    for is_acceptable in (reveals_nothing, differs):
        shot = _pick(question, candidates, is_acceptable)
        if shot is not None:
            return shot
    return "the answer of every held-out example is one of its options"


def _has_other_passage(shot: ParallelQuestion, question: ParallelQuestion, lang: str) -> bool:
    passage = question.by_lang[lang].context
    return lang in shot.by_lang and not (passage and shot.by_lang[lang].context == passage)


def _pick(
    question: ParallelQuestion,
    candidates: Mapping[str, Sequence[ParallelQuestion]],
    is_acceptable: Callable[[ParallelQuestion, str], bool],
) -> ShotByLanguage | None:
    """Pick a shot that is acceptable in all languages, or else one for each language; the hash of the question's id decides."""
    acceptable = {lang: [shot for shot in in_lang if is_acceptable(shot, lang)] for lang, in_lang in candidates.items()}
    draw = int(hashlib.sha256(question.id.encode()).hexdigest(), 16)
    first = next(iter(acceptable.values()))
    is_one = len(acceptable) == 1
    in_all_languages = first if is_one else [shot for shot in first if all(shot in in_lang for in_lang in acceptable.values())]
    if in_all_languages:
        return in_all_languages[draw % len(in_all_languages)].by_lang
    if not all(acceptable.values()):
        return None
    return {lang: in_lang[draw % len(in_lang)].by_lang[lang] for lang, in_lang in acceptable.items()}
