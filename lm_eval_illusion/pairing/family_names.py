"""The name of a task family: which names `lm_eval --tasks` finds, and which belong to lm_eval or to the package's own families."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.harness_names import names_of_lm_eval
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.views.task_yaml import task_names

RESERVED_PREFIX = "mqa_illusion"
MAX_NAME_LENGTH = 100
FOLDERS = ("groups", "items", "views")
"""The folders of a task folder besides those of its languages."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_name(name: str) -> None:
    """Check that a family name can be part of task and file names, and is not taken.

    Raises:
        UserError: The name has other characters than letters, digits and _, is too long, or begins with the reserved prefix; or it or one
            of the family's groups over all languages is one of lm_eval's own names. Letter case does not count.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"name {shown(name)} can't be part of task names: begin with a letter and use letters, digits and _ only"
        )
    if len(name) > MAX_NAME_LENGTH:
        raise UserError(
            f"name of {len(name)} characters is longer than {MAX_NAME_LENGTH}: give a shorter one, because it becomes part of file names"
        )
    if name.casefold().startswith(RESERVED_PREFIX):
        raise UserError(
            f"name {name!r} begins with {RESERVED_PREFIX}, which is reserved for the package's families: give another one"
        )
    _refuse_taken(name, task_names(name, []))


def check_task_names(name: str, languages: Sequence[str]) -> None:
    """Check that the tasks and groups of a family's languages have names of their own.

    Raises:
        UserError: One of the names is one of lm_eval's own, or a language has the code of a view, a group or a folder of the family.
    """
    names = task_names(name, languages)
    _refuse_taken(name, names)
    twice = {task for task, count in Counter(names).items() if count > 1}
    for lang in languages:
        if lang in FOLDERS or f"{name}_{lang}" in twice:
            raise UserError(
                f"language {lang!r} has the name of a view, a group or a folder that every family has: give another code"
            )


def _refuse_taken(name: str, names: Iterable[str]) -> None:
    taken = names_of_lm_eval()
    for task in names:
        if task.casefold() in taken:
            own = taken[task.casefold()]
            begin = f"name {name!r} is" if task == name else f"name {name!r} would give {task!r}, which is"
            raise UserError(f"{begin} {own!r} of lm_eval's own tasks: give another one, such as my_{name}")
