"""The YAML files of a task family, generated from the `View` records.

lm_eval finds a task only as a YAML file that contains the task's name, so each language and view needs a small file. It includes the
file of its view, written by `write_view_files`, and the family's family.yaml, which names the source of the items.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lm_eval_illusion.languages import PromptWords, prompt_words
from lm_eval_illusion.views.filters import first_lines
from lm_eval_illusion.views.spec import VIEWS, Metric, View
from lm_eval_illusion.views.twin import TWIN, TWIN_METRICS, TaskForm, Twin, score_twin
from lm_eval_illusion.views.yaml_text import yaml_text

FUNCTIONS = "lm_eval_illusion.views"
"""The module where the YAMLs find prompt, score and aggregation functions. Folders made by `pair` contain this name: keep it."""
CLASSES = "lm_eval_illusion.views.tasks"
"""The module where the YAMLs find task classes. Keep this name, too."""
NO_WORDS: Mapping[str, PromptWords] = MappingProxyType({})
"""Languages of which all have the prompt words of their file."""
FORMS: tuple[TaskForm, ...] = (TWIN, *VIEWS)
"""What the tasks of a language ask, in the order of its group."""
_IN_ALL = tuple(form for form in FORMS if isinstance(form, Twin) or not form.replaces_scores)
"""Those in the group of a language: with scores, a generated letter tells nothing more."""


def task_names(family: str, languages: Sequence[str]) -> list[str]:
    """Return the names of all tasks and groups that `write_task_files` writes; the groups of the family come first."""
    groups = [family, f"{family}_core", f"{family}_core_served", *(f"{family}_{form.name}" for form in FORMS)]
    of_languages = [name for lang in languages for name in (f"{family}_{lang}", *_tasks(family, lang, FORMS))]
    return groups + of_languages


def write_view_files(folder: Path) -> None:
    """Write a YAML for each view and the twin: the part of a task that does not depend on family and language."""
    write_text(folder / f"{TWIN.name}.yaml", twin_yaml(TWIN))
    for view in VIEWS:
        write_text(folder / f"{view.name}.yaml", view_yaml(view))


def write_task_files(
    folder: Path, family: str, languages: Sequence[str], views: str = "../../views", words: Mapping[str, PromptWords] = NO_WORDS
) -> None:
    """Write one folder per language with its tasks and their group, and the folder of the groups over languages.

    `views`: the path from a language's folder to the folder of `write_view_files`. `folder` must contain family.yaml. `words`: the prompt
    words of languages that do not have those of their file.
    """
    for lang in languages:
        delimiter = (words[lang] if lang in words else prompt_words(lang)).delimiter
        for form in FORMS:
            write_text(folder / lang / f"{form.name}.yaml", _task(family, lang, form, views, delimiter))
        group = _group(f"{family}_{lang}", _tasks(family, lang, _IN_ALL))
        write_text(folder / lang / "group.yaml", group + _means(TWIN_METRICS))
    write_text(
        folder / "groups" / "all.yaml", _group(family, [f"{family}_{lang}" for lang in languages]) + _means(TWIN_METRICS)
    )
    # The twin has the requests of its two views once. Cheap views come first.
    others = (view for view in VIEWS if view.is_core and view not in (TWIN.recognition, TWIN.production))
    core: list[TaskForm] = [TWIN, *sorted(others, key=_by_cost)]
    group = _group(f"{family}_core", [f"{family}_{form.name}" for form in core])
    write_text(folder / "groups" / "core.yaml", group + _means(TWIN_METRICS))
    # What a server without scores can run: a letter in place of them.
    generated = sorted((view for view in VIEWS if view.replaces_scores or (view.is_core and not view.is_scored)), key=_by_cost)
    group = _group(f"{family}_core_served", [f"{family}_{view.name}" for view in generated])
    write_text(folder / "groups" / "core_served.yaml", group)
    for form in FORMS:
        group = _group(f"{family}_{form.name}", [f"{family}_{lang}_{form.name}" for lang in languages])
        means = _means(TWIN_METRICS) if isinstance(form, Twin) else _means([form.outcome_metric], form.filter_name)
        write_text(folder / "groups" / f"{form.name}.yaml", group + means)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with line feeds on every system; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def view_yaml(view: View) -> str:
    """Return the YAML of a view."""
    lines = _comment(f"View `{view.name}`: {view.description}")
    if view.turns is not None:
        lines.append(f"class: !function {CLASSES}.ConversationTask")
    lines += [f"output_type: {yaml_text(view.request_type)}", f"doc_to_text: {_function(view.prompt)}"]
    if view.is_scored:
        lines.append(f"doc_to_choice: {_value(view.choices)}")
    lines += [f"doc_to_target: {'gold' if view.is_scored else 'answer'}", "num_fewshot: 0"]
    if view.repeats > 1:
        lines.append(f"repeats: {view.repeats}")
    if view.decoding is not None:
        lines.append("generation_kwargs:")
        lines += [f"  {name}: {json.dumps(value)}" for name, value in view.decoding.generation_kwargs().items()]
        lines += _first_lines(view.filter_name, view.repeats)
    lines += [f"process_results: {_function(view.score)}", "metric_list:", *map(_metric, view.metrics)]
    return "\n".join(lines) + "\n"


def twin_yaml(twin: Twin) -> str:
    """Return the YAML of the twin. The settings of the answer are not in it: lm_eval allows them in tasks that only generate."""
    view = twin.recognition
    lines = [
        *_comment(f"Task `{twin.name}`: {twin.description}"),
        f"class: !function {CLASSES}.TwinTask",
        f"output_type: {yaml_text(view.request_type)}",
        f"doc_to_text: {_function(view.prompt)}",
        f"doc_to_choice: {_value(view.choices)}",
        "doc_to_target: gold",
        "num_fewshot: 0",
        *_first_lines("none", 1),
        f"process_results: {_function(score_twin)}",
        "metric_list:",
        *map(_metric, twin.metrics),
    ]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 126, break_on_hyphens=False, break_long_words=False)]


def _first_lines(name: str, repeats: int) -> list[str]:
    """Return the lines of the filter. After it, lm_eval's own filter takes the only output, or keeps all of them."""
    keep = f"function: take_first_k, k: {repeats}" if repeats > 1 else "function: take_first"
    # The space after the function's name ends it.
    cut = f"function: custom, filter_fn: {_function(first_lines)} "
    return ["filter_list:", f"  - name: {yaml_text(name)}", f"    filter: [{{{cut}}}, {{{keep}}}]"]


def _metric(metric: Metric) -> str:
    # The space before the comma ends the name of the function.
    aggregation = yaml_text(metric.aggregation) if isinstance(metric.aggregation, str) else f"{_function(metric.aggregation)} "
    return f"  - {{metric: {yaml_text(metric.name)}, aggregation: {aggregation}, higher_is_better: {json.dumps(metric.higher_is_better)}}}"


def _function(function: Callable[..., Any]) -> str:
    return f"!function {FUNCTIONS}.{function.__name__}"


def _value(value: str | tuple[str, ...]) -> str:
    return yaml_text(value) if isinstance(value, str) else json.dumps(value)


def _tasks(family: str, lang: str, forms: Sequence[TaskForm]) -> list[str]:
    return [f"{family}_{lang}_{form.name}" for form in forms]


def _by_cost(view: View) -> int:
    return view.repeats


def _task(family: str, lang: str, form: TaskForm, views: str, delimiter: str) -> str:
    metadata = f"view: {yaml_text(form.name)}, lang: {yaml_text(lang)}"
    lines = [
        f"include: [{yaml_text(f'{views}/{form.name}.yaml')}, ../family.yaml]",
        f"task: {yaml_text(f'{family}_{lang}_{form.name}')}",
        f"metadata: {{version: 1.0, family: {yaml_text(family)}, {metadata}}}",
    ]
    if form.is_scored and delimiter != " ":
        # lm_eval puts a space before a continuation; a language without spaces between words has none before its answer.
        lines.append(f"target_delimiter: {yaml_text(delimiter)}")
    return "\n".join(lines) + "\n"


def _group(name: str, members: Sequence[str]) -> str:
    lines = [f"group: {yaml_text(name)}", "task:", *(f"  - {yaml_text(member)}" for member in members)]
    return "\n".join([*lines, "metadata: {version: 1.0}"]) + "\n"


def _means(metrics: Sequence[str], filter_name: str = "none") -> str:
    """Return the lines by which a group averages metrics over the tasks in it that log them."""
    settings = f"aggregation: mean, weight_by_size: true, filter_list: [{yaml_text(filter_name)}]"
    return "aggregate_metric_list:\n" + "".join(f"  - {{metric: {yaml_text(metric)}, {settings}}}\n" for metric in metrics)
