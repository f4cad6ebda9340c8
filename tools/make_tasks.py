"""Write the YAMLs of every view and every task family: `python tools/make_tasks.py [FOLDER]`, by default tasks/.

A family is a folder of tasks/ with a family.yaml. Its languages are those of its items files (items/fi.jsonl), or `LANGUAGES` of its
dataset.py where the items come from elsewhere.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from lm_eval_illusion.items import file_languages
from lm_eval_illusion.views.task_yaml import write_task_files, write_view_files

TASKS = Path(__file__).parents[1] / "tasks"


def main(folder: Path) -> None:
    write_view_files(folder / "views")
    for family in sorted(file.parent for file in TASKS.glob("*/family.yaml")):
        write_task_files(folder / family.name, family.name, family_languages(family))


def family_languages(family: Path) -> Sequence[str]:
    """Return the languages of a task family, in the order of its groups."""
    if (family / "items").is_dir():
        return file_languages(family / "items")
    languages: Sequence[str] = runpy.run_path(str(family / "dataset.py"))["LANGUAGES"]
    return languages


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TASKS)
