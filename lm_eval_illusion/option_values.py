"""Values of options and of model arguments, given as text or as numbers: one reader each for whole numbers, numbers and names.

A command line gives text, lm_eval and YAML give numbers where a text looks like one, and Python gives anything. Numbers are written
in ASCII digits, without "_", "+", blanks or other prefixes, so that each has one spelling.
"""

from __future__ import annotations

import math
import re
from numbers import Integral, Real

from lm_eval_illusion.errors import UserError

LARGEST_SEED = 2**32 - 1
"""numpy and transformers take no larger seed."""
LARGEST_LIMIT = 1_000_000_000
"""The largest number of items per task: more than any task has."""
LARGEST_BATCH = 65_536
"""The largest number of rows per batch: more than any machine decodes at once."""
MOST_BATCH_TOKENS = 1 << 24
"""The most tokens per batch: their keys and values take terabytes in any model of use."""
MOST_THOUGHT_TOKENS = 1 << 20
"""The most tokens of a thought: no model has a longer window."""
LONGEST_WINDOW = 1 << 24
"""The most tokens of a window of `max_length`: more than any model has."""
LONGEST_NAME = 4_096
"""The most characters of a name or a path: the limit of Linux for a path."""
MOST_SAMPLES = 65_536
"""The most calibration samples."""
LONGEST_SAMPLE = 1_048_576
"""The most tokens of a calibration sample: the longest window that models have."""
MOST_CALIBRATION_TOKENS = 1 << 27
"""The most tokens of all samples together: their ids take 1 GiB of memory. The default has 262,144."""
LARGEST_OWL_M = 1_000.0
"""The largest M of OWL: no weight is an outlier long before, so all blocks get the same sparsity. The paper tries 3 to 10."""
PRUNING_RANGES = {
    "sparsity": "from 0 on, below 1",
    "owl_lambda": "from 0 on, below 0.5",
    "owl_m": f"above 0, at most {LARGEST_OWL_M:,.0f}",
    "calibration_samples": f"1 to {MOST_SAMPLES:,}",
    "calibration_length": f"8 to {LONGEST_SAMPLE:,} tokens",
    "pruning_seed": f"0 to {LARGEST_SEED:,}",
}
"""The allowed values of each pruning argument that is a number, in words."""
MOST_FOLDERS = 250
"""The most folders of a path."""
MOST_SHOWN = 80
"""The most characters of a wrong value that an error message repeats."""

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,30}")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|-?inf|nan")


def shown(value: object) -> str:
    """Return a wrong value as Python writes it, for an error message; only the beginning of a long one."""
    if isinstance(value, str):
        value = value if len(value) <= MOST_SHOWN else f"{value[:MOST_SHOWN]}..."
        return repr(value)
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python writes no whole number of more than 4,300 digits
        return f"(a value of type {type(value).__name__} that is too large to show)"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def read_whole_number(name: str, value: object, least: int, most: int) -> int:
    """Return a whole number from `least` to `most`, given as a number or as text.

    Raises:
        UserError: The value is something else, such as 1.5, "1e3", "²", True or None, or it is out of range.
    """
    number = whole_number_in(value)
    allowed = f"give a whole number from {least:,} to {most:,}"
    if number is None:
        raise UserError(f"{name} {shown(value)} is not a whole number: {allowed}")
    if not least <= number <= most:
        raise UserError(f"{name} {shown(number)} is too {'small' if number < least else 'large'}: {allowed}")
    return number


def whole_number_in(value: object) -> int | None:
    """Return the whole number that a number or a text states; None if it states none."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if not isinstance(value, str):
        return None
    if _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    # Any number of digits is a whole number, but Python reads at most 4,300: it is out of every range.
    return 10**30 * (-1 if value[0] == "-" else 1) if re.fullmatch(r"-?[0-9]+", value) else None


def read_number(name: str, value: object, hint: str) -> float:
    """Return a number, given as a number or as text; it may be infinite or NaN, so the caller checks its range.

    `hint`: what to give, the end of the error message.

    Raises:
        UserError: The value is no number, such as "1_0", " 5", True or None.
    """
    number = number_in(value)
    if number is None:
        raise UserError(f"{name} {shown(value)} is not a number: {hint}")
    return number


def number_in(value: object) -> float | None:
    """Return the number that a number or a text states, +0 for -0; None if it states none."""
    if isinstance(value, bool) or not isinstance(value, (str, Real)):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        return float(value) + 0.0
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]


def read_name(name: str, value: object, remedy: str = "give a name, or leave it out") -> str:
    """Return a name or a path, which has a character that can be seen and no NUL, and is not too long.

    Raises:
        UserError: The value is something else. The message ends with `remedy`.
    """
    problem = problem_of_name(value)
    if problem or not isinstance(value, str):
        raise UserError(f"{name} {shown(value)} {problem}: {remedy}")
    return value


def problem_of_name(value: object) -> str:
    """Return what is wrong with a name or a path, as in "is blank"; "" if nothing is."""
    if not isinstance(value, str):
        return "is not a text"
    if not value.strip():
        return "is blank"
    if "\0" in value:
        return "can't be written or read (it has a NUL character)"
    if len(value) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME:,} characters"
    # Python's pathlib creates the folders above one by recursion.
    return f"has more than {MOST_FOLDERS} folders" if value.count("/") > MOST_FOLDERS else ""
