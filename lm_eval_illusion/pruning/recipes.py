"""Recipes: llmcompressor's YAML as Jinja templates. Each method has a file in pruners/; a user may give another file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import packaged_folder

TEMPLATE_VARIABLES = ("sparsity", "mask_structure", "ignore", "owl_sparsities", "group_size")
"""The variables that a template may use."""
SPARSITY_VARIABLES = frozenset({"sparsity", "owl_sparsities"})
"""A template with one of these takes the argument `sparsity`: uniform in all layers, or as the mean of OWL's sparsities."""

PUNCTUATION_IN_NAMES = "_.+@:/-"
"""The ASCII punctuation in parts of a variant's name. A comma separates the parts, an equals sign stands between key and value."""
LONGEST_PART = 60
OTHER_VARIANTS = ("none", "dense", "unknown")
"""Names of variants and methods that are no pruners; `none` is the method of the dense model."""


def pruner_names() -> list[str]:
    """Return the names of the packaged pruners, sorted. Each is the stem of a template in pruners/."""
    return sorted(path.stem for path in _pruners_folder().glob("*.yaml"))


def is_recipe_file(pruner: str) -> bool:
    """Return whether `pruner` has the form of a path to a recipe, not of a name."""
    return "/" in pruner or pruner.endswith((".yaml", ".yml"))


def short_name(pruner: str) -> str:
    """Return the name of a pruner in reports: the name itself, or the stem of a recipe file, without blanks ("my recipe" -> "my-recipe").

    A recipe file with the name of a packaged pruner, or with a name that reports use for other variants, becomes "wanda-recipe".
    """
    if not is_recipe_file(pruner):
        return pruner
    name = plain_name(Path(pruner).stem)
    return f"{name}-recipe" if name in (*OTHER_VARIANTS, *pruner_names()) else name


def plain_name(text: str) -> str:
    """Return a text as a part of a name that neither a shell nor `report --fail-if` needs quoted.

    Letters and digits of any script and the characters of PUNCTUATION_IN_NAMES stay; a run of others becomes a hyphen. At most
    LONGEST_PART characters are kept, because sweeps name folders by it.
    """
    kept = "".join(character if _is_plain(character) else " " for character in text)
    return "-".join(kept.split())[:LONGEST_PART] or "unnamed"


def _is_plain(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in PUNCTUATION_IN_NAMES
    return character.isprintable() and not character.isspace()


def recipe_template(pruner: str) -> str:
    """Return the text of a pruner's template.

    Raises:
        UserError: The file can't be read as UTF-8 text.
    """
    path = Path(pruner).expanduser() if is_recipe_file(pruner) else _pruners_folder() / f"{pruner}.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"recipe {pruner} can't be read as UTF-8 text ({error}): give a YAML file") from error


def template_args(pruner: str) -> set[str]:
    """Return the variables that a pruner's template uses, a subset of `TEMPLATE_VARIABLES`; empty for `none`.

    Raises:
        UserError: The template is not valid Jinja, or uses another variable.
    """
    from jinja2 import Environment, TemplateError
    from jinja2.meta import find_undeclared_variables

    if pruner == "none":
        return set()
    try:
        used = find_undeclared_variables(Environment(autoescape=False).parse(recipe_template(pruner)))
    except TemplateError as error:
        raise UserError(f"recipe {pruner} is not a valid Jinja template ({error}): correct it") from error
    for name in sorted(used - set(TEMPLATE_VARIABLES)):
        raise UserError(f"recipe {pruner} uses {name!r}, which is not defined: it may use {', '.join(TEMPLATE_VARIABLES)}")
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
    """Fill in a pruner's template and return the recipe, YAML for llmcompressor.

    `sparsity`: share of weights to remove, 0 to 1, or None for an N:M mask or a method without sparsity. `mask_structure`: "0:0" or
    "N:M". `ignore`: patterns of the layers that are not changed. `owl_sparsities`: one sparsity per linear layer, the output head
    included, in the order of the model. `group_size`: number of consecutive weights that share a quantisation scale.

    Raises:
        UserError: The template can't be filled in, or the result is not a llmcompressor recipe with at least one modifier.
    """
    from jinja2 import Environment, TemplateError

    try:
        recipe = (
            Environment(autoescape=False)
            .from_string(recipe_template(pruner))
            .render(
                # With an N:M mask llmcompressor requires a number here, and ignores it.
                sparsity=0.5 if sparsity is None else sparsity,
                mask_structure=mask_structure,
                ignore=ignore,
                owl_sparsities=list(owl_sparsities),
                group_size=group_size,
            )
        )
    except TemplateError as error:
        raise UserError(f"recipe {pruner} can't be filled in ({error}): correct the template") from error
    _check_recipe(pruner, recipe)
    return recipe


def _check_recipe(pruner: str, recipe: str) -> None:
    import yaml

    try:
        content = yaml.safe_load(recipe)
    except yaml.YAMLError as error:
        raise UserError(f"recipe {pruner} is not valid YAML ({error}): correct it") from error
    # llmcompressor ignores entries of another form, and would then change nothing.
    if not any(_modifiers(content)):
        raise UserError(
            f"recipe {pruner} names no modifier: it must read <name>_stage: <name>_modifiers: <Modifier>: <arguments>, as those in pruners/"
        )


def _modifiers(content: Any) -> Iterator[str]:
    """Yield the names of the modifiers in a recipe's parsed YAML."""
    for stage, groups in content.items() if isinstance(content, dict) else ():
        if stage.endswith("_stage") and isinstance(groups, dict):
            for group, modifiers in groups.items():
                if group.endswith("_modifiers") and isinstance(modifiers, dict):
                    yield from (name for name, arguments in modifiers.items() if isinstance(arguments, dict))


def _pruners_folder() -> Path:
    return packaged_folder("lm_eval_illusion.pruners")
