"""The one exception for a user's mistake: one line, exit code 2, no traceback."""

from __future__ import annotations

import sys

EXIT_USER_ERROR = 2


class UserError(ValueError, SystemExit):
    """A mistake that the user can mend; the message says the value, what is allowed and what to do.

    It is a `ValueError` for callers from Python. It is a `SystemExit` too because lm_eval's own command calls our model
    and catches nothing: a `SystemExit` with code 2 ends that command without a traceback. Python prints nothing for
    it, so whoever stands at a boundary to the user calls `show` first.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = EXIT_USER_ERROR
        self._shown = False

    def show(self) -> None:
        """Print the message to stderr as one line, once however often it is called."""
        if not self._shown:
            print(f"lm-eval-illusion: error: {' '.join(str(self).split())}", file=sys.stderr)
            self._shown = True


def one_line(error: BaseException, most: int | None = None) -> str:
    """Another library's message in one line, cut to `most` characters; its type, where it says nothing."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return reason if most is None or len(reason) <= most else f"{reason[:most]} ..."
