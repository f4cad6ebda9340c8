"""Write the task and group YAMLs of a family: `python tools/make_tasks.py [FOLDER]`.

lm_eval 0.4.13 finds a task only as a YAML file with its name in it, so a language times a view is a small file. What a view is stands
in tasks/views/, what a family is in tasks/<family>/family.yaml; these files only name both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lm_eval_illusion.languages import LANGUAGES

FAMILY = "mqa_illusion"
VIEWS = {"mc": "acc", "gen": "match", "beam": "match_any", "sample": "match_any", "oneshot": "match"}
CORE_VIEWS = ("mc", "gen", "oneshot", "sample")
FOLDER = Path(__file__).parents[1] / "tasks" / FAMILY


def main(folder: Path) -> None:
    """Write a folder a language with its tasks and group, and the folder of the groups over languages."""
    for lang in LANGUAGES:
        for view in VIEWS:
            _write(folder / lang / f"{view}.yaml", _task(lang, view))
        _write(
            folder / lang / "group.yaml",
            _group(f"{FAMILY}_{lang}", [f"{FAMILY}_{lang}_{view}" for view in VIEWS]),
        )
    _write(folder / "groups" / "all.yaml", _group(FAMILY, [f"{FAMILY}_{lang}" for lang in LANGUAGES]))
    _write(folder / "groups" / "core.yaml", _group(f"{FAMILY}_core", [f"{FAMILY}_{view}" for view in CORE_VIEWS]))
    for view, metric in VIEWS.items():
        tasks = [f"{FAMILY}_{lang}_{view}" for lang in LANGUAGES]
        _write(folder / "groups" / f"{view}.yaml", _group(f"{FAMILY}_{view}", tasks) + _mean(metric, view))


def _task(lang: str, view: str) -> str:
    lines = [
        f"include: [../../views/{view}.yaml, ../family.yaml]",
        f"task: {FAMILY}_{lang}_{view}",
        f"metadata: {{version: 1.0, family: {FAMILY}, view: {view}, lang: {lang}}}",
    ]
    if view == "mc" and LANGUAGES[lang].delimiter != " ":
        lines.append(f'target_delimiter: "{LANGUAGES[lang].delimiter}"')
    return "\n".join(lines) + "\n"


def _group(name: str, members: list[str]) -> str:
    return "\n".join([f"group: {name}", "task:", *(f"  - {member}" for member in members), "metadata: {version: 1.0}"]) + "\n"


def _mean(metric: str, view: str) -> str:
    filters = {"beam": "beams", "sample": "samples"}.get(view, "none")
    return (
        f"aggregate_metric_list:\n  - {{metric: {metric}, aggregation: mean, weight_by_size: true, filter_list: [{filters}]}}\n"
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
