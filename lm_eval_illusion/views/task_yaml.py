"""The task and group YAMLs of a family.

lm_eval 0.4.13 finds a task only as a YAML file with its name in it, so a language times a view is a small file. What a view is stands
in views/, where the items of a family come from in its family.yaml; these files only name both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lm_eval_illusion.languages import words_of

# Each view with the metric that the groups average over languages.
VIEWS = {
    "mc": "acc",
    "mc_letters": "acc",
    "gen": "match",
    "beam": "match_any",
    "sample": "match_any",
    "oneshot": "match",
    "candidates": "match",
    "candidates_without_gold": "match",
    "question_blind": "acc",
}
CORE_VIEWS = ("mc", "gen", "oneshot", "sample")
# Views that score continuations; where a language puts no space before its answer, neither do they.
SCORED_VIEWS = ("mc", "mc_letters", "question_blind")
FILTERS = {"beam": "beams", "sample": "samples"}


def named_view(task: str) -> str | None:
    """`mqa_illusion_fi_gen` -> `gen`; None for a task that is not named as ours are."""
    return max((view for view in VIEWS if task.endswith(f"_{view}")), key=len, default=None)


def write_task_files(folder: Path, family: str, languages: Sequence[str], views: str = "../../views") -> None:
    """Write a folder a language with its tasks and group, and the folder of the groups over languages.

    `views`: where the views' YAMLs lie, seen from a language's folder. `folder` must hold family.yaml.
    """
    for lang in languages:
        for view in VIEWS:
            write_text(folder / lang / f"{view}.yaml", _task(family, lang, view, views))
        write_text(folder / lang / "group.yaml", _group(f"{family}_{lang}", [f"{family}_{lang}_{view}" for view in VIEWS]))
    write_text(folder / "groups" / "all.yaml", _group(family, [f"{family}_{lang}" for lang in languages]))
    write_text(folder / "groups" / "core.yaml", _group(f"{family}_core", [f"{family}_{view}" for view in CORE_VIEWS]))
    for view, metric in VIEWS.items():
        tasks = [f"{family}_{lang}_{view}" for lang in languages]
        write_text(folder / "groups" / f"{view}.yaml", _group(f"{family}_{view}", tasks) + _mean(metric, view))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with line feeds on every system, making the folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _task(family: str, lang: str, view: str, views: str) -> str:
    lines = [
        f"include: [{views}/{view}.yaml, ../family.yaml]",
        f"task: {family}_{lang}_{view}",
        f"metadata: {{version: 1.0, family: {family}, view: {view}, lang: {_quoted(lang)}}}",
    ]
    delimiter = words_of(lang).delimiter
    if view in SCORED_VIEWS and delimiter != " ":
        lines.append(f'target_delimiter: "{delimiter}"')
    return "\n".join(lines) + "\n"


def _quoted(lang: str) -> str:
    # YAML reads a bare no as false: the Norway problem.
    return '"no"' if lang == "no" else lang


def _group(name: str, members: Sequence[str]) -> str:
    return "\n".join([f"group: {name}", "task:", *(f"  - {member}" for member in members), "metadata: {version: 1.0}"]) + "\n"


def _mean(metric: str, view: str) -> str:
    filters = FILTERS.get(view, "none")
    return (
        f"aggregate_metric_list:\n  - {{metric: {metric}, aggregation: mean, weight_by_size: true, filter_list: [{filters}]}}\n"
    )
