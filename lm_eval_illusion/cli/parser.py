"""The parser of the command line: each mistake is one line that a terminal can show, and nothing typed is dropped without a word."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

from lm_eval_illusion.errors import EXIT_USER_ERROR, UserError

MOST_CHARACTERS = 600
"""The longest message that is shown: an argument may be of any length."""


class LineParser(argparse.ArgumentParser):
    """An ArgumentParser that reports a mistake in one line, reads no abbreviated options and refuses an option that is given twice."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **settings})
        self.register("action", None, _StoreOnce)
        self.register("action", "store", _StoreOnce)

    def error(self, message: str) -> NoReturn:
        """Show the mistake and exit with code 2."""
        end_with_error(self, message)


class _StoreOnce(argparse._StoreAction):
    """Store the value of an option. argparse would replace it if the option is given again, also all values of `--pruner a --pruner b`."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        given: frozenset[str] = getattr(namespace, "given_options", frozenset())
        if option_string is not None and self.dest in given:
            several = ": give all values after one" if self.nargs else ": give it once"
            parser.error(f"{option_string} is given twice{several}")
        namespace.given_options = given | {self.dest}
        super().__call__(parser, namespace, values, option_string)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Within the `with` statement, parsers of other libraries report mistakes as `LineParser` does."""
    with patch.object(argparse.ArgumentParser, "error", end_with_error):
        yield


def end_with_error(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """Show argparse's message as a `UserError` and exit with code 2. The message may repeat what was typed."""
    text = message if len(message) <= MOST_CHARACTERS else f"{message[:MOST_CHARACTERS]} ..."
    UserError(f"{text}: see {parser.prog} --help").show()
    raise SystemExit(EXIT_USER_ERROR)
