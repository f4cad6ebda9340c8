"""Arguments of lm_eval that would silently give wrong numbers with a pruned model, or fail late, each refused in one line.

Which tasks lm_eval's own command line names, and which views of ours those are.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.plugin import MODEL_NAME

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


class Named(NamedTuple):
    """The tasks and groups of --tasks, and the folders of --include_path."""

    tasks: list[str]
    folders: list[Path]


def read_named(arguments: Sequence[str]) -> Named:
    """What lm_eval's arguments name, by spaces or commas; nothing where they name nothing."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--tasks", "-t", nargs="*", default=[])
    parser.add_argument("--include_path", default=None)
    parsed, _ = parser.parse_known_args(arguments)
    tasks = [task for given in parsed.tasks for task in given.split(",") if task]
    return Named(tasks, [Path(parsed.include_path)] if parsed.include_path else [])


def tasks_of_view(named: Named, view: str) -> list[str]:
    """The tasks of this view among those that are named, or that stand in a named group."""
    from lm_eval.tasks._index import TaskIndex

    from lm_eval_illusion.plugin import tasks_folder

    # The same folder once: lm_eval warns of a task that it meets twice.
    index = TaskIndex.build(list(dict.fromkeys([tasks_folder(), *(folder.resolve() for folder in named.folders)])))
    leaves = dict.fromkeys(leaf for task in named.tasks for leaf in _leaves(task, index))
    return [leaf for leaf in leaves if (index[leaf].cfg.get("metadata") or {}).get("view") == view]


def _leaves(name: str, index: Mapping[str, Any]) -> Iterator[str]:
    """The tasks of a task or group; none where it is not in the index, or is no task in words (lm_eval allows a mapping)."""
    entry = index.get(name) if isinstance(name, str) else None
    if entry is None or entry.cfg is None:
        return
    members = entry.cfg["task"] if "group" in entry.cfg else None
    if members is None:
        yield name
    else:
        for member in [members] if isinstance(members, str) else members:
            yield from _leaves(member, index)


COMMANDS = ("lm_eval", "lm-eval", "lm-eval-illusion")

REASONS = {
    "--use_cache": "lm_eval's response cache keys on the request, not on the model: a pruned model would get the dense model's answers",
    "--cache_requests": "lm_eval's request cache ignores generation settings",
    "--gen_kwargs": "it would override the decoding settings of every view, greedy ones included",
}


def refuse_flags(argv: Sequence[str], model_name: str = MODEL_NAME) -> None:
    """Refuse what the running lm_eval command can't do, before any pruning is done.

    Raises:
        UserError: `argv` (as `sys.argv`) is an lm_eval command with such a flag, or names a file of questions that can't be read.
    """
    if not is_lm_eval(argv):
        return
    for argument in argv[1:]:
        flag = argument.split("=")[0]
        if flag in REASONS:
            raise refusal(flag, model_name)
    # Other tasks may take `items`, too.
    if any("mqa_illusion" in argument for argument in argv[1:]):
        for file in _files_of_items(argv[1:]):
            _check_readable(file)


def is_lm_eval(argv: Sequence[str]) -> bool:
    """Whether `argv` (as `sys.argv`) is one of lm_eval's commands."""
    program = Path(argv[0])
    # `python -m lm_eval` runs .../lm_eval/__main__.py
    return (program.parent.name if program.name == "__main__.py" else program.name) in COMMANDS


def _files_of_items(arguments: Sequence[str]) -> Iterator[Path]:
    """What `--metadata` says of `items`, as items=FILE or as JSON."""
    flag = ""
    for argument in arguments:
        if argument.startswith("--"):
            flag, _, argument = argument.partition("=")
        if flag == "--metadata":
            named = dict(pair.split("=", 1) for pair in argument.split(",") if "=" in pair)
            with contextlib.suppress(ValueError, RecursionError):
                parsed = json.loads(argument)
                named = parsed if isinstance(parsed, dict) else named
            if isinstance(named.get("items"), str):
                yield Path(named["items"])


def _check_readable(file: Path) -> None:
    try:
        with file.expanduser().open("rb"):
            pass
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name; no home
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{file} can't be read ({reason}): give a JSONL file of questions by --metadata items=FILE") from error


def refuse_changed_settings(requests: Sequence[Instance]) -> None:
    """Refuse requests of our views whose decoding settings are not the view's, however they were changed.

    Raises:
        UserError: names the task and the settings.
    """
    from lm_eval_illusion.views.metrics import GENERATION_SETTINGS
    from lm_eval_illusion.views.task_yaml import named_view

    for request in requests:
        ours = isinstance(request.doc, dict) and {"id", "choices", "shot"} <= set(request.doc)
        view = named_view(request.task_name or "") if ours else None
        if view is not None and view in GENERATION_SETTINGS and request.args[1] != GENERATION_SETTINGS[view]:
            raise UserError(
                f"{request.task_name} is asked with {request.args[1]}, not with the settings of the view {view}:"
                " run without --gen_kwargs and --cache_requests"
            )


def refusal(flag: str, model_name: str = MODEL_NAME) -> UserError:
    """The error for a flag of lm_eval."""
    return UserError(f"{flag} can't be used with {model_name} ({REASONS[flag]}): run without it")
