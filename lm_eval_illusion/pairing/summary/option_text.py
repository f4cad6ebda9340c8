"""The part of pairing.txt on the options: tables of their quality and of rules of surface, and example items in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lm_eval_illusion.escaping import cut, shortened
from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.summary.option_quality import OptionQuality
from lm_eval_illusion.pairing.summary.surface_rules import RULES, RuleScore, chance_range
from lm_eval_illusion.pairing.summary.text_layout import paragraph, table

EXAMPLES = 3
UNKNOWN = "-"
_LONGEST_CODE = 10
_LONGEST_PASSAGE = 300


def options_line(quality: Mapping[str, OptionQuality]) -> str:
    """Return one sentence on the options of all languages."""
    known = [one for one in quality.values() if one.asked_alike is not None]
    kind = sum(one.asked_alike * one.items for one in known if one.asked_alike is not None)
    share = _percent(kind / sum(one.items for one in known)) if known else UNKNOWN
    alike = f"{share} of the items have three wrong options of the asked kind; " if known else ""
    outside = Counter(rule for one in quality.values() for rule, score in one.rules.items() if not score.is_by_chance)
    named = ", ".join(f"{rule} ({count})" for rule, count in outside.items()) or "none"
    return f"Options: {alike}rules of surface that score other than by chance (in how many languages): {named}."


def options_section(quality: Mapping[str, OptionQuality]) -> list[str]:
    """Return the tables of the options, each with a paragraph that explains it; nothing if there is no item."""
    return [*_quality_table(quality), "", *_rules_table(quality)] if quality else []


def _quality_table(quality: Mapping[str, OptionQuality]) -> list[str]:
    explanation = (
        "How good the wrong options are. Asked kind: items whose three wrong options answer questions that ask for the same kind of"
        " thing (- if that is not known); --strict drops the other items. Length ratio: the longer of option and answer divided by"
        " the shorter one, the median. In passage: wrong options that stand in the passage (- without passages)."
    )
    rows = [
        [
            shortened(lang, _LONGEST_CODE),
            f"{one.items:,}",
            _percent(one.asked_alike),
            f"{one.length_ratio:.1f}",
            _percent(one.in_passage),
        ]
        for lang, one in quality.items()
    ]
    return [*paragraph(explanation), *table(["", "items", "asked kind", "length ratio", "in passage"], rows)]


def _rules_table(quality: Mapping[str, OptionQuality]) -> list[str]:
    tried = max(one.tried for one in quality.values())
    figures = [score for one in quality.values() for score in one.rules.values() if score.items]
    outside = sum(not score.is_by_chance for score in figures)
    explanation = (
        "What a rule of surface would score, in percent: it sees the options and not what is asked. By chance it is right in 25 %;"
        " * marks a score outside of the range in which 95 of 100 guesses at random lie, with as many items as the rule applies to."
        f" {outside} of {len(figures)} scores are marked; about {len(figures) * 0.05:.0f} would be by chance alone."
    )
    if tried < max(one.items for one in quality.values()):
        explanation += f" Rules, lengths and passages were tried on {tried:,} items of a language."
    lines = [line for rule, meaning in RULES.items() for line in paragraph(f"{rule}: {meaning}", indent=2, hanging=4)]
    headings = ["", "by chance", *(rule.replace(" ", "\n") for rule in RULES)]
    rows = [
        [shortened(lang, _LONGEST_CODE), _range(one.tried), *(_score(one.rules[rule]) for rule in RULES)]
        for lang, one in quality.items()
    ]
    return [*paragraph(explanation), *lines, *table(headings, rows)]


def examples(items: Sequence[Item]) -> list[str]:
    """Return up to three items in full, of different types of answer where possible. `items`: those of one language, at least one."""
    lang = shortened(items[0]["lang"], _LONGEST_CODE)
    lines = [f"The first items in {lang}, each of another type of answer where there are any:"]
    for item in _of_different_types(items):
        lines += ["", *_item_lines(item)]
    return lines


def _of_different_types(items: Sequence[Item]) -> list[Item]:
    first_of_type: dict[str, Item] = {}
    for item in items:
        first_of_type.setdefault(item["answer_type"], item)
    others = (item for item in items[: 2 * EXAMPLES] if item not in first_of_type.values())
    return [*first_of_type.values(), *others][:EXAMPLES]


def _item_lines(item: Item) -> list[str]:
    passage = paragraph(f"Passage: {cut(item['context'], _LONGEST_PASSAGE)}", indent=2, hanging=4) if item["context"] else []
    lines = [*paragraph(item["id"], indent=2), *passage, *paragraph(f"Question: {item['question']}", indent=2, hanging=4)]
    for index, choice in enumerate(item["choices"]):
        mark = " <- the answer" if index == item["gold"] else ""
        lines += paragraph(f"{'ABCD'[index]}. {choice}{mark}", indent=4, hanging=7)
    return [*lines, *paragraph(f"also right: {', '.join(item['aliases'])}", indent=4, hanging=7)] if item["aliases"] else lines


def _score(score: RuleScore) -> str:
    return UNKNOWN if score.share is None else f"{100 * score.share:.0f}{' ' if score.is_by_chance else '*'}"


def _range(items: int) -> str:
    low, high = chance_range(items)
    return f"{100 * low:.0f}-{100 * high:.0f}"


def _percent(share: float | None) -> str:
    if share is None:
        return UNKNOWN
    # Only what holds for all is 100 %.
    return f"{100 if share == 1 else min(99, round(100 * share))} %"
