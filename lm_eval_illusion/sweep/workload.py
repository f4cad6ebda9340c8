"""The work of a sweep in tokens, and an estimate of the GPU hours from it. Nothing is loaded: it is arithmetic on the views of the tasks.

Tokens of one item: each prompt is read once for scoring and once for generating, whatever views share it; each option is read after its
prompt; each answer of each beam and sample has all tokens that its view allows, although most answers are shorter. FLOPs: two per
parameter and token. Attention, start-up, downloads, thoughts, and the solver of SparseGPT and GPTQ are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lm_eval_illusion.pruning.settings import PruningSettings
from lm_eval_illusion.sweep.families import family_of, tasks_folder
from lm_eval_illusion.views.spec import VIEWS, View

PEAK_FLOPS = 989e12
"""Of one NVIDIA H100 (SXM) in bfloat16, dense, as its data sheet states."""
UTILISATION = 0.1
"""The share of the peak that is assumed. To generate few rows at a time is limited by the memory, see docs/performance.md."""

TOKENS_WITH_PASSAGE = 600
"""Of a prompt with a passage: the mean of XQuAD's in twelve languages is 594, of TyDi QA's 508 (vocabulary of 49,152)."""
TOKENS_ALONE = 60
"""Of a prompt without a passage."""
TOKENS_OF_OPTION = 6
ITEMS_OF_HUB_FAMILY = 200
"""The most items of a language in the families whose questions come from the hub."""
CALIBRATION_PASSES = 2
"""The layers before pruning, to collect; after it, for the input of the next layer."""
_WITH_HESSIAN = ("sparsegpt", "owl_sparsegpt", "gptq")
"""Methods that also multiply the inputs of each layer with themselves: about as much work as one more pass."""
_PROMPTS_OF_VIEW = {"oneshot": 2.0, "question_blind": 0.0}
"""Length of a view's prompt as a multiple of the open prompt's; 1 if it is not named."""


@dataclass(frozen=True)
class EvaluatedView:
    """One view of one language of a task family: a task of lm_eval."""

    family: str
    lang: str
    view: str


def evaluated_views(tasks: Iterable[str]) -> tuple[set[EvaluatedView], list[str]]:
    """Return the views that tasks and groups of ours contain, and the names that are none of ours."""
    found: set[EvaluatedView] = set()
    others = []
    for task in tasks:
        views = list(_views_of_task(task))
        found.update(views)
        others += [] if views else [task]
    return found, others


def tokens_of(views: Iterable[EvaluatedView], limit: int | None) -> int:
    """Return the tokens that a model reads and writes for these views of all items of a cell."""
    by_language: dict[tuple[str, str], list[str]] = {}
    for entry in views:
        by_language.setdefault((entry.family, entry.lang), []).append(entry.view)
    return sum(
        min(limit or _items(family, lang), _items(family, lang)) * tokens_per_item(names, prompt_tokens(family))
        for (family, lang), names in by_language.items()
    )


def tokens_per_item(names: Sequence[str], prompt: int) -> int:
    """Return the tokens of one item in the views of these names. `prompt`: tokens of the open prompt."""
    views = [view for view in VIEWS if view.name in names or (view.name in ("mc", "gen") and "twin" in names)]
    prompts = {(view.prompt, view.request_type): _PROMPTS_OF_VIEW.get(view.name, 1.0) for view in views}
    return round(sum(prompts.values()) * prompt) + sum(map(_tokens_after_prompt, views))


def pruning_tokens(settings: PruningSettings) -> int:
    """Return the tokens that pruning sends through the model; 0 for the dense model and for methods without calibration."""
    if not settings.needs.calibration:
        return 0
    passes = CALIBRATION_PASSES + (settings.pruner in _WITH_HESSIAN)
    return passes * settings.calibration_samples * settings.calibration_length


def gpu_seconds(tokens: int, parameters: int) -> float:
    """Return the seconds that one GPU needs for so many tokens through a model with so many parameters."""
    return 2 * parameters * tokens / (UTILISATION * PEAK_FLOPS)


def prompt_tokens(family: str) -> int:
    """Return the assumed tokens of a family's open prompt."""
    return TOKENS_ALONE if _item_file_folder(family).is_dir() or family.endswith("_closed") else TOKENS_WITH_PASSAGE


def loads_from_hub(family: str) -> bool:
    """Return whether a family's questions come from the hub."""
    return not _item_file_folder(family).is_dir()


def _tokens_after_prompt(view: View) -> int:
    if view.decoding is None:
        options = 4
        return options * (TOKENS_OF_OPTION if isinstance(view.choices, str) else 1)
    rows = view.decoding.num_beams or 1 if view.uses_beams else view.repeats
    return rows * view.decoding.max_gen_toks


def _views_of_task(task: str) -> Iterator[EvaluatedView]:
    family = family_of(task)
    if family is None:
        return
    named = task[len(family) + 1 :]
    core = {view.name for view in VIEWS if view.is_core}
    for lang, views in _languages(family).items():
        for view in views:
            if named in ("", lang, view, f"{lang}_{view}") or (named == "core" and view in core):
                yield EvaluatedView(family, lang, view)


@lru_cache(maxsize=16)
def _languages(family: str) -> dict[str, list[str]]:
    """Return the views of each language of a family, by the names of its YAMLs."""
    groups = sorted((tasks_folder() / family).glob("*/group.yaml"))
    return {group.parent.name: [path.stem for path in group.parent.glob("*.yaml") if path != group] for group in groups}


@lru_cache(maxsize=64)
def _items(family: str, lang: str) -> int:
    file = _item_file_folder(family) / f"{lang}.jsonl"
    if not file.is_file():
        return ITEMS_OF_HUB_FAMILY
    return sum(1 for line in file.open(encoding="utf-8") if line.strip())


def _item_file_folder(family: str) -> Path:
    return tasks_folder() / family / "items"
