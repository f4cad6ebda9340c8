"""A recipe as llmcompressor's own object. Its text is never given to llmcompressor, which would first take it for a path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.pruning.recipe_content import KNOWN_MODIFIERS, RecipeError, modifiers_of, recipe_content

if TYPE_CHECKING:
    from llmcompressor.recipe import Recipe


def load_recipe(recipe: str) -> Recipe:
    """Return a new recipe object for a recipe that is filled in. Its modifiers keep state, so an object serves for one run.

    Modifiers that the program itself registered with llmcompressor's `ModifierFactory` are known, too.

    Raises:
        UserError: The text is not a recipe, names an unknown modifier, or is not valid for llmcompressor.
    """
    from llmcompressor.modifiers import ModifierFactory
    from llmcompressor.recipe import Recipe

    try:
        content = recipe_content(recipe)
    except RecipeError as error:
        raise UserError(f"recipe {error}") from error
    known = KNOWN_MODIFIERS | ModifierFactory._registered_registry.keys()
    for name, _ in modifiers_of(content):
        if name not in known:
            raise UserError(f"recipe: No modifier of type {name[:80]!r} is known: give one of {', '.join(sorted(known))}")
    with registered_names_only(), attributed("recipe is not valid for llmcompressor", "correct it"):
        return Recipe.from_dict(content)


@contextmanager
def registered_names_only() -> Iterator[None]:
    """Within the `with` statement, find observers and transforms by their names alone, not as `file.py:Name`, which runs the file.

    `recipe_content` refuses such texts; this holds for every argument, also of modifiers to come.
    """
    from compressed_tensors.registry import registry
    from compressed_tensors.utils import patch_attr

    with patch_attr(registry, "_import_and_get_value_from_module", _refuse_module):
        yield


def _refuse_module(module_path: Any, value_name: Any) -> NoReturn:
    raise UserError(f"recipe: {module_path}:{value_name} names code in a file, which is not run: give the name of an observer")
