"""What a recipe may ask llmcompressor for. A recipe may come from anybody, and llmcompressor's arguments can do more than prune.

Seen in llmcompressor 0.14 and compressed-tensors 0.19: the name of an observer or of a transform may be `file.py:Name`, and the file is
then run; `report_path` of REAPPruningModifier creates folders and writes a file while the recipe is read; `update_scheduler` of
MagnitudePruningModifier is evaluated as Python. Such arguments are refused, and only modifiers of the list below are known. Patterns of
layer names are regular expressions, which can take for ever on one name; `refuse_slow_patterns` tries them, in a process that is ended.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import Any

from lm_eval_illusion.errors import cause_of
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.plain_yaml import YamlError, read_yaml

LONGEST_SHOWN = 80
"""Characters of a name or value in a message."""

KNOWN_MODIFIERS = frozenset(
    {
        "AWQModifier",
        "AutoRoundModifier",
        "GPTQModifier",
        "LayerMagnitudeModifier",
        "LogarithmicEqualizationModifier",
        "QuIPModifier",
        "QuantizationModifier",
        "REAPPruningModifier",
        "SmoothQuantModifier",
        "SparseGPTModifier",
        "SpinQuantModifier",
        "WandaPruningModifier",
    }
)
"""The modifiers whose arguments were read: with the rules of this module none of them runs code or touches files."""

REFUSED_ARGUMENTS = {
    "report_path": "writes a file",
    "update_scheduler": "may hold code",
    "scheduler_args": "may hold code",
    "calibration_function": "names code",
}
# Amounts of work and of memory. The largest values are far beyond those that are of use.
RANGES = {"num_bits": (1, 64), "n_grid": (1, 1000), "iters": (0, 10_000), "sparsity": (0, 1)}
LONGEST_PATTERN = 10_000
LARGEST_MASK = 4096
"""The largest M of an N:M mask. Hardware has 4, 8, 16 or 32."""
# "2:4" is a mask, "cuda:0" a device, "re:" begins a pattern. Any other text with a colon could be `file.py:Name`.
_MASK = re.compile(r"([0-9]{1,4}):([0-9]{1,4})")
_TEXT_WITH_COLON = re.compile(r"re:.*|[a-z0-9]+:[0-9]+", re.DOTALL)

Modifiers = list[tuple[str, dict[str, Any]]]
"""Name and arguments of each modifier, in their order."""


class RecipeError(ValueError):
    """What is wrong with a recipe, as the end of a sentence that begins with its name: "is not valid YAML (...): correct it".

    `always`: whether the recipe is refused whatever the values that it is filled in with.
    """

    def __init__(self, message: str, *, always: bool = False) -> None:
        super().__init__(message)
        self.always = always


def recipe_content(recipe: str) -> dict[str, Any]:
    """Return the content of a recipe that is filled in: plain data, in which every modifier has a mapping of harmless arguments.

    Raises:
        RecipeError: The text is not such a recipe.
    """
    try:
        content = read_yaml(recipe).content
    except YamlError as error:
        raise RecipeError(f"is not valid YAML ({error}): correct it") from error
    entries = list(_entries(content))
    # llmcompressor ignores entries of another form, and would then change nothing.
    if not any(isinstance(arguments, dict) for _, arguments in entries):
        raise RecipeError(
            "names no modifier: it must read <name>_stage: <name>_modifiers: <Modifier>: <arguments>, as those in pruners/"
        )
    for name, arguments in entries:
        if not isinstance(arguments, dict):
            raise RecipeError(
                f"gives {cut(name, LONGEST_SHOWN)} no arguments: write {cut(name, LONGEST_SHOWN)}: {{}}, or its arguments"
            )
        for argument in REFUSED_ARGUMENTS.keys() & arguments.keys():
            raise RecipeError(
                f"gives {cut(name, LONGEST_SHOWN)} {argument}, which {REFUSED_ARGUMENTS[argument]}: remove it", always=True
            )
        # It collects activations before it is initialised, and reports only that (llmcompressor 0.14).
        if name in ("SparseGPTModifier", "WandaPruningModifier") and arguments.get("sparsity_profile") is not None:
            raise RecipeError(
                f"gives {name} sparsity_profile, which llmcompressor can't run: remove it with owl_m and owl_lmbda, or give"
                " pruner=owl or owl_sparsegpt",
                always=True,
            )
        for key, value in _scalars(name, arguments):
            _check_value(key, value)
    assured: dict[str, Any] = content
    return assured


def modifiers_of(content: dict[str, Any]) -> Modifiers:
    """Return the modifiers of the content of a recipe."""
    return list(_entries(content))


def refuse_slow_patterns(content: dict[str, Any], names: Collection[str]) -> None:
    """Try each pattern of a recipe on each module name, as llmcompressor will. Call it in a process that is ended after some time.

    Raises:
        RecipeError: A pattern is no regular expression.
    """
    # llmcompressor also matches names of layers with a dot at the end.
    texts = [text for name in names for text in (name, f"{name}.")]
    for pattern, is_searched in dict.fromkeys(_patterns(content)):
        try:
            expression = re.compile(pattern)
        except Exception as error:  # re.error, RecursionError, OverflowError: whatever the pattern causes
            raise RecipeError(
                f"has the pattern {cut(pattern, LONGEST_SHOWN)}, which is no regular expression ({cause_of(error, 100)}): correct it",
                always=True,
            ) from error
        find = expression.search if is_searched else expression.match
        for text in texts:
            find(text)


def _entries(content: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and arguments of each entry where llmcompressor expects a modifier; the arguments may be of any type."""
    for stage, groups in content.items() if isinstance(content, dict) else ():
        if stage.endswith("_stage") and isinstance(groups, dict):
            for group, modifiers in groups.items():
                if group.endswith("_modifiers") and isinstance(modifiers, dict):
                    yield from modifiers.items()


def _scalars(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every scalar below a value, each with the innermost key above it."""
    if isinstance(value, dict):
        for inner, entry in value.items():
            yield from _scalars(inner, entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _scalars(key, entry)
    else:
        yield key, value


def is_mask(text: str) -> bool:
    """Return whether a text is a mask structure: "0:0" for none, or "N:M" with 1 <= N < M <= LARGEST_MASK."""
    if (found := _MASK.fullmatch(text)) is None:
        return False
    zeros, group = int(found[1]), int(found[2])
    return zeros == group == 0 or 1 <= zeros < group <= LARGEST_MASK


def _check_value(key: str, value: Any) -> None:
    if isinstance(value, str):
        if len(value) > LONGEST_PATTERN:
            raise RecipeError(
                f"has a text of {len(value):,} characters under {cut(key, LONGEST_SHOWN)}: give at most {LONGEST_PATTERN:,}"
            )
        if ":" in value and not _TEXT_WITH_COLON.fullmatch(value):
            raise RecipeError(
                f"has {key}: {cut(value, LONGEST_SHOWN)}: a text with a colon must be a mask, a device, or a pattern that begins with re:",
                always=True,
            )
    if key == "mask_structure" and value is not None and not (isinstance(value, str) and is_mask(value)):
        raise RecipeError(
            f"has mask_structure: {cut(str(value), LONGEST_SHOWN)}, which is no mask:"
            f' give "N:M" in quotes, which removes N of every M weights (1 <= N < M <= {LARGEST_MASK}), or "0:0" for no mask'
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        smallest, largest = RANGES.get(key, (-math.inf, math.inf))
        if not (math.isfinite(value) and smallest <= value <= largest):
            allowed = f"{smallest} to {largest:,}" if key in RANGES else "a finite number"
            raise RecipeError(f"has {cut(key, LONGEST_SHOWN)}: {cut(str(value), LONGEST_SHOWN)}: give {allowed}")


def _patterns(content: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the regular expressions of a recipe, and whether they are searched: what REAP skips; the others follow `re:`."""
    for name, arguments in _entries(content):
        for _, value in _scalars(name, arguments):
            if isinstance(value, str) and value.startswith("re:"):
                yield value.removeprefix("re:"), False
        if name == "REAPPruningModifier":
            yield from ((value, True) for _, value in _scalars("", arguments.get("ignore")) if isinstance(value, str))
