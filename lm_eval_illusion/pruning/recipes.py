"""Recipes: llmcompressor's YAML as a Jinja template, one a method in pruners/, or a file of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import packaged_folder

ALLOWED = ("sparsity", "mask_structure", "ignore", "owl_sparsities", "group_size")


def pruner_names() -> list[str]:
    """The names in pruners/: a recipe template each."""
    return sorted(path.stem for path in _pruners_folder().glob("*.yaml"))


def is_recipe_file(pruner: str) -> bool:
    """Whether `pruner` is meant as a path to a recipe rather than as a name."""
    return "/" in pruner or pruner.endswith((".yaml", ".yml"))


def recipe_template(pruner: str) -> str:
    """The text of a pruner's template.

    Raises:
        UserError: the file can't be read as text.
    """
    path = Path(pruner).expanduser() if is_recipe_file(pruner) else _pruners_folder() / f"{pruner}.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"recipe {pruner} can't be read as UTF-8 text ({error}): give a YAML file") from error


def template_variables(pruner: str) -> set[str]:
    """The variables that a pruner's template uses: some of ALLOWED.

    Raises:
        UserError: the template is not valid Jinja, or uses something else.
    """
    from jinja2 import Environment, TemplateError
    from jinja2.meta import find_undeclared_variables

    try:
        used = find_undeclared_variables(Environment(autoescape=False).parse(recipe_template(pruner)))
    except TemplateError as error:
        raise UserError(f"recipe {pruner} is not a valid Jinja template ({error}): mend it") from error
    for name in sorted(used - set(ALLOWED)):
        raise UserError(f"recipe {pruner} uses {name!r}, which is not defined: it may use {', '.join(ALLOWED)}")
    return used


def render_recipe(
    pruner: str,
    sparsity: float | None,
    mask_structure: str,
    ignore: list[str],
    *,
    owl_sparsities: Sequence[float] = (),
    group_size: int | None = None,
) -> str:
    """Fill a template. `ignore`: patterns of the layers that stay as they are.

    `owl_sparsities`: one a linear layer, the output head among them, in the order of the model. `group_size`: weights that share a scale.

    Raises:
        UserError: what comes out is not a recipe of llmcompressor with at least one modifier.
    """
    from jinja2 import Environment, TemplateError

    # llmcompressor wants a number with an N:M mask, too, and does not look at it.
    values: dict[str, Any] = {"sparsity": 0.5 if sparsity is None else sparsity}
    values |= {
        "mask_structure": mask_structure,
        "ignore": ignore,
        "owl_sparsities": list(owl_sparsities),
        "group_size": group_size,
    }
    try:
        recipe = Environment(autoescape=False).from_string(recipe_template(pruner)).render(values)
    except TemplateError as error:
        raise UserError(f"recipe {pruner} can't be filled in ({error}): mend the template") from error
    _check_recipe(pruner, recipe)
    return recipe


def _check_recipe(pruner: str, recipe: str) -> None:
    import yaml

    try:
        stages = yaml.safe_load(recipe)
    except yaml.YAMLError as error:
        raise UserError(f"recipe {pruner} is not valid YAML ({error}): mend it") from error
    # llmcompressor passes over what has another shape, and would then change nothing.
    modifiers = [
        name
        for stage, groups in (stages.items() if isinstance(stages, dict) else ())
        if stage.endswith("_stage") and isinstance(groups, dict)
        for group, entries in groups.items()
        if group.endswith("_modifiers") and isinstance(entries, dict)
        for name, given in entries.items()
        if isinstance(given, dict)
    ]
    if not modifiers:
        raise UserError(
            f"recipe {pruner} names no modifier: it must read <name>_stage: <name>_modifiers: <Modifier>: <arguments>, as those in pruners/"
        )


def _pruners_folder() -> Path:
    return packaged_folder("lm_eval_illusion.pruners")
