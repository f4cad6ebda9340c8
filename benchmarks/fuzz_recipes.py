"""Recipes that attack, never end or are damaged, through everything that reads a recipe: `python -m benchmarks.fuzz_recipes`.

Three kinds of cases are drawn from a seed: hostile templates from a small grammar, packaged recipes with bytes and words exchanged, and
hostile YAML. Each is written to a file and goes through `template_args`, `example_recipe` and llmcompressor's own reading
(`needs_calibration`). Every case must be accepted or be a `UserError` of one line, within 10 s. An accepted recipe must have at most a
million characters, be what Jinja without a sandbox gives, and mean what PyYAML reads in it. The folder holds files that an attack would
run or make, and a server listens that an attack would reach; none may have been touched. The exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import asdict

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.plain_yaml import read_yaml
from lm_eval_illusion.pruning.recipe_content import KNOWN_MODIFIERS
from lm_eval_illusion.pruning.recipes import EXAMPLE_VALUES, example_recipe, pruner_names, recipe_template, template_args

MOST_SECONDS = 10
VARIABLE = "FUZZ_CANARY"
_ADDRESS = re.compile("0x[0-9a-f]{8,}")
MOST_CHARACTERS = 1_000_000
STAGE = "a_stage:\n  a_modifiers:\n    "
SLOW = (
    "re:(a|a)*$ re:([a-z._0-9]+)+$! re:(.*)*x re:.*.*.*.*.*.*.*.*x re:( re:[ re:* re:(?P<a>)(?P<a>) re:a{99999999999}".split()
)


@dataclass
class Figures:
    """What the fuzz counts. `wrong`: descriptions of cases with a traceback, too much time, or a wrong recipe."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0
    wrong: list[str] = field(default_factory=list)


class Canaries:
    """Files, a variable and a server that attacks try to run, make, set or reach. `address`: of the server."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(0)
        self.address = self.server.getsockname()
        (folder / "code.py").write_text(f"open({str(folder / 'made')!r}, 'w')\nName = int\n", encoding="utf-8")

    def touched(self) -> list[str]:
        """Return what an attack reached."""
        made = [f"file {path.name}" for path in self.folder.iterdir() if path.name != "code.py" and path.suffix != ".yaml"]
        try:
            self.server.accept()
            made.append("the server")
        except BlockingIOError:
            pass
        return made + ([f"the variable {VARIABLE}"] if VARIABLE in os.environ else [])


def attacks(canaries: Canaries) -> list[str]:
    """Return expressions that run code in Jinja without a sandbox, or try other ways out."""
    commands = [
        f"open('{canaries.folder}/made', 'w')",
        f"__import__('os').environ.update({VARIABLE}='1')",
        f"__import__('socket').create_connection({canaries.address!r})",
    ]
    roots = ["lipsum", "cycler.__init__", "joiner.__init__", "namespace.__init__", "range", "dict", "self", "caller"]
    evaluate = [f"{root}.__globals__['__builtins__']['eval'](\"{command}\")" for root in roots for command in commands]
    return [
        *evaluate,
        "().__class__.__base__.__subclasses__()",
        "(sparsity|attr('__class__')|attr('__mro__'))[1]",
        "''.__class__.__mro__[1].__subclasses__()",
        "'{0.__class__.__init__.__globals__}'.format(sparsity)",
        "'{a.__class__}'.format_map({'a': sparsity})",
        "self._TemplateReference__context",
        "self.__init__.__globals__",
        "ignore.__class__.__init__.__globals__",
        "ignore.append('x')",
        "(sparsity|string).encode().__class__",
        "[1]|map(attribute='__class__')|list",
        "['a']|map('attr', '__class__')|list",
        "['a']|groupby('__class__')",
        "[1, 2]|random",
    ]


COSTLY = [
    "'x' * 10**10",
    "'%1000000000d' % 1",
    "'x'|center(10**10)",
    "'{:>10000000000}'.format(1)",
    "9**9**9**9",
    "(2**(10**9))|string",
    "[0] * 10**10",
    "range(10**12)|list",
    "('x' * 10**6)|replace('x', 'y' * 10**6)",
    "'x'|indent(10**10)",
    "(['x'] * 99999)|join('y' * 99999)",
    "'x'|urlize(10**10)",
    "[[0] * 10**4]*10**4|sum(start=[])",
    "'a'.zfill(10**11)",
    "'\\t'.expandtabs(10**11)",
]
VALUES = "sparsity ignore owl_sparsities group_size mask_structure 1 'x' 1.5 none [] {} nosuch '\\ud800' '\\0'".split()
FILTERS = (
    "list string int join(',') length first sort tojson pprint xmlattr wordwrap(0) batch(0) slice(0) nosuch round(9**9) format(1)"
    " dictsort map('int')"
).split()
STATEMENTS = [
    "{{% for i in range(99999) %}}{{% for j in range(99999) %}}{{{{ {0} }}}}{{% endfor %}}{{% endfor %}}",
    "{{% for i in range(99999) %}}{{{{ {0} }}}}xxxxxxxxxxxxxxxxxxxxxxxxx{{% endfor %}}",
    "{{% macro m(x) %}}{{{{ m(x) }}}}{{{{ {0} }}}}{{% endmacro %}}{{{{ m(1) }}}}",
    "{{% set x = {0} %}}{{{{ x }}}}",
    "{{% if {0} %}}a: 1{{% endif %}}",
    "{{% include {0} %}}",
    "{{% import {0} as y %}}",
    "{{% extends {0} %}}",
    "{{% from {0} import y %}}",
    "{{% call {0} %}}{{% endcall %}}",
    "{{% filter upper %}}{{{{ {0} }}}}{{% endfilter %}}",
    "{{% with x = {0} %}}{{{{ x }}}}{{% endwith %}}",
    "{{% block b %}}{{{{ {0} }}}}{{{{ self.b() }}}}{{% endblock %}}",
    "{{% do {0} %}}",
    "{{% raw %}}{0}",
    "{{{{ {0}",
    "{{# {0}",
]


def hostile_template(draw: random.Random, expressions: list[str]) -> str:
    """Return a template with expressions that attack or cost much, alone, in a statement, or in a recipe that is fine otherwise."""
    expression = _expression(draw, expressions, depth=2)
    shape = draw.randrange(4)
    if shape == 0:
        text = f"{{{{ {expression} }}}}"
    elif shape == 1:
        text = draw.choice(STATEMENTS).format(expression)
    elif shape == 2:
        return f"{STAGE}WandaPruningModifier: {{sparsity: {{{{ sparsity }}}}, ignore: {{{{ {expression} }}}}}}\n"
    else:
        text = "{{ " + "(" * draw.choice([5, 100, 10_000]) + expression + " }}"
    return text + "\n" + _packaged(draw)


def _expression(draw: random.Random, expressions: list[str], depth: int) -> str:
    kind = draw.randrange(8)
    if depth == 0 or kind < 3:
        return draw.choice(expressions if draw.random() < 0.5 else VALUES)
    if kind < 5:
        return f"({_expression(draw, expressions, depth - 1)})|{draw.choice(FILTERS)}"
    if kind == 5:
        return f"{draw.choice(COSTLY)}"
    operator = draw.choice(["+", "-", "*", "/", "//", "%", "**", "~", "in", "and", "is", "=="])
    return f"({_expression(draw, expressions, depth - 1)}) {operator} ({_expression(draw, expressions, depth - 1)})"


WORDS = [
    *"[ ] { } {{ }} {% %} : &a *a <<: !!int !!python/name:os.system 0x 1e999 .inf .nan -1 null ~ ' # | > % é 2024-13-45 1:1:1".split(),
    *"_stage _modifiers Modifier sparsity ignore 're:(' 're:(a|a)*$' 99999999999999999999".split(),
    *("- ", "\n", "\t", '"', "\0", "\x85", "\ufeff", "\u2028"),
]


def mutated(draw: random.Random) -> bytes:
    """Return a packaged recipe with some bytes or words exchanged, removed, doubled or added."""
    text = _packaged(draw)
    for _ in range(draw.randint(1, 6)):
        at, length = draw.randrange(len(text) + 1), draw.choice([0, 1, 1, 3, 10, 40])
        piece = draw.choice(
            [
                draw.choice(WORDS),
                "",
                text[at : at + length] * 2,
                text[draw.randrange(len(text) + 1) :][:20],
                chr(draw.randrange(256)),
            ]
        )
        text = text[:at] + piece + text[at + length :]
    data = bytearray(text.encode("utf-8"))
    for _ in range(draw.choice([0, 0, 0, 1, 3])):
        data[draw.randrange(len(data))] = draw.randrange(256)
    return bytes(data)


ARGUMENTS = (
    "sparsity mask_structure targets ignore block_size dampening_frac scheme observer weight_observer config_groups mappings n_grid"
    " iters report_path update_scheduler calibration_function transform_config kv_cache_scheme group index start end initialized_"
    " nosuch owl_m sparsity_profile device_ids offload_device rotations"
).split()
WEIGHTS = "num_bits group_size strategy type observer symmetric actorder".split()
MODIFIERS = [
    *sorted(KNOWN_MODIFIERS),
    "MagnitudePruningModifier",
    "ConstantPruningModifier",
    "Modifier",
    "os.system",
    "NoSuchModifier",
]


def hostile_yaml(draw: random.Random, canaries: Canaries) -> str:
    """Return YAML that costs much, is no plain data, or asks llmcompressor for something other than pruning."""
    code = f"'{canaries.folder}/code.py:Name'"
    many = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, draw.randint(3, 30)))
    merges = "\n".join(f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 9)}]}}" for i in range(1, draw.randint(3, 30)))
    depth = draw.choice([10, 60, 1000, 100_000])
    head = draw.choice(
        [
            "",
            f"a0: &a0 [x]\n{many}\n",
            f"m0: &m0 {{x: 1}}\n{merges}\n",
            "r: &r [*r]\n",
            "r: &r {k: *r}\n",
            f"d: {'[' * depth}{']' * depth}\n",
            f"d: {'{a: ' * depth}1{'}' * depth}\n",
            "- " * depth,
            f"n: {':'.join(['59'] * depth)}\n",
            f"n: 0x{'f' * depth}\n",
            f"{'k' * depth}: 1\n",
            "1: 2\n",
            "true: 2\n",
            "? [a, b]\n: 1\n",
            "d: 2024-13-45\n",
            "d: 2024-02-30T99:99:99Z\n",
            "a: 1\na: 2\n",
            f"x: !!python/object/apply:os.system ['touch {canaries.folder}/made']\n",
            "x: !!python/object/new:tuple [[1]]\n",
            "x: !!python/name:os.system\n",
            "x: !!timestamp nonsense\n",
            "x: !!binary '%%%'\n",
            "x: !!omap [1]\n",
            'x: "\\ud800\\0"\n',
            "%TAG ! tag:x,2000:\n---\n",
            "---\n---\n",
            f"args: {draw.choice(['5', '[1]', '{a: 1}', 'null'])}\n",
        ]
    )
    odd = ["-0.5", "2", ".nan", "1e999", "9" * 30, "null", "[]", "{}", "[[0.5]]", "true", "'x'", "0.5", code, *map(repr, SLOW)]

    weights = ", ".join(f"{draw.choice(WEIGHTS)}: {draw.choice(odd)}" for _ in range(2))
    scheme = f"config_groups: {{a: {{targets: [Linear], weights: {{{weights}}}}}}}"
    transform = f"transform_config: {{config_groups: {{u: {{type: {code}, apply: [{{targets: [Linear], location: input}}]}}}}}}"
    report = f"report_path: {canaries.folder}/made/report.json"
    arguments = draw.choice(
        [scheme, transform, report, "", *(f"{draw.choice(ARGUMENTS)}: {draw.choice(odd)}" for _ in range(9))]
    )
    more = (
        "".join(f", {draw.choice(ARGUMENTS)}: {draw.choice(odd)}" for _ in range(draw.choice([0, 0, 1, 2])))
        if arguments
        else ""
    )
    return f"{head}{STAGE}{draw.choice(MODIFIERS)}: {{{arguments}{more}}}\n"


def _packaged(draw: random.Random) -> str:
    return recipe_template(draw.choice(pruner_names()))


def cases(count: int, seed: int, canaries: Canaries) -> Iterator[tuple[str, bytes]]:
    """Yield kind and content of `count` recipes."""
    draw = random.Random(seed)
    expressions = attacks(canaries) + COSTLY
    kinds: list[tuple[str, Callable[[], str | bytes]]] = [
        ("template", lambda: hostile_template(draw, expressions)),
        ("mutated", lambda: mutated(draw)),
        ("yaml", lambda: hostile_yaml(draw, canaries)),
    ]
    for number in range(count):
        kind, make = kinds[number % len(kinds)]
        content = make()
        yield kind, content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")


def read_recipe(path: Path) -> str:
    """Read a recipe as `prune` does before it loads a model; return "accepted" or "refused".

    Raises:
        ValueError: A refusal has more than one line or a recipe is wrong.
    """
    from lm_eval_illusion.pruning.compressor import needs_calibration

    recipe = None
    try:
        template_args(str(path))
        recipe = example_recipe(str(path))
        needs_calibration(recipe)
    except UserError as error:
        if "\n" in str(error) or len(str(error)) > 1500:
            raise ValueError(f"a refusal of {len(str(error))} characters: {str(error)[:200]!r}") from error
        if recipe is None:
            return "refused"
    _compare(path.read_text(encoding="utf-8-sig"), recipe)
    return "accepted"


def _compare(template: str, recipe: str) -> None:
    """Compare an accepted recipe with what Jinja without a sandbox and PyYAML make of it; neither ended on it, and it attacked nothing."""
    import jinja2
    import yaml

    values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(EXAMPLE_VALUES).items()}
    if len(recipe) > MOST_CHARACTERS:
        raise ValueError(f"a recipe of {len(recipe)} characters")
    # Jinja writes an iterator with its place in memory.
    if _ADDRESS.sub("0x0", jinja2.Template(template).render(values)) != _ADDRESS.sub("0x0", recipe):
        raise ValueError("a recipe that is not what Jinja gives")
    # Not a number is equal to nothing.
    if repr(yaml.safe_load(recipe)) != repr(read_yaml(recipe).content):
        raise ValueError("a recipe that is not what PyYAML reads")


def fuzz(count: int, seed: int, folder: Path, workers: int = 1) -> Figures:
    """Read `count` recipes and return the figures."""
    from lm_eval_illusion.pruning.compressor import needs_calibration

    # Imports llmcompressor, which takes longer than a case may.
    needs_calibration(example_recipe("wanda"))
    figures = Figures()
    canaries = Canaries(folder)

    def read(case: tuple[int, tuple[str, bytes]]) -> tuple[str, str, float, str]:
        number, (kind, content) = case
        path = folder / f"case{number}.yaml"
        path.write_bytes(content)
        start = time.perf_counter()
        try:
            outcome, wrong = read_recipe(path), ""
        except Exception as error:
            outcome, wrong = "wrong", f"{type(error).__name__}: {str(error)[:300]}"
        seconds = time.perf_counter() - start
        if seconds > MOST_SECONDS:
            wrong = f"{seconds:.1f} s {wrong}"
        if not wrong:
            path.unlink()
        return kind, outcome, seconds, wrong and f"{path.name} ({kind}): {wrong}"

    with ThreadPoolExecutor(workers) as pool:
        for kind, outcome, seconds, wrong in pool.map(read, enumerate(cases(count, seed, canaries))):
            figures.outcomes[f"{kind} {outcome}"] += 1
            figures.slowest = max(figures.slowest, seconds)
            figures.wrong += [wrong] if wrong else []
    figures.wrong += [f"an attack reached {what}" for what in canaries.touched()]
    canaries.server.close()
    return figures


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def main() -> int:
    """Run the fuzz and print its figures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, default=None, help="folder for the cases that went wrong")
    options = parser.parse_args()
    start = time.perf_counter()
    with _folder(options.keep) as folder:
        figures = fuzz(options.cases, options.seed, folder, options.workers)
    for name, number in sorted(figures.outcomes.items()):
        print(f"{name}: {number}")
    print(
        f"{options.cases} cases in {time.perf_counter() - start:.0f} s, the slowest in {figures.slowest:.1f} s, {len(figures.wrong)} wrong"
    )
    for wrong in figures.wrong:
        print(wrong)
    return 1 if figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
