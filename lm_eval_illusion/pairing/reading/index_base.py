"""Whether a source counts the options from 0 or from 1: no row tells it alone, all rows together mostly do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lm_eval_illusion.pairing.reading.notices import Notices

FEWEST_TO_TELL = 4
"""Rows that show another base than the usual one, at least: a single wrong position does not."""
FEWEST_ROWS = 16
"""Rows from which on it is noted that neither end of the count occurs. Of sources with this many rows, one in a hundred has no answer
at one end."""


@dataclass
class IndexUse:
    """The positions that rows state as numbers.

    `has_zero`, `has_count`: whether one is 0, and whether one is the number of options, which only a count from 1 reaches.
    """

    rows: int = 0
    has_zero: bool = False
    has_count: bool = False
    location: str = ""


@dataclass
class Counting:
    """From where the positions in a source are counted.

    `bases`: usual base -> the base to take instead. The usual base is 0, or the number of the first column where the options stand in
    numbered columns (option1 to option4). `uses`: usual base -> the positions that the rows state.
    """

    bases: Mapping[int, int] = field(default_factory=dict)
    uses: dict[int, IndexUse] = field(default_factory=dict)

    def add(self, usual: int, index: int, count: int, location: str) -> None:
        """Note the position that a row states among `count` options."""
        use = self.uses.setdefault(usual, IndexUse(location=location))
        use.rows += 1
        use.has_zero |= index == 0
        use.has_count |= index == count

    def other_bases(self) -> dict[int, int]:
        """Return usual base -> the base that the rows show, where it is another one: they state 0 and never the number of options, or
        the other way round."""
        telling = [(usual, use) for usual, use in self.uses.items() if use.rows >= FEWEST_TO_TELL]
        shown = {usual: 1 if use.has_count else 0 for usual, use in telling if use.has_zero != use.has_count}
        return {usual: base for usual, base in shown.items() if base != usual}

    def note(self, notices: Notices) -> None:
        """Note another base than the usual one, and positions that show no base."""
        for usual, use in self.uses.items():
            base = self.bases.get(usual, usual)
            if base != usual:
                notices.add(f"the positions of the answers are counted from {base}", use.location)
            elif use.rows >= FEWEST_ROWS and not use.has_zero and not use.has_count:
                notices.add(
                    f"no position of an answer is 0, and none is the number of options: counted from {base}; check this",
                    use.location,
                )
