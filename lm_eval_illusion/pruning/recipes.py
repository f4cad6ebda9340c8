"""Recipes: llmcompressor's YAML as Jinja templates. Each method has a file in pruners/; a user may give another file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import packaged_folder
from lm_eval_illusion.pruning.recipe_content import RecipeError
from lm_eval_illusion.pruning.recipe_process import RecipeReply, RecipeRequest, answer_here, ask
from lm_eval_illusion.pruning.recipe_template import MOST_CHARACTERS, TemplateValues
from lm_eval_illusion.reading import read_text

SPARSITY_VARIABLES = frozenset({"sparsity", "owl_sparsities"})
"""A template with one of these takes the argument `sparsity`: uniform in all layers, or as the mean of OWL's sparsities."""

PUNCTUATION_IN_NAMES = "_.+@:/-"
"""The ASCII punctuation in parts of a variant's name. A comma separates the parts, an equals sign stands between key and value."""
LONGEST_PART = 60
OTHER_VARIANTS = ("none", "dense", "unknown")
"""Names of variants and methods that are no pruners; `none` is the method of the dense model."""

EXAMPLE_VALUES = TemplateValues(sparsity=0.5, mask_structure="0:0", ignore=(), group_size=128)
EXAMPLE_NAMES = ("model.layers.10.self_attn.q_proj", "model.layers.10.mlp.experts.100.gate_proj")
"""Module names as in most models. A pattern that never ends on them is refused before a model is loaded."""


class RefusedRecipeError(UserError):
    """A recipe that is refused whatever the values that it would be filled in with: it asks for what no recipe may do or take."""


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
        UserError: The file can't be read as UTF-8 text, or is too large.
    """
    remedy = "give a recipe, a YAML file"
    if not is_recipe_file(pruner):
        return read_text(_pruners_folder() / f"{pruner}.yaml", remedy)
    try:
        path = Path(pruner).expanduser()
    except RuntimeError as error:  # ~ of a user that does not exist
        raise UserError(f"recipe {pruner} can't be found ({error}): {remedy}") from error
    return read_text(path, remedy, MOST_CHARACTERS)


def template_args(pruner: str) -> set[str]:
    """Return the variables that a pruner's template uses, a subset of `TEMPLATE_VARIABLES`; empty for `none`.

    Raises:
        UserError: The template is not valid Jinja, or uses another variable.
    """
    if pruner == "none":
        return set()
    with _errors_of(pruner):
        return set(_answer(pruner, EXAMPLE_VALUES, EXAMPLE_NAMES).variables)


def render_recipe(
    pruner: str,
    sparsity: float | None,
    mask_structure: str,
    ignore: Sequence[str],
    *,
    owl_sparsities: Sequence[float] = (),
    group_size: int | None = None,
    module_names: Sequence[str] = (),
) -> str:
    """Fill in a pruner's template and return the recipe, YAML for llmcompressor.

    `sparsity`: share of weights to remove, 0 to 1, or None for an N:M mask or a method without sparsity. `mask_structure`: "0:0" or
    "N:M". `ignore`: patterns of the layers that are not changed. `owl_sparsities`: one sparsity per linear layer, the output head
    included, in the order of the model. `group_size`: number of consecutive weights that share a quantisation scale. `module_names`: of
    the model; the recipe's patterns are tried on them.

    Raises:
        UserError: The template can't be filled in, or the result is not a llmcompressor recipe with at least one modifier.
        RefusedRecipeError: It is refused whatever the values.
    """
    # With an N:M mask llmcompressor requires a number here, and ignores it.
    share = 0.5 if sparsity is None else float(sparsity)
    values = TemplateValues(share, mask_structure, tuple(ignore), tuple(owl_sparsities), group_size)
    with _errors_of(pruner):
        return _answer(pruner, values, tuple(module_names)).checked_recipe


def example_recipe(pruner: str) -> str:
    """Return what a pruner's template gives with values that a model may have.

    Raises:
        UserError: As `render_recipe`.
    """
    values = EXAMPLE_VALUES
    return render_recipe(
        pruner, values.sparsity, values.mask_structure, values.ignore, group_size=values.group_size, module_names=EXAMPLE_NAMES
    )


def _answer(pruner: str, values: TemplateValues, names: tuple[str, ...]) -> RecipeReply:
    request = RecipeRequest(recipe_template(pruner), values, names)
    return ask(request) if is_recipe_file(pruner) else answer_here(request)


@contextmanager
def _errors_of(pruner: str) -> Iterator[None]:
    try:
        yield
    except RecipeError as error:
        raise (RefusedRecipeError if error.always else UserError)(f"recipe {pruner} {error}") from error


def _pruners_folder() -> Path:
    return packaged_folder("lm_eval_illusion.pruners")
