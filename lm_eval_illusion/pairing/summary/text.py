"""The text of pairing.txt: what was read, what became items, what was dropped and why, and how good the options are.

It is written for a person who reads it from top to bottom. `overview` is the short form for the terminal.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

from lm_eval_illusion.escaping import shortened
from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.build import Paired
from lm_eval_illusion.pairing.reading.question_file import QuestionFile
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.summary.option_quality import OptionQuality, option_quality
from lm_eval_illusion.pairing.summary.option_text import examples, options_line, options_section
from lm_eval_illusion.pairing.summary.text_layout import WIDTH, one_line, paragraph

MAX_LISTED = 5
"""The most examples that are listed for one reason, and the most reasons, fields and notices on the terminal."""
MAX_NOTICES = 30
MAX_EXAMPLES = 20
_LONGEST_ID = 25
_Dropped = TypeVar("_Dropped")


@dataclass(frozen=True)
class Pairing:
    """What a summary is about: where the questions come from, what the reader says of them, and what was made of them."""

    name: str
    source: str
    questions: QuestionFile
    paired: Paired
    quality: Mapping[str, OptionQuality]


def pairing_of(name: str, source: str, questions: QuestionFile, paired: Paired) -> Pairing:
    """Return the record of a summary, with the quality of the options. The time is linear in the number of items."""
    given = {question.id for question in questions.questions if question.choices}
    return Pairing(name, source, questions, paired, option_quality(paired.items, paired.asked_otherwise, given))


def overview(pairing: Pairing) -> list[str]:
    """Return the lines for the terminal: counts, what was dropped, what reading has to say, and one line on the options."""
    dropped = _first_reasons(_by_reason(pairing.paired.dropped.items()))
    lines = [*_counts(pairing), *(paragraph(f"{dropped}.", indent=2) if dropped else [])]
    lines += [*_unused(pairing, MAX_LISTED), *_notices("Notices of reading:", _of_reading(pairing), MAX_LISTED)]
    return [*lines, *(paragraph(options_line(pairing.quality)) if pairing.quality else [])]


def summary(pairing: Pairing) -> str:
    """Return the text of pairing.txt, lines of at most 100 columns."""
    title = one_line(f"Items of {pairing.name}, made from {pairing.source}")
    sections = [
        [title],
        _counts(pairing),
        _reading(pairing),
        _rows(pairing),
        _dropped(pairing),
        _held_out(pairing),
        options_section(pairing.quality),
        examples(_items_read_first(pairing)) if pairing.quality else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _counts(pairing: Pairing) -> list[str]:
    questions, paired = pairing.questions, pairing.paired
    ids = {question.id for question in questions.questions}
    counts = ", ".join(f"{lang} {len(items):,}" for lang, items in paired.items.items()) or "none"
    lines = [f"{len(questions.questions):,} questions read, {len(ids):,} ids."]
    if questions.dropped:
        reasons = _first_reasons(_by_reason((row, row.reason) for row in questions.dropped))
        count = f"{len(questions.dropped):,} of {questions.rows:,}"
        lines += paragraph(f"Rows that could not be used: {count}: {reasons}.", hanging=2)
    if questions.duplicates:
        lines.append(f"Questions left out because they repeat another one: {questions.duplicates:,}.")
    in_items = {item["id"] for items in paired.items.values() for item in items}
    left_over = len(ids - in_items - paired.dropped.keys() - set(paired.held_out))
    return [
        *lines,
        *paragraph(f"Items: {counts}.", hanging=2),
        *[f"Left over, because the limit is reached: {left_over:,} ids."] * (left_over > 0),
        f"Held out as one-shot examples: {len(paired.held_out):,}.",
        f"Dropped: {len(paired.dropped):,} of {len(ids):,} ids.",
    ]


def _first_reasons(groups: Sequence[tuple[str, Sequence[object]]]) -> str:
    """Return the most frequent reasons with their counts, in one line."""
    more = [f"and {len(groups) - MAX_LISTED} more reasons"] * (len(groups) > MAX_LISTED)
    return "; ".join([*(_counted(reason, len(entries)) for reason, entries in groups[:MAX_LISTED]), *more])


def _counted(reason: str, count: int) -> str:
    return f"{reason} ({count:,})"


def _reading(pairing: Pairing) -> list[str]:
    """Return which fields the reader did not use, and what it and `pair` have to say."""
    of_pairing = _notices("Notices of pairing:", pairing.paired.notices, MAX_NOTICES)
    return _unused(pairing) + _notices("Notices of reading:", _of_reading(pairing), MAX_NOTICES) + of_pairing


def _unused(pairing: Pairing, most: int | None = None) -> list[str]:
    unused = pairing.questions.unused_fields
    more = f" and {len(unused) - most} more" if most is not None and len(unused) > most else ""
    return paragraph(f"Fields not used: {', '.join(unused[:most])}{more}.", hanging=2) if unused else []


def _of_reading(pairing: Pairing) -> list[str]:
    return [_without_source(notice, pairing.source) for notice in pairing.questions.notices]


def _notices(heading: str, notices: Sequence[str], most: int) -> list[str]:
    lines = [line for notice in notices[:most] for line in paragraph(notice, indent=2, hanging=4)]
    more = [f"  and {len(notices) - most:,} more"] * (len(notices) > most)
    return [heading, *lines, *more] if notices else []


def _rows(pairing: Pairing) -> list[str]:
    """Return the rows that could not be used, by reason, with the first of each."""
    dropped = pairing.questions.dropped
    lines = ["Rows that could not be used:"]
    for reason, rows in _by_reason((row, row.reason) for row in dropped):
        entries = [f"{_place(row.location, pairing.source)}: {row.problem or row.reason}" for row in rows[:MAX_LISTED]]
        lines += _reason_lines(reason, len(rows), entries)
    return lines if dropped else []


def _dropped(pairing: Pairing) -> list[str]:
    """Return the questions that gave no item, by reason, with the first of each."""
    dropped = pairing.paired.dropped
    in_file = dict.fromkeys(question.id for question in pairing.questions.questions if question.id in dropped)
    groups = _by_reason((question_id, dropped[question_id]) for question_id in in_file)
    questions = _questions_of(pairing, {question_id for _, ids in groups for question_id in ids[:MAX_LISTED]})
    lines = ["Questions that gave no item:"]
    for reason, ids in groups:
        entries = [_question_line(questions[question_id], pairing.source) for question_id in ids[:MAX_LISTED]]
        lines += _reason_lines(reason, len(ids), entries)
    return lines if groups else []


def _held_out(pairing: Pairing) -> list[str]:
    """Return the one-shot examples with their answers."""
    from rich.cells import cell_len

    ids = pairing.paired.held_out
    questions = _questions_of(pairing, set(ids))
    lines = []
    for question in map(questions.__getitem__, ids[:MAX_EXAMPLES]):
        answer = f" -> {one_line(question.answer, WIDTH // 3)}"
        lines.append(f"  {one_line(_question_line(question, pairing.source), WIDTH - 2 - cell_len(answer))}{answer}")
    more = [f"  and {len(ids) - MAX_EXAMPLES:,} more"] * (len(ids) > MAX_EXAMPLES)
    return ["Held out as one-shot examples, never items:", *lines, *more] if ids else []


def _reason_lines(reason: str, count: int, entries: Sequence[str]) -> list[str]:
    more = [f"and {count - len(entries):,} more"] * (count > len(entries))
    return [*paragraph(_counted(reason, count), indent=2, hanging=4), *(_entry(entry, indent=6) for entry in [*entries, *more])]


def _entry(text: str, indent: int) -> str:
    return " " * indent + one_line(text, WIDTH - indent)


def _question_line(question: Question, source: str) -> str:
    place = _place(question.location, source)
    # An id made from the line says nothing new.
    name = "" if question.id == place.replace(" ", "-") else f", {shortened(question.id, _LONGEST_ID)}"
    return f"{place}{name}: {question.question}"


def _without_source(notice: str, source: str) -> str:
    """Return a notice with its places as `_place` writes them: "line 12", "my.json[3]"."""
    by_line = re.sub(rf"{re.escape(source)}:(?=\d)", "line ", notice)
    return re.sub(rf"{re.escape(source)}(?=[:\[])", lambda _: PurePath(source).name, by_line)


def _place(location: str, source: str) -> str:
    """Return a location without the source, which the title names: "line 12" for "data/my.jsonl:12"."""
    rest = location.removeprefix(f"{source}:")
    return f"line {rest}" if rest.isdecimal() else location.removeprefix(source.removesuffix(PurePath(source).name))


def _questions_of(pairing: Pairing, ids: Collection[str]) -> dict[str, Question]:
    """Return id -> the question in the language that was read first."""
    found: dict[str, Question] = {}
    for question in pairing.questions.questions:
        if question.id in ids:
            found.setdefault(question.id, question)
    return found


def _items_read_first(pairing: Pairing) -> Sequence[Item]:
    """Return the items of the language that was read first: of those who give several, most begin with their own."""
    items = pairing.paired.items
    return next(items[question.lang] for question in pairing.questions.questions if items.get(question.lang))


def _by_reason(reasons: Iterable[tuple[_Dropped, str]]) -> list[tuple[str, list[_Dropped]]]:
    """Return each reason with what was dropped for it, the most frequent reason first."""
    grouped: dict[str, list[_Dropped]] = defaultdict(list)
    for entry, reason in reasons:
        grouped[reason].append(entry)
    return sorted(grouped.items(), key=lambda group: (-len(group[1]), group[0]))
