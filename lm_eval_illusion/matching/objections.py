"""Why a mention of an answer does not count: each objection is a module of its own.

An objection looks at the line as written around a mention. It must be sure: what no objection covers counts as affirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lm_eval_illusion.matching.dates import is_before_christ
from lm_eval_illusion.matching.lines import Line
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.number_forms import is_part_of_other_number

Objection = Callable[[Line, Mention, Sequence[str]], bool]
"""Args: the line, the mention, and all answers. Returns whether the objection holds."""


_READS_NUMBERS = frozenset({"number", "date", "unit"})
"""Rules that read whole numbers."""


def _is_other_era(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    said = line.text[mention.start : mention.end]
    return said.isdecimal() and is_before_christ(line.text, mention.start, mention.end, line.lang)


def _is_other_number(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    return mention.rule not in _READS_NUMBERS and is_part_of_other_number(line, mention.start, mention.end, answers)


_OBJECTIONS: tuple[tuple[str, Objection], ...] = (("other_number", _is_other_number), ("other_era", _is_other_era))


def objection_to(line: Line, mention: Mention, answers: Sequence[str]) -> str | None:
    """Return the name of the first objection that holds against a mention, or None: the mention is affirmed."""
    return next((name for name, holds in _OBJECTIONS if holds(line, mention, answers)), None)
