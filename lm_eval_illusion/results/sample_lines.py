"""The lines of a samples file: reading within limits, the message for each kind of wrong line, and the responses in a row."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.reading import open_file
from lm_eval_illusion.results.messages import shown

Parsed = TypeVar("Parsed")

MOST_OF_A_LINE = 64 << 20
"""The longest line that is read: 64 MiB. A document of a million tokens has a tenth of that."""
_REMEDY = "give the samples file of this task as lm_eval wrote it, or run lm_eval again"


class RowError(ValueError):
    """What is wrong in a row; `parse_lines` adds file and line."""


def parse_lines(path: Path, parse: Callable[[bytes], Parsed]) -> Iterator[Parsed]:
    """Yield what `parse` makes of each line of a samples file.

    Raises:
        UserError: The file can't be read, a line is longer than `MOST_OF_A_LINE`, or `parse` raised an error of the line's content.
    """
    number = 0
    # Bytes, because a file can end within a character, and because only \n ends a line.
    with open_file(path, "give a samples file that lm_eval wrote") as lines:
        while line := lines.readline(MOST_OF_A_LINE + 1):
            number += 1
            if len(line) > MOST_OF_A_LINE:
                raise UserError(f"{path}:{number} has more than {MOST_OF_A_LINE:,} bytes: {_REMEDY}")
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            try:
                parsed = parse(line)
            except (ValueError, RecursionError, OverflowError) as error:
                raise _wrong_line(f"{path}:{number}", line, error) from error
            yield parsed


def _wrong_line(location: str, line: bytes, error: Exception) -> UserError:
    if isinstance(error, RowError):
        return UserError(f"{location} is not as its task writes it ({error}): run it again")
    if isinstance(error, msgspec.ValidationError):
        return UserError(f"{location} lacks what its task writes ({one_line(error, 200)}): {_REMEDY}")
    if not line.strip():
        return UserError(f"{location} is not a whole row (it is empty): remove the line if no row is missing, or run it again")
    damage = "damaged" if line.endswith(b"\n") else "truncated"
    return UserError(f"{location} is not a whole row ({one_line(error, 200)}): the file is {damage}, run it again")


def decode_line(line: bytes, decoder: msgspec.json.Decoder[Any], line_type: type[msgspec.Struct]) -> Any:
    """Return the fields of a line that `line_type` declares. `decoder`: of this type.

    Raises:
        ValueError: The line is not JSON in UTF-8, or a field is missing or of another type.
    """
    # msgspec does not check the encoding of text that it skips.
    line.decode()
    try:
        return decoder.decode(line)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Python writes NaN and Infinity, which are not JSON; only its own parser reads them.
        return msgspec.convert(json.loads(line), line_type)


def number_of(score: object) -> float:
    """Return a log-likelihood, which lm_eval writes as text; it may be NaN or infinite.

    Raises:
        RowError: It is no number.
    """
    try:
        return float(score)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise RowError(f"a log-likelihood is {shown(score)}, not a number") from error


def index_of(target: object) -> int | None:
    """Return the index of the gold choice that lm_eval wrote as the target of a row; None if the target is something else."""
    is_index = isinstance(target, str) and len(target) < 10 and target.isascii() and target.isdecimal()
    return int(target) if is_index else None  # type: ignore[call-overload]


def scores_and_outputs(answers: Sequence[Any]) -> tuple[list[float], list[str]]:
    """Return the log-likelihoods of the choices in nats and the generated texts from the filtered responses of a row.

    A row has the one or the other; that of a twin has the log-likelihoods and then a text.

    Raises:
        RowError: A log-likelihood is no number.
    """
    pairs = list(takewhile(_is_score, answers))
    others = answers[len(pairs) :]
    if pairs and all(isinstance(other, str) for other in others):
        return [number_of(pair[0]) for pair in pairs], list(others)
    texts = answers[0] if len(answers) == 1 and isinstance(answers[0], list) else answers
    return [], [str(text) for text in texts]


def _is_score(answer: object) -> bool:
    return isinstance(answer, list) and len(answer) == 2 and _is_truth(answer[1])


def _is_truth(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value in ("True", "False"))
