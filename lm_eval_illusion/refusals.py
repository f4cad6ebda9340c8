"""Settings of lm_eval that would silently give wrong numbers with a pruned model, each refused in one line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

COMMANDS = ("lm_eval", "lm-eval", "lm-eval-illusion")

REASONS = {
    "--use_cache": "lm_eval's response cache keys on the request, not on the model: a pruned model would get the dense model's answers",
    "--cache_requests": "lm_eval's request cache ignores generation settings",
    "--gen_kwargs": "it would override the decoding settings of every view, greedy ones included",
}


def refuse_flags(argv: Sequence[str]) -> None:
    """Refuse the flags of the running lm_eval command, before any pruning is done.

    Raises:
        UserError: `argv` (as `sys.argv`) is an lm_eval command with such a flag.
    """
    program = Path(argv[0])
    # `python -m lm_eval` runs .../lm_eval/__main__.py
    name = program.parent.name if program.name == "__main__.py" else program.name
    if name not in COMMANDS:
        return
    for argument in argv[1:]:
        flag = argument.split("=")[0]
        if flag in REASONS:
            raise refusal(flag)


def refuse_changed_settings(requests: Sequence[Instance]) -> None:
    """Refuse requests of our views whose decoding settings are not the view's, however they were changed.

    Raises:
        UserError: names the task and the settings.
    """
    from lm_eval_illusion.views import GENERATION_SETTINGS

    for request in requests:
        ours = isinstance(request.doc, dict) and {"id", "choices", "shot"} <= set(request.doc)
        view = _view_of(request) if ours else None
        if view and request.args[1] != GENERATION_SETTINGS[view]:
            raise UserError(
                f"{request.task_name} is asked with {request.args[1]}, not with the settings of the view {view}:"
                " run without --gen_kwargs and --cache_requests"
            )


def _view_of(request: Instance) -> str | None:
    """The generating view that the task's name ends with, the longest that does."""
    from lm_eval_illusion.views import GENERATION_SETTINGS

    named = [view for view in GENERATION_SETTINGS if (request.task_name or "").endswith(f"_{view}")]
    return max(named, key=len, default=None)


def refusal(flag: str) -> UserError:
    """The error for a flag of lm_eval."""
    return UserError(f"{flag} can't be used with pruned-hf ({REASONS[flag]}): run without it")
