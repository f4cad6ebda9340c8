"""The command `lm-eval-illusion`: one module per subcommand, each with `add_parser` and the function that runs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lm_eval_illusion.cli import demo, pair, prune, report, run, sweep
from lm_eval_illusion.errors import EXIT_USER_ERROR, UserError
from lm_eval_illusion.pipes import EXIT_PIPE_CLOSED, OutputError, PipeClosed, guarded_output

EXIT_INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 + SIGINT, as shells report it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the program. Default: those of this process.

    Returns:
        The exit code: 0; 1 if a cell of a sweep or the demo failed; 2 after a mistake of the user (one line on stderr);
        3 if a gate of `report` fails; 130 after Ctrl-C (one line on stderr); 141 if nobody reads the output any more (`| head`).
    """
    try:
        with guarded_output():
            return _run(list(sys.argv[1:] if argv is None else argv))
    except PipeClosed:
        return EXIT_PIPE_CLOSED
    except OutputError as error:
        UserError(f"the output can't be written ({error.strerror}): write it to another disk, or make room").show()
        return EXIT_USER_ERROR


def _run(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["run"]:
            # Everything after `run` belongs to lm_eval, also --help, so argparse must not parse it.
            return run.run_lm_eval(arguments[1:])
        parsed = _parser().parse_args(arguments)
        exit_code: int = parsed.execute(parsed)
        return exit_code
    except UserError as error:
        error.show()
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        print("lm-eval-illusion: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lm-eval-illusion",
        description="Measure which answers a compressed language model still recognises but no longer produces.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for subcommand in (run, demo, report, pair, prune, sweep):
        subcommand.add_parser(commands)
    return parser
