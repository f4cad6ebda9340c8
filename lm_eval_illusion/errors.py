"""The exception for a mistake of the user: one line, exit code 2, no traceback."""

from __future__ import annotations

import sys

EXIT_USER_ERROR = 2


class UserError(ValueError, SystemExit):
    """A mistake that the user can correct. The message names the value, what is allowed and what to do.

    It is a `ValueError` for callers from Python. It is also a `SystemExit`, because lm_eval's command calls our model and catches
    nothing: a `SystemExit` with code 2 ends that command without a traceback. Python prints no message for a `SystemExit`, so the code
    that called us (a command, a model's constructor) calls `show` first.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = EXIT_USER_ERROR
        self._shown = False

    def show(self) -> None:
        """Print the message to standard error as one line. Further calls print nothing."""
        if not self._shown:
            print(f"lm-eval-illusion: error: {' '.join(str(self).split())}", file=sys.stderr)
            self._shown = True


def one_line(error: BaseException, max_length: int | None = None) -> str:
    """Return the message of another library's exception as one line, cut to `max_length` characters.

    Without a message, return the name of the exception's type.
    """
    message = " ".join(str(error).split()) or type(error).__name__
    return message if max_length is None or len(message) <= max_length else f"{message[:max_length]} ..."
