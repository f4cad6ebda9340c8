"""Log lines and warnings of other libraries made safe for a terminal: they repeat names and texts from a model's files."""

from __future__ import annotations

import logging
import re
import reprlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lm_eval_illusion.escaping import cut, for_terminal

MOST_CHARACTERS = 20_000
"""Of one log record. transformers' report on a model that does not fit its files has a line for each tensor."""
# Colours, which transformers uses itself.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def safe_logs() -> Iterator[None]:
    """Within the `with` statement, what any library logs or warns of is shown without control characters, and is cut."""
    handlers = _handlers()
    show = warnings.showwarning

    # A function of this call: a handler has a filter once, so an inner `with` statement would remove that of the outer one.
    def make_safe(record: logging.LogRecord) -> bool:
        _make_safe(record)
        return True

    for handler in handlers:
        handler.addFilter(make_safe)

    def show_safely(
        message: Any, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        text = str(message)
        safe = safe_lines(text)
        show(message if safe == text else safe, category, filename, lineno, file, line)

    warnings.showwarning = show_safely
    try:
        yield
    finally:
        warnings.showwarning = show
        for handler in handlers:
            handler.removeFilter(make_safe)


def safe_lines(text: str) -> str:
    """Return a text of several lines without control characters and colours, cut to `MOST_CHARACTERS`."""
    text = cut(_COLOURS.sub("", text), MOST_CHARACTERS)
    return "\n".join(for_terminal(line) for line in text.split("\n"))


def _make_safe(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:  # a mistake in the library's call, which logging itself prints and passes over
        message = record.msg if isinstance(record.msg, str) else reprlib.repr(record.msg)
        text = f"{message} {reprlib.repr(record.args)}"
    record.msg, record.args = safe_lines(text), None
    if record.exc_info:
        # A formatter shows this text; the exception itself would be shown as it is.
        record.exc_text, record.exc_info = safe_lines(logging.Formatter().formatException(record.exc_info)), None
    if record.stack_info:
        record.stack_info = safe_lines(record.stack_info)


def _handlers() -> list[logging.Handler]:
    """Return the handlers of all loggers, and the one that Python uses where a logger has none."""
    loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    found = {handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers}
    return [*found, *([logging.lastResort] if logging.lastResort else [])]
