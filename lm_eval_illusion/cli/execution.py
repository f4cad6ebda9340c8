"""From the arguments to the exit code: the subcommand is run, and whatever ends it becomes an exit code and one line."""

from __future__ import annotations

import contextlib
import sys
import traceback

from lm_eval_illusion.cli import demo, judge, pair, prune, report, rescore, run, sweep
from lm_eval_illusion.cli.parser import LineParser
from lm_eval_illusion.errors import EXIT_USER_ERROR, UserError, one_line, system_reason
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.pipes import OutputError, OutputLost, guarded_output

EXIT_OWN_MISTAKE = 1
"""The exit code after a mistake of this program."""
MOST_CHARACTERS = 300
"""The longest message of another library that is shown."""


def execute(arguments: list[str]) -> int:
    """Run the command with these arguments and return its exit code."""
    try:
        with guarded_output():
            return _exit_code(arguments)
    except OutputError as error:
        # Standard error may be the one that can't be written.
        with contextlib.suppress(OSError):
            UserError(f"the output can't be written ({error}): write it to another disk, or make room").show()
        return error.exit_code
    except OutputLost as error:
        return error.exit_code


def _exit_code(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except UserError as error:
        error.show()
    except OSError as error:
        # The outside world: a disk that is full, a file that was removed or may not be read.
        _as_user_error(error).show()
    except Exception as error:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's is no MemoryError
            reason = one_line(error, MOST_CHARACTERS)
            UserError(f"not enough memory ({reason}): give a smaller batch size, model or file, or a larger machine").show()
        else:
            _show_own_mistake(error)
            return EXIT_OWN_MISTAKE
    return EXIT_USER_ERROR


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["run"]:
        # Everything after `run` belongs to lm_eval, also --help, so argparse must not parse it.
        return run.run_lm_eval(arguments[1:])
    parsed = _parser().parse_args(arguments)
    exit_code: int = parsed.execute(parsed)
    return exit_code


def _parser() -> LineParser:
    parser = LineParser(
        prog="lm-eval-illusion",
        description="Measure which answers a compressed language model still recognises but no longer produces.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for subcommand in (run, demo, report, judge, rescore, pair, prune, sweep):
        subcommand.add_parser(commands)
    return parser


def _as_user_error(error: OSError) -> UserError:
    reason = system_reason(error, MOST_CHARACTERS)
    where = f"{error.filename} can't be used ({reason})" if error.filename else f"a file can't be used ({reason})"
    return UserError(f"{where}: check the path, its permissions and the space on its disk")


def _show_own_mistake(error: Exception) -> None:
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()
    print(*map(for_terminal, lines), sep="\n", file=sys.stderr)
    print(
        "lm-eval-illusion: error: this is a mistake of a program, not yours: please report it with the lines above",
        file=sys.stderr,
    )
