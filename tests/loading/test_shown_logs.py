"""What other libraries log and warn of reaches the terminal without control characters."""

from __future__ import annotations

import logging
import warnings

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
