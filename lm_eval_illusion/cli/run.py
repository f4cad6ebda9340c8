"""`lm-eval-illusion run`: run lm_eval with our models and tasks registered; its errors are one line where the arguments cause them."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError, cause_of

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers

PACKAGE = Path(__file__).parent.parent
# Files of lm_eval in which an error comes from the arguments also while the tasks are evaluated: the documents are chosen there.
_OF_DOCUMENTS = ("api/task.py", "evaluator_utils.py")


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand to the help; `main` calls `run_lm_eval` before argparse sees the arguments."""
    commands.add_parser("run", help="run lm_eval with our models and tasks; takes the arguments of lm_eval")


def run_lm_eval(arguments: list[str]) -> int:
    """Run `lm_eval run` with these arguments.

    Raises:
        UserError: An argument is wrong, names something that does not exist, or lm_eval could not write its results.
    """
    from lm_eval_illusion.cli.run_arguments import check_arguments, check_written, read_arguments, samples_of, tasks_of
    from lm_eval_illusion.cli.run_samples import check_samples

    named = read_arguments(arguments)
    check_arguments(named)
    samples, tasks = samples_of(named), tasks_of(named)

    from lm_eval.__main__ import cli_evaluate

    from lm_eval_illusion.cli.parser import one_line_errors
    from lm_eval_illusion.models.command_checks import read_named
    from lm_eval_illusion.plugin import index_ours_first, register

    register()
    # lm_eval builds its index before it loads the model.
    index_ours_first(read_named(arguments).tasks, lambda index: check_samples(samples, tasks, index))
    sys.argv = ["lm_eval", "run", *(arguments or ["--help"])]
    begin = time.time()
    with one_line_errors(), _errors_of_lm_eval():
        cli_evaluate()
    check_written(named, begin)
    return 0


@contextmanager
def _errors_of_lm_eval() -> Iterator[None]:
    """Turn an exception that lm_eval's own code raises because of its arguments into a `UserError`.

    That are those before it evaluates: it reads arguments, tasks and models. An exception of our code, or one during the evaluation, is
    passed on: it may be a mistake of a program.

    Raises:
        UserError: There was such an exception. With LMEVAL_LOG_LEVEL=DEBUG its traceback is printed.
    """
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        place = _place_in_lm_eval(error)
        if not place or type(error).__name__ == "OutOfMemoryError":
            raise
        if os.environ.get("LMEVAL_LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        raise UserError(
            f"lm_eval can't run this ({cause_of(error)}; in {place}): correct the arguments or the files that they name"
        ) from error


def _place_in_lm_eval(error: Exception) -> str:
    """Return the file of lm_eval, with the line, that raised the error or called what raised it; "" if the arguments did not cause it."""
    import lm_eval

    root = Path(lm_eval.__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    owned = [
        frame for frame in frames if Path(frame.filename).is_relative_to(root) or Path(frame.filename).is_relative_to(PACKAGE)
    ]
    last = owned[-1]
    if not Path(last.filename).is_relative_to(root):
        return ""
    name = Path(last.filename).relative_to(root).as_posix()
    evaluates = any(frame.name == "evaluate" and Path(frame.filename) == root / "evaluator.py" for frame in frames)
    return "" if evaluates and name not in _OF_DOCUMENTS else f"lm_eval/{name}:{last.lineno}"
