"""The check that --samples of `lm-eval-illusion run` names a task that is run: lm_eval evaluates the others completely, without a word."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import shown

if TYPE_CHECKING:
    from lm_eval.tasks._index import Entry

_MOST_NAMED = 5


def check_samples(samples: Iterable[str], tasks: Iterable[str], index: Mapping[str, Entry]) -> None:
    """Check that a key of --samples is one of the tasks that are run. `tasks`: the values of --tasks; `index`: lm_eval's, by name.

    A file of samples may be written for more tasks than are run, so one key is enough. Nothing is checked where the index does not
    tell the names, as for YAML files.

    Raises:
        UserError: No key is.
    """
    found: set[str] = set()
    given = set(samples)
    names = {name for task in tasks for name in (fnmatch.filter(index, task) or [task])}
    if not given or not names or not _collect(names, index, found, set()) or given & found:
        return
    known = sorted(found)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    raise UserError(
        f"--samples names {shown(min(given))}, and no task of --tasks, so all documents would be evaluated:"
        f" give {', '.join(shown(name) for name in known[:_MOST_NAMED])}{more}"
    )


def _collect(names: Iterable[object], index: Mapping[str, Entry], found: set[str], seen: set[str]) -> bool:
    """Add the tasks of these tasks, groups and tags to `found`; return whether all of them are known. `seen`: groups may be cyclic."""
    for name in names:
        entry = index.get(name) if isinstance(name, str) else None
        cfg = (entry.cfg if entry is not None else None) or {}
        # A class of another project may give its task another name; ours have a view in their metadata, and keep it.
        metadata = cfg.get("metadata")
        is_ours = isinstance(metadata, dict) and "view" in metadata
        if entry is None or ("class" in cfg and not is_ours):
            return False
        if entry.name in seen:
            continue
        seen.add(entry.name)
        if entry.cfg is None:
            members: object = sorted(entry.tags)
        elif "group" in entry.cfg:
            members = entry.cfg.get("task")
        else:
            found.add(entry.name)
            continue
        # A member that is a mapping makes a task of another name.
        if not isinstance(members, list) or not _collect(members, index, found, seen):
            return False
    return True
