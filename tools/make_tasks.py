"""Write the YAMLs of every view and every task family: `python tools/make_tasks.py [FOLDER]`, by default tasks/."""

from __future__ import annotations

import sys
from pathlib import Path

from question_templates import EMBEDDED_LANGUAGES

from lm_eval_illusion.pairing.hub_datasets import TYDIQA_LANGUAGES, XQUAD_LANGUAGES
from lm_eval_illusion.views.task_yaml import write_task_files, write_view_files

FAMILIES = {
    "mqa_illusion": EMBEDDED_LANGUAGES,
    "mqa_illusion_xquad": XQUAD_LANGUAGES,
    "mqa_illusion_xquad_closed": XQUAD_LANGUAGES,
    "mqa_illusion_tydiqa": tuple(TYDIQA_LANGUAGES.values()),
    "mqa_illusion_tydiqa_closed": tuple(TYDIQA_LANGUAGES.values()),
}
FOLDER = Path(__file__).parents[1] / "tasks"


def main(folder: Path) -> None:
    write_view_files(folder / "views")
    for family, languages in FAMILIES.items():
        write_task_files(folder / family, family, languages)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
