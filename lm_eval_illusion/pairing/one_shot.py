"""The questions held out as one-shot examples, and which one stands before an item."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from lm_eval_illusion.matching.normalize import compact
from lm_eval_illusion.pairing.option_rules import RightAnswers, is_allowed
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.questions import Question

SHOTS = 4
"""Examples a language; of fewer than 200 questions one in fifty, at least one."""

Shot = Mapping[str, Question]
"""The example in each language."""
_Suits = Callable[[ParallelQuestion, str], bool]


def hold_out(bundles: Sequence[ParallelQuestion]) -> tuple[list[ParallelQuestion], list[ParallelQuestion]]:
    """Examples for every language, and the rest.

    The next example is always the id in the most languages that still lack some, the first of equals: so few ids are spent.
    """
    sizes = Counter(lang for bundle in bundles for lang in bundle.languages)
    lacking = Counter({lang: min(SHOTS, max(1, size // 50)) for lang, size in sizes.items()})
    shots: list[ParallelQuestion] = []
    rest = list(bundles)
    while +lacking:
        shot = max(rest, key=lambda bundle: sum(lacking[lang] > 0 for lang in bundle.languages))
        rest.remove(shot)
        shots.append(shot)
        lacking.subtract(shot.languages)
    return shots, rest


def choose_shot(
    bundle: ParallelQuestion, options: Sequence[Option], shots: Sequence[ParallelQuestion], known: RightAnswers
) -> Shot | str:
    """The example that stands before an item, one in all its languages if there is one; or why there is none.

    It is about another passage and gives nothing away: its answer is none of the options, nor holds the answer, nor is held by it or by the
    question. Where no example is as silent, it is enough that its answer is neither an option nor a right answer.
    """
    elsewhere = {lang: [shot for shot in shots if _is_elsewhere(shot, bundle, lang)] for lang in bundle.by_lang}
    if not all(elsewhere.values()):
        return "every held-out example is about the same passage"

    def is_unsaid(shot: ParallelQuestion, lang: str) -> bool:
        said, question = compact(shot.by_lang[lang].answer, lang), bundle.by_lang[lang]
        right = known[lang, compact(question.question, lang)]
        return said not in right and said not in [compact(option[lang], lang) for option in options]

    def is_silent(shot: ParallelQuestion, lang: str) -> bool:
        return is_unsaid(shot, lang) and is_allowed(shot.by_lang[lang].answer, bundle.by_lang[lang], known)

    for suits in (is_silent, is_unsaid):
        shot = _drawn(bundle, elsewhere, suits)
        if shot is not None:
            return shot
    return "the answer of every held-out example is one of its options"


def _is_elsewhere(shot: ParallelQuestion, bundle: ParallelQuestion, lang: str) -> bool:
    passage = bundle.by_lang[lang].context
    return lang in shot.by_lang and not (passage and shot.by_lang[lang].context == passage)


def _drawn(bundle: ParallelQuestion, shots: Mapping[str, Sequence[ParallelQuestion]], suits: _Suits) -> Shot | None:
    """One that suits in all languages, or one for each language, by the hash of the item's id."""
    suiting = {lang: [shot for shot in of_lang if suits(shot, lang)] for lang, of_lang in shots.items()}
    draw = int(hashlib.sha256(bundle.id.encode()).hexdigest(), 16)
    first = next(iter(suiting.values()))
    in_all = [shot for shot in first if all(shot in of_lang for of_lang in suiting.values())]
    if in_all:
        return in_all[draw % len(in_all)].by_lang
    if not all(suiting.values()):
        return None
    return {lang: of_lang[draw % len(of_lang)].by_lang[lang] for lang, of_lang in suiting.items()}
