"""Which tasks lm_eval's own command line names, and which views of ours those are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


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
