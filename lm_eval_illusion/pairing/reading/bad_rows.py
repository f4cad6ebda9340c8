"""When rows that can't be used are an error, and the message that lists them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.pairing.reading.missing_fields import LACKS
from lm_eval_illusion.pairing.reading.rows import DroppedRow

MOST_BAD_SHARE = 0.05
"""The share of rows that may be dropped because of mistakes."""
MOST_LINES = 40
LONGEST_LINE = 240
LONGEST_LIST = 160


def refuse_bad_rows(dropped: Sequence[DroppedRow], count: int, source: str, is_strict: bool) -> None:
    """Refuse a source of which more than 5 % of the rows can't be used, or any row if `is_strict`.

    Args:
        dropped: All rows that gave no question. Those that are no mistake of the source don't count.
        count: The number of rows that were read.
        source: The name of the source.
        is_strict: Whether no row may be dropped.

    Raises:
        UserError: Too many can't be used. The message lists them by reason, at most 40 lines.
    """
    # The languages of a row may have the same mistake: it counts once.
    mistakes = list(dict.fromkeys(row for row in dropped if row.is_mistake))
    bad = len({row.location for row in mistakes})
    # In whole numbers: 0.05 is no exact binary fraction, and exactly 5 % is allowed.
    if not bad or (not is_strict and bad * 100 <= round(MOST_BAD_SHARE * 100) * count):
        return
    allowed = "none may (--strict)" if is_strict else f"at most {100 * MOST_BAD_SHARE:.0f} % may"
    if len(mistakes) == 1:
        raise UserError(f"{mistakes[0].location}: {mistakes[0].problem} ({bad} of {count:,} rows can't be used, {allowed})")
    lines = _listed(mistakes, source)
    remedy = "correct them or leave them out"
    raise UserError(f"{source}: {bad:,} of {count:,} rows can't be used, {allowed}: {remedy}", lines)


def _listed(mistakes: Sequence[DroppedRow], source: str) -> list[str]:
    """Return lines that list the rows by reason: under each reason its mistakes, and where each of them stands."""
    by_reason: dict[str, list[DroppedRow]] = defaultdict(list)
    for row in mistakes:
        by_reason[row.reason].append(row)
    groups = sorted(by_reason.items(), key=lambda group: -len(group[1]))
    most = max(1, MOST_LINES // len(groups) - 2)
    lines = []
    for reason, rows in groups:
        lines.append(f"{reason}: {len(rows):,} row{'s' * (len(rows) > 1)}")
        by_problem: dict[str, list[DroppedRow]] = defaultdict(list)
        for row in rows:
            by_problem[row.problem].append(row)
        problems = list(by_problem.items())
        lines += [_line(problem, same, source) for problem, same in problems[:most]]
        if rest := [row for _, same in problems[most:] for row in same]:
            lines.append(f"  and {len(rest):,} more: {_short_locations(rest, source)}")
    return lines


def _line(problem: str, rows: Sequence[DroppedRow], source: str) -> str:
    line = cut(f"  {rows[0].location}: {problem}", LONGEST_LINE)
    return f"{line} (and {len(rows) - 1:,} more: {_short_locations(rows[1:], source)})" if len(rows) > 1 else line


def _short_locations(rows: Sequence[DroppedRow], source: str) -> str:
    """Return the places of rows without the source in each ("12", "[3]", "row 4"), as many as one line holds."""
    places: list[str] = []
    length = 0
    for row in rows:
        place = row.location.removeprefix(source).removeprefix(":").removesuffix(f" of {source}")
        length += len(place) + 2
        if length > LONGEST_LIST:
            return f"{', '.join(places)} ..." if places else "..."
        places.append(place)
    return ", ".join(places)


def lacks_in_all(dropped: Sequence[DroppedRow], count: int) -> str:
    """Return the reason if every row of a source lacks the same field, so that one message is enough; "" otherwise."""
    reasons = {row.reason for row in dropped}
    reason = next(iter(reasons), "")
    return reason if len(reasons) == 1 and reason in LACKS.values() and len(dropped) == count else ""
