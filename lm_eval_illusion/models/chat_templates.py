"""Chat templates of other people: transformers runs them in a sandbox, which limits neither time nor memory.

The first prompt of a template is made in a copy of this process that the system ends after some seconds, or when it takes much memory.
Later prompts have a limit of time only, and only in the main thread: Python can't end a single operation that takes long.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.limits import address_space, limit_memory, time_limit

MOST_SECONDS = 5
MOST_MEMORY = 1 << 30
"""Bytes in addition to those that the process has."""
MOST_CHARACTERS = 1_000_000
"""Of a prompt."""
REMEDY = "run without --apply_chat_template, or correct the template of the model's tokenizer"


def has_chat_template(tokenizer: Any) -> bool:
    """Return whether a tokenizer has a chat template: a text, several by name, or a list of them."""
    template = getattr(tokenizer, "chat_template", None)
    return bool(template.strip() if isinstance(template, str) else template)


def unused_template_warning(name: str) -> str:
    """Return the line for a run that does not apply the chat template that the tokenizer of the model `name` has."""
    return (
        f"the chat template is not applied, although the tokenizer of {name} has one: a model that was trained to chat may then give no"
        " answer or another one, which is no effect of compression; run it with --apply_chat_template"
    )


def rendered(render: Callable[[], str], name: str, *, is_first: bool) -> str:
    """Return the prompt that `render` makes by a chat template. `name`: of the model. `is_first`: the template was not run before.

    Raises:
        UserError: The template fails, takes too long or too much memory, or its prompt is too long.
    """
    problem = f"the chat template of {name} can't be used"
    if is_first and not _ends(render):
        raise UserError(f"{problem} (it takes more than {MOST_SECONDS} s or {MOST_MEMORY >> 30} GiB): {REMEDY}")
    with attributed(problem, REMEDY), time_limit(MOST_SECONDS, f"{problem} (it takes more than {MOST_SECONDS} s): {REMEDY}"):
        prompt = render()
    if len(prompt) > MOST_CHARACTERS:
        raise UserError(f"{problem} (its prompt has {len(prompt):,} characters, more than {MOST_CHARACTERS:,}): {REMEDY}")
    return prompt


def _ends(render: Callable[[], object]) -> bool:
    """Return whether `render` ends within the limits, by running it in a copy of this process. An exception is an end, too.

    Where the system makes no copy, nothing is tried.
    """
    if not hasattr(os, "fork"):
        return True
    with warnings.catch_warnings():
        # The copy runs nothing but the template, so it needs no lock that another thread may hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            child = os.fork()
        except OSError:
            # No memory for a copy of a large model (strict overcommit), or too many processes. The limit of time remains.
            return True
    if child == 0:
        _run_and_exit(render)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _run_and_exit(render: Callable[[], object]) -> None:
    code = 1
    try:
        # The default action of the signal ends the process, whatever it does.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        with suppress(OSError):  # a system that does not tell how much there is
            limit_memory(address_space() + MOST_MEMORY)
        try:
            render()
            code = 0
        except MemoryError:
            code = 1
        except BaseException:
            code = 0
    finally:
        os._exit(code)
