"""Packaged studies: STUDY.yaml files that belong to this package and are called by name, as in `lm-eval-illusion sweep paper`."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.files import packaged_folder, shown


def study_names() -> list[str]:
    """Return the names of the packaged studies, sorted. Each is the stem of a file in studies/."""
    return sorted(path.stem for path in _studies_folder().glob("*.yaml"))


def study_file(given: Path) -> Path:
    """Return the file of a study that is given by its path, or by the name of a packaged study.

    A file of that name in the working folder is what was given, and a line on standard error says so. A folder of that name is no study:
    it may well be the output of an earlier sweep.

    Raises:
        UserError: There is neither such a file nor such a packaged study.
    """
    name, names = str(given), study_names()
    is_file = os.path.lexists(given) and not given.is_dir()
    if name in names:
        if not is_file:
            return _studies_folder() / f"{name}.yaml"
        print(
            for_terminal(f"lm-eval-illusion: {name} is a file here: it is read, not the packaged study {name}"), file=sys.stderr
        )
    elif not is_file:
        near = get_close_matches(given.stem, names, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise UserError(
            f"study {shown(name)} is no file and no packaged study{hint}: give a YAML file, or one of {', '.join(names)}"
        )
    return given


def _studies_folder() -> Path:
    return packaged_folder("lm_eval_illusion.studies")
