"""Recipes as Jinja templates: which variables one uses, and what it gives with the values of a model.

A template may come from anybody. It is parsed and filled in within Jinja's sandbox, and with nothing but its variables: no other files,
no random numbers. The sandbox limits neither time nor memory; `recipe_process` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict

from lm_eval_illusion.errors import cause_of
from lm_eval_illusion.pruning.recipe_content import RecipeError

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.nodes import Template

TEMPLATE_VARIABLES = ("sparsity", "mask_structure", "ignore", "owl_sparsities", "group_size")
"""The variables that a template may use: the fields of `TemplateValues`."""
MOST_CHARACTERS = 1_000_000
"""Characters of a template, and of a recipe in addition to those of the values: OWL has a sparsity for every expert of a model."""
_GLOBALS = ("range", "dict", "namespace")
"""What Jinja offers to templates besides filters and tests. `lipsum` gives random text; `cycler` and `joiner` are for web pages."""


class TemplateValues(Struct, frozen=True):
    """The values of the variables; see `recipes.render_recipe`."""

    sparsity: float
    mask_structure: str
    ignore: tuple[str, ...]
    owl_sparsities: tuple[float, ...] = ()
    group_size: int | None = None


def used_variables(template: str) -> set[str]:
    """Return the variables that a template uses, a subset of `TEMPLATE_VARIABLES`.

    Raises:
        RecipeError: The template is not valid Jinja, reads another file, or uses another variable.
    """
    from jinja2.meta import find_undeclared_variables

    parsed = _parse(_environment(), template)
    with _invalid():
        used = find_undeclared_variables(parsed)
    for name in sorted(used - set(TEMPLATE_VARIABLES)):
        allowed = ", ".join(TEMPLATE_VARIABLES)
        raise RecipeError(f"uses {name[:80]!r}, which is not defined: it may use {allowed}", always=True)
    return used


def fill_in(template: str, values: TemplateValues) -> str:
    """Return the text that a template gives with these values.

    Raises:
        RecipeError: The template is not valid, fails with these values, or gives `MOST_CHARACTERS` more than the values have as text.
    """
    environment = _environment()
    parsed = _parse(environment, template)
    # Python's lists, so that YAML can read how they are written out.
    variables = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(values).items()}
    most_characters = MOST_CHARACTERS + sum(len(str(value)) for value in variables.values())
    parts: list[str] = []
    length = 0
    try:
        for part in environment.from_string(parsed).generate(variables):
            parts.append(part)
            length += len(part)
            if length > most_characters:
                raise RecipeError(f"gives more than {most_characters:,} characters: shorten it", always=True)
    except (RecipeError, MemoryError):
        raise
    except Exception as error:  # whatever is raised here is raised by the template
        raise RecipeError(f"can't be filled in ({cause_of(error)}): correct the template") from error
    return "".join(parts)


def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
    environment.globals = {name: environment.globals[name] for name in _GLOBALS}
    # A recipe that draws would be another one at each reading.
    del environment.filters["random"]
    return environment


def _parse(environment: Environment, template: str) -> Template:
    from jinja2.nodes import Extends, FromImport, Import, Include

    with _invalid():
        parsed = environment.parse(template)
        others = list(parsed.find_all((Include, Import, FromImport, Extends)))
    for node in others:
        name = type(node).__name__.lower().replace("fromimport", "import")
        raise RecipeError(f"reads another template ({name} in line {node.lineno}): a recipe is one file", always=True)
    return parsed


@contextmanager
def _invalid() -> Iterator[None]:
    """Attribute whatever Jinja raises while it parses to the template."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise RecipeError(f"is not a valid Jinja template ({cause_of(error)}): correct it", always=True) from error
