"""The names of lm_eval's own tasks, groups and tags, read from the text of its files: lm_eval itself takes 8 to 18 s to index them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

# A key with a name or a list of names. The lookahead leaves the lines of a list to the next match: they may have such keys, too.
_KEY = re.compile(
    rb"^[ \t]*(?:-[ \t]+)?[\"']?(?:task|group|tag)[\"']?[ \t]*:[ \t]*(?P<value>[^\r\n]*)"
    rb"(?=(?P<entries>(?:\s*\n[ \t]*-[ \t]+[^\r\n]*)*))",
    re.MULTILINE,
)
_NAME = re.compile(rb"[\"']?(?P<name>[A-Za-z0-9_-]+)[\"']?(?:[ \t]+#.*)?[ \t]*")
_LIST = re.compile(rb"\[(?P<names>[^\]]*)\]")


@cache
def names_of_lm_eval() -> dict[str, str]:
    """Return the names that `lm_eval --tasks` takes without our tasks: casefolded name -> name as lm_eval writes it.

    Among them are the names of lm_eval's task folders, such as arc: its list of tasks calls families of tasks so. Names with other
    characters than letters, digits, "_" and "-" are left out. None if lm_eval isn't installed. It is not imported.
    """
    found = importlib.util.find_spec("lm_eval")
    folders = [Path(folder) / "tasks" for folder in (found.submodule_search_locations if found is not None else None) or ()]
    families = (entry.name for folder in folders if folder.is_dir() for entry in os.scandir(folder) if entry.is_dir())
    names = (name for folder in folders for name in names_below(folder))
    return {name.casefold(): name for name in chain(families, names)}


def names_below(folder: Path) -> Iterator[str]:
    """Yield the names in all YAML files below a folder, some of them more than once."""
    pending = [os.fspath(folder)] if folder.is_dir() else []
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    pending.append(entry.path)
                # Files that other files include often have no ending.
                elif "yaml" in entry.name or "." not in entry.name:
                    # What can't be read gives lm_eval no name, either.
                    with contextlib.suppress(OSError), open(entry.path, "rb") as file:
                        yield from _names_in(file.read())


def _names_in(text: bytes) -> Iterator[str]:
    for key in _KEY.finditer(text):
        in_brackets = _LIST.match(key["value"])
        entries = in_brackets["names"].split(b",") if in_brackets else [key["value"]]
        entries += [line.strip().removeprefix(b"-") for line in key["entries"].splitlines()]
        for entry in entries:
            # A sentence after "task:" in a prompt is no name.
            name = _NAME.fullmatch(entry.strip())
            if name and name["name"] != b"null":
                yield name["name"].decode("ascii")
