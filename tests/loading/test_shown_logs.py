"""What other libraries log and warn of reaches the terminal without control characters."""

from __future__ import annotations

import io
import logging
import re
import warnings

import pytest

from lm_eval_illusion.loading.shown_logs import MOST_CHARACTERS, safe_lines, safe_logs

CLIPBOARD = "\x1b]52;c;aGk=\x07"


def test_log_lines_of_a_library_are_safe_within_the_statement_and_as_before_after_it():
    shown: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record):
            shown.append(record.getMessage())

    logger = logging.getLogger("a_library.of_models")
    handler = Keep()
    logger.addHandler(handler)
    try:
        with safe_logs():
            logger.warning("missing: %s", f"model.{CLIPBOARD}\r\u202e")
        logger.warning("%s", CLIPBOARD)
    finally:
        logger.removeHandler(handler)
    assert shown == ["missing: model.\\x1b]52;c;aGk=\\x07\\r\\u202e", CLIPBOARD]


@pytest.fixture
def library():
    """A logger, and what its handler shows."""
    stream = io.StringIO()
    logger, handler = logging.getLogger("a_library.that_logs"), logging.StreamHandler(stream)
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


class Unprintable:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("a %d", "x"), "a %d ('x',)\n"),
        (("a %s %s", f"b{CLIPBOARD}"), "a %s %s ('b\\x1b]52;c;aGk=\\x07',)\n"),
        (("a %s", Unprintable()), r"a %s \(<Unprintable instance at 0x.*>,\)"),
        ((Unprintable(),), r"<Unprintable instance at 0x.*> \(\)"),
    ],
)
def test_a_wrong_log_call_raises_nothing(library, arguments, shown):
    logger, stream = library
    with safe_logs():
        logger.warning(*arguments)
    assert stream.getvalue() == shown or re.match(shown, stream.getvalue())


def test_a_traceback_and_a_stack_are_safe_and_shown(library):
    logger, stream = library
    with safe_logs():
        try:
            raise KeyError(CLIPBOARD) from ValueError(f"cause {CLIPBOARD}")
        except KeyError:
            logger.exception("failed", stack_info=True)
    assert "ValueError: cause \\x1b]52;c;aGk=\\x07\n" in stream.getvalue()
    assert "in test_a_traceback_and_a_stack_are_safe_and_shown\n" in stream.getvalue()
    assert stream.getvalue().count("Stack (most recent call last)") == 1
    assert not set("\x1b\x07") & set(stream.getvalue())


def test_the_end_of_an_inner_statement_leaves_the_outer_one(library):
    logger, stream = library
    with safe_logs():
        with safe_logs():
            logger.warning("inner %s", CLIPBOARD)
        logger.warning("outer %s", CLIPBOARD)
    logger.warning("after %s", CLIPBOARD)
    escaped = "\\x1b]52;c;aGk=\\x07"
    assert stream.getvalue() == f"inner {escaped}\nouter {escaped}\nafter {CLIPBOARD}\n"


def test_warnings_are_safe_too(monkeypatch):
    shown: list[str] = []

    def keep(message, *_):
        shown.append(str(message))

    monkeypatch.setattr(warnings, "showwarning", keep)
    with safe_logs():
        warnings.showwarning(UserWarning(f"keys {CLIPBOARD}"), UserWarning, "a.py", 1)
    assert shown == ["keys \\x1b]52;c;aGk=\\x07"]
    assert warnings.showwarning is keep


def test_lines_stay_lines_colours_go_and_a_long_report_is_cut():
    assert safe_lines("\x1b[1mReport\x1b[0m\n a | \u00e9") == "Report\n a | \u00e9"
    assert len(safe_lines("x" * 10**6)) < MOST_CHARACTERS + 10
