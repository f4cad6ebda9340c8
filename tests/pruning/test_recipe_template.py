"""Templates in Jinja's sandbox: they reach their variables and nothing else. The plain Jinja of llmcompressor's users is the measure."""

from __future__ import annotations

import jinja2
import msgspec
import pytest

from lm_eval_illusion.pruning.recipe_content import RecipeError
from lm_eval_illusion.pruning.recipe_template import TEMPLATE_VARIABLES, TemplateValues, fill_in, used_variables

VALUES = TemplateValues(0.6, "2:4", ("re:.*lm_head", "it's"), (0.5, 0.25), None)


def test_the_variables_are_the_fields_of_the_values():
    assert msgspec.structs.fields(TemplateValues)[0].name == "sparsity"
    assert tuple(field.name for field in msgspec.structs.fields(TemplateValues)) == TEMPLATE_VARIABLES


@pytest.mark.parametrize(
    "template",
    [
        "a: {{ sparsity }} {{ ignore }} {{ owl_sparsities }} {{ group_size }} {{ mask_structure }}",
        "{% for i in range(3) %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}",
        "{% set zeros = mask_structure.split(':')[0] | int %}{{ zeros / 4 }}",
        "{% set n = namespace(x=1) %}{% for p in ignore %}{% set n.x = n.x + 1 %}{% endfor %}{{ n.x }} {{ dict(a=1) }}",
        "{{ '%.2f' % sparsity }} {{ '{:.1f}'.format(sparsity) }} {{ ignore | join('|') | upper }}",
        "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(sparsity) }}{# a comment #}{% raw %}{{ x }}{% endraw %}",
        "{% if group_size is none %}none{% endif %}{% if sparsity is defined %}yes{% endif %}",
    ],
)
def test_a_template_gives_what_plain_jinja_gives(template):
    expected = jinja2.Template(template).render(
        sparsity=0.6, mask_structure="2:4", ignore=["re:.*lm_head", "it's"], owl_sparsities=[0.5, 0.25], group_size=None
    )
    assert fill_in(template, VALUES) == expected
    assert used_variables(template) <= set(TEMPLATE_VARIABLES)


# Each writes the file CANARY under jinja2.Template, as the first test below shows for those that a plain Jinja runs.
ATTACKS = [
    '{{ lipsum.__globals__["os"].system("touch CANARY") }}',
    '{{ cycler.__init__.__globals__.os.system("touch CANARY") }}',
    '{{ namespace.__init__.__globals__["os"].system("touch CANARY") }}',
    '{% for c in ().__class__.__base__.__subclasses__() %}{% if c.__name__ == "_wrap_close" %}'
    '{{ c.__init__.__globals__["system"]("touch CANARY") }}{% endif %}{% endfor %}',
    '{{ (sparsity|attr("__class__")|attr("__mro__"))[1]|attr("__subclasses__")() }}',
    '{{ self._TemplateReference__context.environment }}',
    '{{ "{0.__class__.__mro__}".format(sparsity) }}',
    '{{ "{0.__class__.__mro__}".format_map({"0": sparsity}) }}',
    '{% set n = namespace() %}{{ n.__init__.__globals__ }}',
    '{% macro m() %}{{ m.__globals__ }}{{ caller.__class__ }}{% endmacro %}{{ m() }}',
    '{{ range.__class__ }}',
    '{{ ignore.append("x") }}',
    '{{ dict(a=1).update(b=2) }}',
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_template_reaches_python(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match="can't be filled in"):
        fill_in(attack, VALUES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("attack", ATTACKS[:4])
def test_the_attacks_are_real(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jinja2.Template(attack).render(sparsity=0.6)
    assert [path.name for path in tmp_path.iterdir()] == ["CANARY"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ lipsum(5) }}", "uses 'lipsum', which is not defined: it may use sparsity, mask_structure"),
        ("{{ [1, 2] | random }}", "not a valid Jinja template .*No filter named 'random'"),
        ("{% include 'x' %}", r"reads another template \(include in line 1\): a recipe is one file"),
        ("\n{% import 'x' as y %}", r"reads another template \(import in line 2\)"),
        ("{% from 'x' import y %}", r"reads another template \(import in line 1\)"),
        ("{% extends ignore[0] %}", r"reads another template \(extends in line 1\)"),
        ("{% if %}", "is not a valid Jinja template .*Expected an expression"),
        ("{{" + "(" * 5000, r"is not a valid Jinja template \(RecursionError"),
        ("{{ 10**5000 }}", r"is not a valid Jinja template \(ValueError"),
    ],
)
def test_a_template_that_is_none_is_refused_whatever_the_values(template, message):
    with pytest.raises(RecipeError, match=message) as caught:
        used_variables(template)
    assert caught.value.always


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ 1/0 }}", "ZeroDivisionError"),
        ("{{ sparsity.missing }}", "UndefinedError"),
        ("{{ ignore[9] }}", "UndefinedError"),
        ("{{ sparsity + ignore }}", "TypeError"),
        ("{{ 'x' | wordwrap(0) }}", "ValueError"),
        ("{% for i in range(10**9) %}x{% endfor %}", "OverflowError: Range too big"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
    ],
)
def test_whatever_a_template_raises_is_one_line_about_it(template, message):
    with pytest.raises(RecipeError, match=rf"can't be filled in \({message}.*\): correct the template") as caught:
        fill_in(template, VALUES)
    assert not caught.value.always


def test_a_large_output_is_refused_but_the_values_do_not_count():
    template = "{% for i in range(20) %}{{ 'x' * 60000 }}{% endfor %}"
    with pytest.raises(RecipeError, match="gives more than 1,000,045 characters"):  # 3 + 3 + 24 + 11 + 4 of VALUES
        fill_in(template, VALUES)
    # A model with 24,000 experts' layers: 1.2 million characters of values, and 1,000,000 of the template's own at most.
    names = tuple(f"model.layers.1.experts.{i}.gate" for i in range(24_000))
    values = TemplateValues(0.6, "0:0", names, (0.123456789,) * 24_000, None)
    recipe = f"{list(names)} {list(values.owl_sparsities)}"
    assert len(recipe) > 1_100_000
    assert fill_in("{{ ignore }} {{ owl_sparsities }}", values) == recipe
    with pytest.raises(RecipeError, match="shorten it"):
        fill_in("{{ ignore }} {{ owl_sparsities }}{% for i in range(20) %}{{ 'x' * 60000 }}{% endfor %}", values)
