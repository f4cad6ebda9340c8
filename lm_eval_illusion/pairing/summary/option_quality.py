"""How good the options of items are, in numbers: of the asked kind, alike in length, present in the passage, and not given away."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from lm_eval_illusion.items import Item
from lm_eval_illusion.matching import occurs_in_passage
from lm_eval_illusion.pairing.summary.surface_rules import RuleScore, rule_scores

MOST_TRIED = 10_000
"""Lengths, passages and rules are looked at in the first items of a language, whose order is random: more would change no figure by 1 %."""


@dataclass(frozen=True)
class OptionQuality:
    """The options of the items of one language.

    Attributes:
        items: The number of items.
        tried: In how many of them everything but `asked_alike` was looked at.
        asked_alike: Share of items whose three wrong options all answer a question that asks for the same kind; None if unknown.
        length_ratio: Median over the wrong options of the longer length divided by the shorter one, option beside answer: 1 or more.
        in_passage: Share of the wrong options that stand in the passage, over the items that have one; None if none has.
        rules: Rule of surface -> what it scores.
    """

    items: int
    tried: int
    asked_alike: float | None
    length_ratio: float
    in_passage: float | None
    rules: dict[str, RuleScore]


def option_quality(items: Mapping[str, Sequence[Item]], asked_otherwise: Mapping[str, Set[str]]) -> dict[str, OptionQuality]:
    """Return language -> the quality of its options.

    Args:
        items: Language -> its items. A language without any is left out.
        asked_otherwise: Language -> the ids of the items that have an option of another kind. A language may be missing.
    """
    return {lang: _quality(of_language, asked_otherwise.get(lang)) for lang, of_language in items.items() if of_language}


def _quality(items: Sequence[Item], asked_otherwise: Set[str] | None) -> OptionQuality:
    tried = items[:MOST_TRIED]
    wrong = [(item, choice) for item in tried for index, choice in enumerate(item["choices"]) if index != item["gold"]]
    ratios = [_ratio(len(choice), len(item["answer"])) for item, choice in wrong]
    return OptionQuality(
        items=len(items),
        tried=len(tried),
        asked_alike=None if asked_otherwise is None else 1 - len(asked_otherwise) / len(items),
        length_ratio=statistics.median(ratios),
        in_passage=_share_in_passage(wrong),
        rules=rule_scores(items, len(tried)),
    )


def _ratio(length: int, other: int) -> float:
    return max(length, other) / max(1, min(length, other))


def _share_in_passage(options: Sequence[tuple[Item, str]]) -> float | None:
    # A passage is normalised once if its items follow one another.
    with_passage = sorted((entry for entry in options if entry[0]["context"]), key=lambda entry: entry[0]["context"])
    found = [occurs_in_passage(option, item["context"], item["lang"]) for item, option in with_passage]
    return sum(found) / len(found) if found else None
