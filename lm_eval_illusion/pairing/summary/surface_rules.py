"""What rules of surface alone would score on items: they see the options, never what the question asks for.

Written apart from the code that chooses the options, so that the figures check it. The time is linear in the number of items.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lm_eval_illusion.items import Item
from lm_eval_illusion.languages import language
from lm_eval_illusion.matching import occurs_in_passage
from lm_eval_illusion.pairing.numbers.spans import numbers_of

CHANCE = 0.25
RULES = {
    "longest": "the option with the most characters",
    "shortest": "the option with the fewest characters",
    "likeliest": "the option with the most frequent characters",
    "most used": "the option that most items of the language have",
    "least used": "the option that the fewest items of the language have",
    "nearest mean": "where all options have a number: the one nearest to their mean",
    "in passage": "where there is a passage: an option that stands in it",
    "question words": "the option with the most words of the question",
}
"""Name of a rule -> what it picks. Of equally good options it picks one at random; its score is the share of right picks to expect."""
_MASS_OUTSIDE = 0.025
_EXACT_UP_TO = 2_000
_MARKS = re.compile(r"[^\d]+")


@dataclass(frozen=True)
class RuleScore:
    """How often a rule picks the answer. `hits`: the expected number of right picks; `items`: to how many items the rule applies."""

    hits: float
    items: int

    @property
    def share(self) -> float | None:
        """The share of right picks, None if the rule applies to no item."""
        return self.hits / self.items if self.items else None

    @property
    def is_by_chance(self) -> bool:
        """Whether the share lies within the range of chance, or there is none."""
        low, high = chance_range(self.items)
        return self.share is None or low <= self.share <= high


@lru_cache(maxsize=1_000)
def chance_range(items: int) -> tuple[float, float]:
    """Return the shares between which a guess at random among four options lies in at least 95 of 100 cases.

    By the binomial distribution; for more than 2,000 items by the normal one, which then differs by less than 0.1 percentage points.
    """
    if items > _EXACT_UP_TO:
        distance = 1.959964 * math.sqrt(CHANCE * (1 - CHANCE) / items)
        return CHANCE - distance, CHANCE + distance
    low, below = None, 0.0
    for hits in range(items + 1):
        ways = math.lgamma(items + 1) - math.lgamma(hits + 1) - math.lgamma(items - hits + 1)
        below += math.exp(ways + hits * math.log(CHANCE) + (items - hits) * math.log(1 - CHANCE))
        if low is None and below > _MASS_OUTSIDE:
            low = hits
        if low is not None and below >= 1 - _MASS_OUTSIDE:
            return low / max(1, items), hits / max(1, items)
    return 0.0, 1.0


def rule_scores(items: Sequence[Item], tried: int) -> dict[str, RuleScore]:
    """Return rule -> its score on the first `tried` items of a language, in the order of `RULES`. `items`: all that the language has."""
    uses = Counter(choice for item in items for choice in item["choices"])
    likelihoods = _likelihoods(uses)
    hits, counts = dict.fromkeys(RULES, 0.0), dict.fromkeys(RULES, 0)
    # A passage is normalised once if its items follow one another.
    for item in sorted(items[:tried], key=lambda item: item["context"]):
        for rule, values in _values(item, uses, likelihoods).items():
            if values is not None:
                hits[rule] += _hit(values, item["gold"])
                counts[rule] += 1
    return {rule: RuleScore(hits[rule], counts[rule]) for rule in RULES}


def _values(item: Item, uses: Mapping[str, int], likelihoods: Mapping[str, float]) -> dict[str, Sequence[float] | None]:
    """Return for each rule the values of the four options, of which it picks the highest; None where it does not apply."""
    choices, lang, context = item["choices"], item["lang"], item["context"]
    lengths = [len(choice) for choice in choices]
    counts = [uses[choice] for choice in choices]
    in_question = _words(item["question"], lang)
    return {
        "longest": lengths,
        "shortest": [-length for length in lengths],
        "likeliest": [likelihoods[choice] for choice in choices],
        "most used": counts,
        "least used": [-count for count in counts],
        "nearest mean": _nearness_to_mean(choices),
        "in passage": [occurs_in_passage(choice, context, lang) for choice in choices] if context else None,
        "question words": [len(_words(choice, lang) & in_question) for choice in choices],
    }


def _hit(values: Sequence[float], gold: int) -> float:
    """Return the probability that a pick of the highest value, at random among equal ones, is the answer."""
    best = max(values)
    # Sums of floats that are equal on paper differ in the last digits.
    least = best - 1e-9 * abs(best)
    return 1 / sum(value >= least for value in values) if values[gold] >= least else 0.0


def _likelihoods(uses: Counter[str]) -> dict[str, float]:
    """Return text -> mean logarithm of the frequency of its characters among all options."""
    counts: Counter[str] = Counter()
    for text, count in uses.items():
        for character in text:
            counts[character] += count
    logarithms = {character: math.log(count / counts.total()) for character, count in counts.items()}
    return {text: sum(map(logarithms.__getitem__, text)) / max(1, len(text)) for text in uses}


def _nearness_to_mean(choices: Iterable[str]) -> list[float] | None:
    """Return the negative distances of the options' first numbers from the mean of the four; None if an option has no number."""
    numbers = [_first_number(choice) for choice in choices]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return None
    mean = sum(known) / len(known)
    return [-abs(number - mean) for number in known]


@lru_cache(maxsize=100_000)
def _first_number(text: str) -> float | None:
    """Return the first number of a text, None if there is none. A mark before exactly three digits parts thousands."""
    # `numbers_of` takes longer, and most answers are names.
    if not any(map(str.isdecimal, text)):
        return None
    first = next(iter(numbers_of(text)), None)
    if first is None or len(first.digits) > 300:
        return None
    decimals = len(_MARKS.split(text[first.start : first.end])[-1])
    is_whole = first.is_plain or decimals == 3
    return int(first.digits) / (1 if is_whole else 10**decimals)


@lru_cache(maxsize=100_000)
def _words(text: str, lang: str) -> frozenset[str]:
    """Return the words of a text in lower case; pairs of characters where no spaces part words."""
    words = re.findall(r"\w+", text.casefold())
    if language(lang).words.spaces:
        return frozenset(words)
    return frozenset(word[start : start + 2] for word in words for start in range(max(1, len(word) - 1)))
