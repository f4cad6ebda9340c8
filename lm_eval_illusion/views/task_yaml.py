"""The YAML files of a task family, generated from the `View` records.

lm_eval finds a task only as a YAML file that contains the task's name, so each language and view needs a small file. It includes the
file of its view, written by `write_view_files`, and the family's family.yaml, which names the source of the items.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.languages import prompt_words
from lm_eval_illusion.views.spec import VIEWS, Metric, View

FUNCTIONS = "lm_eval_illusion.views"
"""The module where the YAMLs find prompt, score and aggregation functions. Folders made by `pair` contain this name: keep it."""


def write_view_files(folder: Path) -> None:
    """Write a YAML for each view: the part of a task that does not depend on family and language."""
    for view in VIEWS:
        write_text(folder / f"{view.name}.yaml", view_yaml(view))


def write_task_files(folder: Path, family: str, languages: Sequence[str], views: str = "../../views") -> None:
    """Write one folder per language with its tasks and their group, and the folder of the groups over languages.

    `views`: the path from a language's folder to the folder of `write_view_files`. `folder` must contain family.yaml.
    """
    for lang in languages:
        for view in VIEWS:
            write_text(folder / lang / f"{view.name}.yaml", _task(family, lang, view, views))
        write_text(folder / lang / "group.yaml", _group(f"{family}_{lang}", [f"{family}_{lang}_{view.name}" for view in VIEWS]))
    write_text(folder / "groups" / "all.yaml", _group(family, [f"{family}_{lang}" for lang in languages]))
    # Cheap views first, so that an interrupted run has at least these.
    core = sorted((view for view in VIEWS if view.is_core), key=lambda view: view.repeats)
    write_text(folder / "groups" / "core.yaml", _group(f"{family}_core", [f"{family}_{view.name}" for view in core]))
    for view in VIEWS:
        group = _group(f"{family}_{view.name}", [f"{family}_{lang}_{view.name}" for lang in languages])
        write_text(folder / "groups" / f"{view.name}.yaml", group + _mean_over_languages(view))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with line feeds on every system; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def view_yaml(view: View) -> str:
    """Return the YAML of a view."""
    comment = textwrap.wrap(f"View `{view.name}`: {view.description}", 126, break_on_hyphens=False, break_long_words=False)
    lines = [*(f"# {line}" for line in comment), f"output_type: {view.request_type}", f"doc_to_text: {_function(view.prompt)}"]
    if view.is_scored:
        lines.append(f"doc_to_choice: {_value(view.choices)}")
    lines += [f"doc_to_target: {'gold' if view.is_scored else 'answer'}", "num_fewshot: 0"]
    if view.repeats > 1:
        lines.append(f"repeats: {view.repeats}")
    if view.decoding is not None:
        lines.append("generation_kwargs:")
        lines += [f"  {name}: {json.dumps(value)}" for name, value in view.decoding.generation_kwargs().items()]
    if view.filter_name != "none":
        # lm_eval's default filter keeps only the first output.
        keep_all = f"filter: [{{function: take_first_k, k: {view.repeats}}}]"
        lines += ["filter_list:", f"  - name: {view.filter_name}", f"    {keep_all}"]
    lines += [f"process_results: {_function(view.score)}", "metric_list:", *map(_metric, view.metrics)]
    return "\n".join(lines) + "\n"


def _metric(metric: Metric) -> str:
    # The space before the comma ends the name of the function.
    aggregation = metric.aggregation if isinstance(metric.aggregation, str) else f"{_function(metric.aggregation)} "
    return f"  - {{metric: {metric.name}, aggregation: {aggregation}, higher_is_better: {json.dumps(metric.higher_is_better)}}}"


def _function(function: Callable[..., Any]) -> str:
    return f"!function {FUNCTIONS}.{function.__name__}"


def _value(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _task(family: str, lang: str, view: View, views: str) -> str:
    lines = [
        f"include: [{views}/{view.name}.yaml, ../family.yaml]",
        f"task: {family}_{lang}_{view.name}",
        f"metadata: {{version: 1.0, family: {family}, view: {view.name}, lang: {_quoted(lang)}}}",
    ]
    delimiter = prompt_words(lang).delimiter
    if view.is_scored and delimiter != " ":
        # lm_eval puts a space before a continuation; a language without spaces between words has none before its answer.
        lines.append(f'target_delimiter: "{delimiter}"')
    return "\n".join(lines) + "\n"


def _quoted(lang: str) -> str:
    # YAML reads a bare `no` as false.
    return '"no"' if lang == "no" else lang


def _group(name: str, members: Sequence[str]) -> str:
    return "\n".join([f"group: {name}", "task:", *(f"  - {member}" for member in members), "metadata: {version: 1.0}"]) + "\n"


def _mean_over_languages(view: View) -> str:
    mean = f"metric: {view.outcome_metric}, aggregation: mean, weight_by_size: true, filter_list: [{view.filter_name}]"
    return f"aggregate_metric_list:\n  - {{{mean}}}\n"
