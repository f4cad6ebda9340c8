"""Checks of the lm_eval command that runs one of our models: the tasks that it names, and the settings that are refused.

Some settings of lm_eval would silently give wrong numbers with a pruned model, or fail after an hour of pruning. They are refused
before any work is done, with one line that tells what to change.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.plugin import MODEL_NAME
from lm_eval_illusion.reading import open_file, read_text

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

    from lm_eval_illusion.views import View

COMMANDS = ("lm_eval", "lm-eval", "lm-eval-illusion")
"""The programs whose arguments are those of lm_eval."""

REASONS = {
    "--use_cache": "lm_eval's response cache keys on the request, not on the model: a pruned model would get the dense model's answers",
    "--cache_requests": "lm_eval's request cache ignores generation settings",
    "--gen_kwargs": "it would override the decoding settings of every view, greedy ones included",
}
"""The refused flags of lm_eval, each with the reason."""

_CACHE_FLAG = re.compile(r"-[swx]*c", re.ASCII)
"""--use_cache as -c FILE, -cFILE, or after other letters of lm_eval that take no value."""
MOST_CONFIG_BYTES = 1 << 20

ITEM_FIELDS = frozenset({"id", "choices", "shot"})
"""Fields by which a document is recognised as one of our items."""


@dataclass(frozen=True)
class NamedTasks:
    """The tasks and groups of --tasks, and the folders of --include_path."""

    tasks: list[str]
    folders: list[Path]


def is_lm_eval(argv: Sequence[str]) -> bool:
    """Return whether `argv` (as `sys.argv`) is a command of lm_eval."""
    program = Path(argv[0])
    # `python -m lm_eval` runs .../lm_eval/__main__.py
    return (program.parent.name if program.name == "__main__.py" else program.name) in COMMANDS


def read_named(arguments: Sequence[str]) -> NamedTasks:
    """Return the tasks and folders that lm_eval's arguments name; --tasks separates tasks by spaces or commas."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--tasks", "-t", nargs="*", default=[])
    parser.add_argument("--include_path", nargs="?", default=None)
    parsed, _ = parser.parse_known_args(arguments)
    tasks = [task for argument in parsed.tasks for task in argument.split(",") if task]
    return NamedTasks(tasks, [Path(parsed.include_path)] if parsed.include_path else [])


def read_config(path: Path) -> dict[str, Any]:
    """Return the arguments of lm_eval in a --config file; none of a file that is not as lm_eval wants it, which reports that itself.

    Raises:
        UserError: The file can't be read.
    """
    import yaml

    text = read_text(path, "give a YAML file with lm_eval's arguments by --config", MOST_CONFIG_BYTES)
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def tasks_of_view(named: NamedTasks, view: str) -> list[str]:
    """Return the tasks of this view among the named tasks and the members of the named groups."""
    from lm_eval.tasks._index import TaskIndex

    from lm_eval_illusion.plugin import tasks_folder

    # Each folder once: lm_eval logs a warning if it finds a task twice.
    index = TaskIndex.build(list(dict.fromkeys([tasks_folder(), *(folder.resolve() for folder in named.folders)])))
    leaves = dict.fromkeys(leaf for task in named.tasks for leaf in _leaves(task, index))
    return [leaf for leaf in leaves if (index[leaf].cfg.get("metadata") or {}).get("view") == view]


def scored_tasks(named: NamedTasks) -> list[str]:
    """Return the tasks among the named ones and the members of named groups that ask for scores of choices."""
    from lm_eval_illusion.views import TWIN, VIEWS

    forms = (TWIN.name, *(view.name for view in VIEWS if view.is_scored))
    return [task for form in forms for task in tasks_of_view(named, form)]


def refuse_flags(argv: Sequence[str], model_name: str = MODEL_NAME) -> None:
    """Refuse an lm_eval command that can't give right numbers with our models, before any pruning is done.

    Raises:
        UserError: `argv` (as `sys.argv`) is an lm_eval command with a flag of `REASONS`, has one in its --config file, or names a
            file of questions that is not readable.
    """
    if not is_lm_eval(argv):
        return
    for argument in argv[1:]:
        if flag := _refused_flag(argument):
            raise refusal(flag, model_name)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", "-C", nargs="?")
    file = parser.parse_known_args(argv[1:])[0].config
    config = read_config(Path(file)) if file else {}
    for flag, reason in REASONS.items():
        value = config.get(flag[2:])
        # The request cache is a mapping of switches.
        if any(value.values()) if flag == "--cache_requests" and isinstance(value, dict) else value:
            raise UserError(f"{flag[2:]} of --config {file} can't be used with {model_name} ({reason}): take it out")
    # Tasks of other projects may have a metadata entry `items`, too.
    if any("mqa_illusion" in argument for argument in argv[1:]):
        for file in _items_files(argv[1:]):
            _check_readable(file)


def refuse_changed_settings(requests: Sequence[Instance]) -> None:
    """Refuse requests of our views whose decoding settings differ from those of the view, whatever changed them.

    Raises:
        UserError: There is such a request; the message names its task and the settings.
    """
    for request in requests:
        view, settings = view_of_request(request), line_settings(request)
        if view is None or settings is None:
            continue
        if _of_today(request.args[1], settings) != settings:
            raise UserError(
                f"{request.task_name} is run with {request.args[1]}, not with the settings of the view {view.name}:"
                " run without --gen_kwargs and --cache_requests"
            )


def _of_today(given: Any, settings: Mapping[str, Any]) -> Any:
    """Return the settings of a request, of which those of earlier versions of `pair` are replaced by the settings of the view.

    Folders that they wrote end an answer at a line break, and have `top_k: 0` for a distribution that is not cut.
    """
    if not isinstance(given, dict):
        return given
    earlier = {"until": ["\n"], "top_k": 0}
    return {name: settings.get(name) if name in earlier and value == earlier[name] else value for name, value in given.items()}


def line_settings(request: Instance) -> dict[str, Any] | None:
    """Return the decoding settings of the view whose answer this request asks for, which is one line; None for another project's."""
    view = view_of_request(request)
    return None if view is None or view.decoding is None else view.decoding.generation_kwargs()


def view_of_request(request: Instance) -> View | None:
    """Return the view whose request this is; None for a task of another project. A twin has requests of two views."""
    from lm_eval_illusion.views import Twin, form_of_task

    if not (isinstance(request.doc, dict) and set(request.doc) >= ITEM_FIELDS):
        return None
    form = form_of_task(request.task_name or "")
    if isinstance(form, Twin):
        return form.recognition if request.request_type == "loglikelihood" else form.production
    return form


def refusal(flag: str, model_name: str = MODEL_NAME) -> UserError:
    """Return the error for a refused flag of lm_eval, a key of `REASONS`."""
    return UserError(f"{flag} can't be used with {model_name} ({REASONS[flag]}): run without it")


def _refused_flag(argument: str) -> str | None:
    """Return the key of `REASONS` that an argument is, abbreviated as argparse allows it, or None."""
    if _CACHE_FLAG.match(argument):
        return "--use_cache"
    name = argument.split("=")[0]
    # No other flag begins with --u, --g or --ca.
    return next((flag for flag in REASONS if flag.startswith(name) and len(name) > (3 if flag[2] == "c" else 2)), None)


def _leaves(name: str, index: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tasks of a task or group; none if the index lacks it, or if a group's member is a mapping (lm_eval allows that)."""
    entry = index.get(name) if isinstance(name, str) else None
    if entry is None or entry.cfg is None:
        return
    members = entry.cfg["task"] if "group" in entry.cfg else None
    if members is None:
        yield name
    else:
        for member in [members] if isinstance(members, str) else members:
            yield from _leaves(member, index)


def _items_files(arguments: Sequence[str]) -> Iterator[Path]:
    """Yield the files that `--metadata` gives for `items`, as items=FILE or as JSON."""
    flag = ""
    for argument in arguments:
        if argument.startswith("--"):
            flag, _, argument = argument.partition("=")
        if flag == "--metadata":
            metadata = dict(pair.split("=", 1) for pair in argument.split(",") if "=" in pair)
            with contextlib.suppress(ValueError, RecursionError):
                parsed = json.loads(argument)
                metadata = parsed if isinstance(parsed, dict) else metadata
            if isinstance(metadata.get("items"), str):
                yield Path(metadata["items"])


def _check_readable(file: Path) -> None:
    remedy = "give a JSONL file of questions by --metadata items=FILE"
    try:
        path = file.expanduser()
    except RuntimeError as error:  # no home folder
        raise UserError(f"{file} can't be read ({error}): {remedy}") from error
    with open_file(path, remedy):
        pass
