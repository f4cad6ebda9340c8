"""The command `lm-eval-illusion`: one module per subcommand, each with `add_parser` and the function that runs it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from lm_eval_illusion.signals import exit_code_of, reason_of, stop_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the program. Default: those of this process, which then ends with the command.

    Returns:
        The exit code: 0; 1 if a cell of a sweep or the demo failed, if `judge` left answers without a verdict, or after a mistake of this
        program (a traceback); 2 after a mistake of the user or if the output can't be written (one line on stderr); 3 if a gate of
        `report` fails; 129, 130 or 143 after SIGHUP, Ctrl-C or SIGTERM (one line on stderr); 141 if nobody reads the output any more
        (`| head`).
    """
    try:
        # Nothing else is imported before this, so that a signal during the imports ends the command in the same way.
        with stop_signals(ends_process=argv is None):
            from lm_eval_illusion.cli.execution import execute

            return execute(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt as error:
        # If the message can't be written, the exit code says the same.
        with contextlib.suppress(OSError):
            if sys.stderr is not None:
                print(f"lm-eval-illusion: {reason_of(error)}", file=sys.stderr)
        return exit_code_of(error)
