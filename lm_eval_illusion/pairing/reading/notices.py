"""Notices: what reading changed or left out, one line for each kind with the number of rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from lm_eval_illusion.option_values import shown


@dataclass
class _Seen:
    first: str
    last: str
    example: str
    rows: int = 0


@dataclass
class Notices:
    """Collects notices while a source is read."""

    _seen: dict[str, _Seen] = field(default_factory=dict)

    def add(self, text: str, location: str, example: str = "") -> None:
        """Note something about the row at a location; a row counts once for each text. `example`: of what was found in the first row."""
        seen = self._seen.setdefault(text, _Seen(location, location, example))
        if not seen.rows or seen.last != location:
            seen.rows += 1
            seen.last = location

    def lines(self) -> list[str]:
        """Return a line for each text, in the order of first appearance."""
        return [_line(text, seen) for text, seen in self._seen.items()]


def _line(text: str, seen: _Seen) -> str:
    example = f" ({shown(seen.example)})" if seen.example else ""
    if seen.rows == 1:
        return f"{seen.first}: {text}{example}"
    return f"{text}: {seen.rows:,} rows, the first at {seen.first}{example}"
