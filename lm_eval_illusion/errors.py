"""The exception for a mistake of the user: one line, exit code 2, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lm_eval_illusion.escaping import cut, for_terminal, shortened

EXIT_USER_ERROR = 2
MOST_CHARACTERS = 4_000
"""Of a message on standard error. Its end stays, because that is the remedy."""


class UserError(ValueError, SystemExit):
    """A mistake that the user can correct. The message names the value, what is allowed and what to do.

    It is a `ValueError` for callers from Python. It is also a `SystemExit`, because lm_eval's command calls our model and catches
    nothing: a `SystemExit` with code 2 ends that command without a traceback. Python prints no message for a `SystemExit`, so the code
    that called us (a command, a model's constructor) calls `show` first.

    `details`: lines below the message, where many mistakes of one kind are told at once. They are a part of `str(error)`.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *details]))
        self.code = EXIT_USER_ERROR
        self._message = message
        self._details = tuple(details)
        self._shown = False

    def show(self) -> None:
        """Print the message to standard error as one line, a long one shortened, and each detail as a line. Further calls print nothing."""
        if not self._shown:
            message = shortened(" ".join(self._message.split()), MOST_CHARACTERS)
            lines = [
                f"lm-eval-illusion: error: {message}",
                *(f"  {shortened(line, MOST_CHARACTERS)}" for line in self._details),
            ]
            print(*map(for_terminal, lines), sep="\n", file=sys.stderr)
            self._shown = True


def one_line(error: BaseException, max_length: int | None = None) -> str:
    """Return the message of another library's exception as one line, cut to `max_length` characters.

    Without a message, return the name of the exception's type.
    """
    message = " ".join(str(error).split()) or type(error).__name__
    return message if max_length is None else cut(message, max_length)


def system_reason(error: BaseException, max_length: int | None = None) -> str:
    """Return why the operating system refused something: "Permission denied", without the path, which our messages name anyway.

    Of another exception, e.g. the ValueError of a path with a NUL character, return the message by `one_line`.
    """
    return str((error.strerror if isinstance(error, OSError) else None) or one_line(error, max_length))


def cause_of(error: BaseException, max_length: int = 300) -> str:
    """Return the type and the message of another library's exception as one line: "KeyError: 'q_proj'"."""
    message = one_line(error, max_length)
    name = type(error).__name__
    return name if message == name else f"{name}: {message}"


@contextmanager
def attributed(problem: str, remedy: str) -> Iterator[None]:
    """Turn any exception within the `with` statement into a `UserError`: "<problem> (<cause>): <remedy>".

    For code that runs or reads what the user gave: a recipe, a model's files. There, whatever is raised, of whatever type, comes from that
    input. Keep the `with` statement so small that no mistake of our own can occur in it.

    Raises:
        UserError: Something was raised. A `UserError` is passed on unchanged.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{problem} ({cause_of(error)}): {remedy}") from error
