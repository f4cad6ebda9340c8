"""Notices: what reading changed or left out, one line for each kind with the number of rows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class _Seen:
    first: str
    last: str
    rows: int = 1


@dataclass
class Notices:
    """Collects notices while a source is read."""

    _seen: dict[str, _Seen] = field(default_factory=dict)

    def add(self, text: str, location: str) -> None:
        """Note something about the row at a location; a row counts once for each text."""
        seen = self._seen.setdefault(text, _Seen(location, location, 0))
        if not seen.rows or seen.last != location:
            seen.rows += 1
            seen.last = location

    def lines(self) -> list[str]:
        """Return a line for each text, in the order of first appearance."""
        return [
            f"{seen.first}: {text}" if seen.rows == 1 else f"{text}: {seen.rows:,} rows, the first at {seen.first}"
            for text, seen in self._seen.items()
        ]
