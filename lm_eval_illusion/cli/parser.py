"""The parser of the command line: each mistake is one line that a terminal can show, and nothing typed is dropped without a word."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from lm_eval_illusion.cli.options import name, path
from lm_eval_illusion.errors import EXIT_USER_ERROR, UserError
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.option_values import read_name

MOST_CHARACTERS = 600
"""The longest message that is shown: an argument may be of any length."""


class LineParser(argparse.ArgumentParser):
    """An ArgumentParser that reports a mistake in one line, reads no abbreviated options and refuses an option that is given twice."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **settings})
        self.register("action", None, _StoreOnce)
        self.register("action", "store", _StoreOnce)
        self.register("action", "append", _AppendChecked)

    def error(self, message: str) -> NoReturn:
        """Show the mistake and exit with code 2."""
        end_with_error(self, message)


class _StoreOnce(argparse._StoreAction):
    """Store the value of an option after checking names and paths.

    argparse would replace the value if the option is given again, also all values of `--pruner a --pruner b`.
    """

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        given: frozenset[str] = getattr(namespace, "given_options", frozenset())
        if option_string is not None and self.dest in given:
            several = ": give all values after one" if self.nargs else ": give it once"
            parser.error(f"{option_string} is given twice{several}")
        namespace.given_options = given | {self.dest}
        super().__call__(parser, namespace, _checked(self, values, option_string), option_string)


class _AppendChecked(argparse._AppendAction):
    """Append the value of an option that may be given several times, after checking names and paths."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        super().__call__(parser, namespace, _checked(self, values, option_string), option_string)


def _checked(action: argparse.Action, values: Any, option: str | None) -> Any:
    """Return the values of an argument, paths as `Path`.

    Raises:
        UserError: A name or a path is blank, has a NUL character or is too long.
    """
    if values == [] or (isinstance(values, list) and action.nargs is None):
        # argparse drops a value "--" and leaves an empty list.
        raise UserError(f"{option or action.metavar} has no value: give one, or leave it out")
    if action.type not in (name, path) or values is None:
        return values
    if isinstance(values, list):
        return [_one_checked(action, value, option) for value in values]
    return _one_checked(action, values, option)


def _one_checked(action: argparse.Action, value: str, option: str | None) -> str | Path:
    remedy = "give one, or leave the option out" if option and not action.required else "give one"
    text = read_name(str(option or action.metavar), value, remedy)
    return Path(text) if action.type is path else text


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Within the `with` statement, parsers of other libraries report mistakes as `LineParser` does."""
    before = argparse.ArgumentParser.error
    setattr(argparse.ArgumentParser, "error", end_with_error)  # noqa: B010 - a type checker forbids to assign a method
    try:
        yield
    finally:
        setattr(argparse.ArgumentParser, "error", before)  # noqa: B010


def end_with_error(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """Show argparse's message as a `UserError` and exit with code 2. The message may repeat what was typed."""
    UserError(f"{cut(message, MOST_CHARACTERS)}: see {parser.prog} --help").show()
    raise SystemExit(EXIT_USER_ERROR)
