"""Why a mention of an answer does not count: each objection is a module of its own.

An objection looks at the line as written around a mention. It must be sure: what no objection covers counts as affirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lm_eval_illusion.matching.dates.eras import is_before_christ
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.numbers.forms import is_part_of_other_number
from lm_eval_illusion.matching.objections.alternatives import alternatives_rules, is_alternative
from lm_eval_illusion.matching.objections.corrections import correction_rules, is_corrected
from lm_eval_illusion.matching.objections.enumerations import is_label, is_option
from lm_eval_illusion.matching.objections.negation import is_denied, negation_rules
from lm_eval_illusion.matching.objections.other_names import is_part_of_other_name, names_rules
from lm_eval_illusion.matching.objections.other_spellings import is_another_word
from lm_eval_illusion.matching.objections.questions import is_asked, is_unknown, question_rules
from lm_eval_illusion.matching.objections.yes_no import is_yes_or_no, replies, yes_no_rules
from lm_eval_illusion.matching.text.lines import Line

Objection = Callable[[Line, Mention, Sequence[str]], bool]
"""Args: the line, the mention, and all answers. Returns whether the objection holds."""
_READS_NUMBERS = frozenset({"number", "date", "unit"})
"""Rules that read whole numbers."""


def _is_other_number(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    return mention.rule not in _READS_NUMBERS and is_part_of_other_number(line, mention.start, mention.end, answers)


def _is_other_era(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    said = line.text[mention.start : mention.end]
    return said.isdecimal() and is_before_christ(line.text, mention.start, mention.end, line.lang)


_OBJECTIONS: tuple[tuple[str, Objection], ...] = (
    ("question", is_asked),
    ("unknown", is_unknown),
    ("alternatives", is_alternative),
    ("denied", is_denied),
    ("corrected", is_corrected),
    ("list_number", is_label),
    ("alternatives", is_option),
    ("other_number", _is_other_number),
    ("other_era", _is_other_era),
    ("other_name", is_part_of_other_name),
    ("other_word", is_another_word),
)


def prepare_objections(lang: str) -> None:
    """Build the patterns of a language, so that the first objection does not take longer than the next."""
    for build in (question_rules, alternatives_rules, negation_rules, correction_rules, names_rules, yes_no_rules):
        build(lang)


def objection_to(line: Line, mention: Mention, answers: Sequence[str]) -> str | None:
    """Return the name of the first objection that holds against a mention, or None: the mention is affirmed."""
    # A negation does not deny a "no", and "yes or no" is no list.
    if any(is_yes_or_no(answer, line.lang) for answer in answers):
        return None if any(replies(line, answer) for answer in answers) else "no_reply"
    return next((name for name, holds in _OBJECTIONS if holds(line, mention, answers)), None)
