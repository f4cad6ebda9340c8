"""A recipe that is not one of ours is read in a Python process of its own, which is ended when it takes too much time or memory.

A template such as `{{ "x" * 10**10 }}` spends its time in code that can't be interrupted, and Jinja computes constants while it parses.
The process gets the text and gives text back. It can write no files, start no processes, and has none of the environment's secrets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from functools import lru_cache

import msgspec

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.limits import forbid_files_and_processes, limit_computing, limit_memory
from lm_eval_illusion.pruning.recipe_content import RecipeError, recipe_content, refuse_slow_patterns
from lm_eval_illusion.pruning.recipe_template import TemplateValues, fill_in, used_variables

MOST_SECONDS = 6
"""Of wall time, after the start."""
MOST_SECONDS_OF_START = 60
"""Of wall time, until Python has imported what it needs. A disk in a network can take long."""
MOST_CPU_SECONDS = 2
"""Of computing, after the start. A recipe in use takes a hundredth, and its patterns half a second for a model of 40,000 layers. Less
than the wall time, so that a busy machine or a slow disk is not taken for a slow recipe."""
MOST_BYTES_OF_MEMORY = 1 << 30
"""Of address space. Python with Jinja takes less than a tenth."""

# The process is isolated (-I), so it gets the places of modules from this one: a user's own site-packages are among them.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);from lm_eval_illusion.pruning.recipe_process import main; main()"
)
_STARTED = b"!"
# What Python needs to find its own libraries.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_TOO_MUCH = (
    f"takes more than {MOST_CPU_SECONDS} s of computing, {MOST_SECONDS} s in all or {MOST_BYTES_OF_MEMORY >> 30} GiB of memory to be"
    " read: simplify its template and its patterns"
)


class RecipeRequest(msgspec.Struct, frozen=True):
    """`values`: what to fill in. `names`: the module names that the recipe's patterns are tried on."""

    template: str
    values: TemplateValues
    names: tuple[str, ...] = ()


class RecipeReply(msgspec.Struct, frozen=True):
    """`variables`: those that the template uses. `recipe`: the text filled in. `fault`: why it can't be filled in with these values."""

    variables: frozenset[str] = frozenset()
    recipe: str = ""
    fault: str = ""
    always: bool = False

    @property
    def checked_recipe(self) -> str:
        """The text filled in.

        Raises:
            RecipeError: There is none.
        """
        if self.fault:
            raise RecipeError(self.fault, always=self.always)
        return self.recipe


def ask(request: RecipeRequest) -> RecipeReply:
    """Return the reply of a process of its own.

    Raises:
        RecipeError: The recipe is at fault whatever the values, or takes too much time or memory.
        UserError: The process can't be started, or fails for another reason.
    """
    return _checked(_asked(request))


def answer_here(request: RecipeRequest) -> RecipeReply:
    """Return the reply of this process, for a recipe of ours.

    Raises:
        RecipeError: The recipe is at fault whatever the values.
    """
    return _checked(_reply(request))


def main() -> None:
    """Answer the request on standard input. Python runs this in the process."""
    # `fill_in` and `recipe_content` import these at their first use.
    import jinja2.meta
    import jinja2.sandbox  # noqa: F401
    import yaml  # noqa: F401

    sys.stdout.buffer.write(_STARTED)
    sys.stdout.buffer.flush()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=RecipeRequest)
    limit_computing(MOST_CPU_SECONDS)
    limit_memory(MOST_BYTES_OF_MEMORY)
    forbid_files_and_processes()
    try:
        reply = _reply(request)
    except MemoryError:
        reply = RecipeReply(fault=_TOO_MUCH, always=True)
    sys.stdout.buffer.write(msgspec.json.encode(reply))


@lru_cache(maxsize=128)  # of the text itself: a file that changes is another request. What is raised is not kept.
def _asked(request: RecipeRequest) -> RecipeReply:
    paths = json.dumps([os.path.abspath(path) for path in sys.path])
    try:
        encoded = msgspec.json.encode(request)
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _START, paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
    except (OSError, UnicodeEncodeError) as error:
        raise UserError(f"a process to read the recipe can't be started ({error}): give a packaged pruner") from error
    with process:
        try:
            has_started = _starts(process)
            output, errors = process.communicate(encoded if has_started else None, timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise RecipeError(_TOO_MUCH, always=True) from error
        finally:
            process.kill()  # nothing for a process that has ended
    if process.returncode == 0:
        return msgspec.json.decode(output, type=RecipeReply)
    last_line = (errors.decode("utf-8", "replace").strip().splitlines() or [f"exit code {process.returncode}"])[-1]
    # Ended by a signal: its limits, the system for want of memory, or a stack that overflowed.
    if has_started and (process.returncode < 0 or "MemoryError" in last_line):
        raise RecipeError(_TOO_MUCH, always=True)
    raise UserError(f"the process that reads the recipe failed ({last_line[:300]}): give a packaged pruner, and report this")


def _starts(process: subprocess.Popen[bytes]) -> bool:
    """Wait for the byte that `main` writes when all is imported, and return whether it comes before the process ends.

    Raises:
        UserError: It takes too long. The process is ended.
    """
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        process.kill()

    timer = threading.Timer(MOST_SECONDS_OF_START, end)
    timer.start()
    try:
        has_started = process.stdout is not None and process.stdout.read(1) == _STARTED
    finally:
        timer.cancel()
    if is_late.is_set():
        raise UserError(
            f"the process that reads the recipe takes more than {MOST_SECONDS_OF_START} s to start: try again when the machine is"
            " less busy, or give a packaged pruner"
        )
    return has_started


def _checked(reply: RecipeReply) -> RecipeReply:
    if reply.always:
        raise RecipeError(reply.fault, always=True)
    return reply


@lru_cache(maxsize=128)
def _reply(request: RecipeRequest) -> RecipeReply:
    variables: frozenset[str] = frozenset()
    try:
        variables = frozenset(used_variables(request.template))
        recipe = fill_in(request.template, request.values)
        refuse_slow_patterns(recipe_content(recipe), request.names)
    except RecipeError as error:
        # A message may quote half a character, which JSON can't hold.
        return RecipeReply(variables, fault=str(error).encode("utf-8", "backslashreplace").decode(), always=error.always)
    return RecipeReply(variables, recipe)
