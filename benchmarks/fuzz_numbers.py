"""Random answers with numbers in every language: `python -m benchmarks.fuzz_numbers`.

Each case is one to five questions in one or two languages; their answers are made of digits of several scripts, numerals, units, months,
signs and letters. A case is wrong if it ends in a traceback or takes more than two seconds of processor time, or if an option equals the
answer or another option, has other words or signs than the answer, or breaks the rules of options. Exit code 1 if any case is wrong.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.time_limit import HangError, time_limit
from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.numbers.distractors import NumberDistractors
from lm_eval_illusion.pairing.option_rules import is_allowed, right_answers
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.surface_cues import count_characters

MOST_SECONDS = 2.0
_PIECES = (
    *"0 1 7 12 45 99 007 1990 2025 1,234 3.5 1e6 9999999999999999 ٤٢ ১৯৯০ ၃ 𝟘 ４２ ² ½ Ⅷ 三百 十二 XIV IX three".split(),
    *"twelve neun пять دو".split(),
    *"% ٪ $ € ° °C – - / : ' \" ( ) [ ] feet km kg century siglo XVI век 世紀 年 million May 2004 BC AD the of about s th st 's".split(),
    *("\u200b", "\u0301", "é", "\U0001f642", ".", ",", ";", "=", "+", "×", "^", "√", "~", "A", "aB", "\t", "’", "\u202e"),
)


@dataclass
class Figures:
    """What a run found: the processor time of the slowest case in seconds, and what is wrong."""

    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)


def cases(count: int, seed: int) -> Iterator[list[Question]]:
    """Yield the questions of each case, the same on every machine."""
    rng = random.Random(seed)
    codes = language_codes()

    def text() -> str:
        return rng.choice(["", " "]).join(rng.choice(_PIECES) for _ in range(rng.randint(1, 6)))

    for _ in range(count):
        langs = sorted({rng.choice(codes), *([rng.choice(codes)] if rng.random() < 0.4 else [])})
        questions = []
        for number in range(rng.randint(1, 5)):
            for lang in langs:
                answer = text()
                passage, aliases = rng.choice(["", text()]), rng.choice([(), (text(),)])
                shown = answer if any(map(str.isalnum, compact(answer, lang))) else "7"
                questions.append(Question(str(number), lang, f"Q {text()}?", passage, shown, aliases))
        yield questions


def faults(questions: Sequence[Question]) -> Iterator[str]:
    """Yield what is wrong with the options that the questions get."""
    grouped, answer_key = group_by_id(questions), right_answers(questions)
    numbers = NumberDistractors(grouped, answer_key)
    chosen = numbers.options(numbers.ids, count_characters(question.answers for question in grouped), random.Random(0))
    for question in grouped:
        for lang, translation in question.by_lang.items():
            options = [option[lang] for option in chosen.get(question.id, [])]
            described = f"{lang} {translation.answer!r} -> {options}"
            if options and len({compact(text, lang) for text in (translation.answer, *options)}) != 4:
                yield f"equal options: {described}"
            for option in options:
                others = [other for other in options if other != option]
                if not is_allowed(option, translation, answer_key, others):
                    yield f"not allowed: {described}"
                if any(map(str.isdecimal, translation.answer)) and _signs(option) != _signs(translation.answer):
                    yield f"other signs: {described}"


def _signs(text: str) -> str:
    """The signs of a text other than letters and digits, which may change with the number: 1st, 2nd."""
    return re.sub(r"\w", "", text)


def fuzz(count: int, seed: int) -> Figures:
    """Run the cases and return what they found."""
    figures = Figures()
    for questions in cases(count, seed):
        start = time.process_time()
        described = [(question.lang, question.question, question.answer) for question in questions]
        try:
            with time_limit(MOST_SECONDS * 5):
                figures.wrong += faults(questions)
        except HangError:
            figures.wrong.append(f"hangs: {described}")
        except Exception:
            figures.wrong.append(f"{described}: {traceback.format_exc(limit=-3)}")
        seconds = time.process_time() - start
        figures.slowest = max(figures.slowest, seconds)
        if seconds > MOST_SECONDS:
            figures.wrong.append(f"takes {seconds:.1f} s: {described}")
    return figures


def main() -> int:
    """Run the fuzz and print its figures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    figures = fuzz(options.cases, options.seed)
    print(
        f"{options.cases} cases in {time.perf_counter() - start:.0f} s, the slowest in {figures.slowest:.1f} s, {len(figures.wrong)} wrong"
    )
    for wrong in figures.wrong:
        print(wrong)
    return 1 if figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
