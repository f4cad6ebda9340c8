"""Processor time and memory of `pair` for many questions: python -m benchmarks.pairing --count 1000 10000 100000

The questions are made, each count of them twice: `kinds` asks for 200 kinds of things in 40 patterns; in `one pattern` all questions
have the same words, so that all of them share every list of the index of donors.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Sequence

from lm_eval_illusion.pairing import pair
from lm_eval_illusion.pairing.reading.questions import Question

COUNTS = (1_000, 10_000, 100_000)
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def made_questions(count: int, one_pattern: bool) -> list[Question]:
    """Return English questions with made-up words; the same ones in every run."""
    draw = random.Random(count)

    def word(syllables: int) -> str:
        return "".join(draw.choice(_CONSONANTS) + draw.choice(_VOWELS) for _ in range(syllables))

    kinds, patterns = [word(3) for _ in range(200)], [f"{{kind}} {word(2)} {word(3)}" for _ in range(40)]
    questions = []
    for number in range(count):
        asked = "is the capital" if one_pattern else draw.choice(patterns).format(kind=draw.choice(kinds))
        text = f"{'What' if one_pattern else 'Which'} {asked} of {word(3).title()}?"
        answer = " ".join(word(draw.randint(2, 4)).title() for _ in range(draw.randint(1, 2)))
        questions.append(Question(f"{number:06}", "en", text, "", answer))
    return questions


def measure(questions: Sequence[Question]) -> tuple[int, float]:
    """Pair the questions; return how many items they gave and the seconds of processor time."""
    begin = time.process_time()
    items = sum(map(len, pair(questions, "benchmark").items.values()))
    return items, time.process_time() - begin


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line for each count and each kind of questions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, nargs="+", default=COUNTS, help="questions (default: 1000 10000 100000)")
    for count in sorted(parser.parse_args(arguments).count):
        for one_pattern in (False, True):
            items, seconds = measure(made_questions(count, one_pattern))
            # Linux counts in KiB, macOS in bytes.
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
            name = "one pattern" if one_pattern else "kinds"
            print(
                f"{count:>7,} questions, {name:11}: {items:>7,} items, {seconds:6.1f} s of processor time, peak {peak:,.0f} MiB"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
