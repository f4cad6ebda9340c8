"""The shape of the package: which package may import which, and no cycle between packages or files (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lm_eval_illusion"
TESTS = ROOT / "tests"

# What a package or top-level module may import besides itself and the modules that all may import. Type-only and lazy imports count.
FOR_ALL = {"errors", "escaping", "reading"}
MAY_IMPORT: dict[str, set[str]] = {
    "escaping": set(),
    "errors": set(),
    "reading": set(),
    "files": set(),
    "first_line": set(),
    "harness_names": set(),
    "jsonl": set(),
    "limits": set(),
    "memory": set(),
    "option_values": set(),
    "pipes": set(),
    "signals": set(),
    "reasoning": set(),
    "embedded": set(),
    "languages": set(),
    "loading": set(),
    "item_dataset": set(),
    "items": {"files", "item_dataset", "jsonl", "languages", "option_values"},
    "plain_yaml": set(),
    "plugin": {"files"},
    "matching": {"first_line", "languages"},
    "failures": {"languages", "matching", "reasoning"},
    "views": {"first_line", "matching", "languages", "reasoning"},
    "progress": {"views"},
    "pairing": {
        "files",
        "harness_names",
        "items",
        "jsonl",
        "languages",
        "matching",
        "memory",
        "option_values",
        "progress",
        "views",
    },
    "inference": {"first_line", "memory", "option_values", "reasoning"},
    "pruning": {
        "embedded",
        "files",
        "items",
        "jsonl",
        "limits",
        "loading",
        "memory",
        "option_values",
        "plain_yaml",
        "progress",
        "views",
    },
    "models": {
        "embedded",
        "first_line",
        "inference",
        "limits",
        "loading",
        "memory",
        "option_values",
        "plugin",
        "progress",
        "pruning",
        "reasoning",
        "views",
    },
    "results": {"failures", "loading", "plugin", "views"},
    "judging": {"files", "first_line", "matching", "option_values", "progress", "reasoning", "results", "views"},
    "analysis": {"failures", "results"},
    "rescoring": {"files", "matching", "progress", "results", "views"},
    "report": {"analysis", "embedded", "failures", "files", "matching", "pipes", "results"},
    "evaluation": {"pipes", "plugin", "progress"},
    "sweep": {
        "embedded",
        "evaluation",
        "files",
        "option_values",
        "plain_yaml",
        "progress",
        "pruning",
        "report",
        "results",
        "signals",
        "views",
    },
    "demo": {"embedded", "evaluation", "files", "items", "pipes", "progress", "pruning", "report"},
    "cli": {
        "demo",
        "judging",
        "models",
        "option_values",
        "pairing",
        "pipes",
        "plugin",
        "pruning",
        "report",
        "rescoring",
        "signals",
        "sweep",
    },
    "__init__": {"analysis", "matching", "pruning", "results"},
}


@cache
def modules() -> Mapping[str, Path]:
    """Dotted name -> file, `lm_eval_illusion` itself as `__init__`."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        names[name.removesuffix(".__init__")] = path
    return names


@dataclass(frozen=True)
class Statements:
    """What the tests ask about the code of a file. The whole syntax trees, kept, would make each collection of garbage take seconds."""

    imports: tuple[ast.Import | ast.ImportFrom, ...]
    classes: tuple[str, ...]


@cache
def statements_of(path: Path) -> Statements:
    """The imports of a file, wherever in its code, and the classes of its top level. Expressions contain neither."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: list[ast.Import | ast.ImportFrom] = []
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            nodes += getattr(node, block, ())
    return Statements(tuple(imports), tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef)))


@cache
def imports() -> Mapping[str, set[str]]:
    """Each module -> the modules of this project that it imports, wherever in its code."""
    paths = modules()
    return defaultdict(set, {name: imports_of(path, paths) for name, path in paths.items()})


def imports_of(path: Path, modules: Collection[str]) -> set[str]:
    """The modules of this project that a file imports, wherever in its code."""
    found = set()
    for node in statements_of(path).imports:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lm_eval_illusion":
            module = (node.module or "").removeprefix("lm_eval_illusion").lstrip(".")
            for alias in node.names:
                inner = f"{module}.{alias.name}".lstrip(".")
                found.add(inner if inner in modules else module)
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("lm_eval_illusion.") for alias in node.names if "lm_eval_illusion" in alias.name}
    return found


def package_of(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("package", sorted({package_of(name) for name in modules()}))
def test_a_package_imports_only_what_it_may(package):
    allowed = MAY_IMPORT[package] | {package} | FOR_ALL
    wrong = [
        f"{name} imports {other}"
        for name, others in imports().items()
        if package_of(name) == package
        for other in sorted(others)
        if package_of(other) not in allowed
    ]
    assert not wrong, f"against the direction of docs/architecture.md: {wrong}"


def test_no_package_cycle_and_no_file_cycle():
    files = {name: others - {name} for name, others in imports().items()}
    packages: dict[str, set[str]] = defaultdict(set)
    for name, others in files.items():
        packages[package_of(name)] |= {package_of(other) for other in others} - {package_of(name)}
    assert cycle_in(files) == []
    assert cycle_in(packages) == []


# Test files that are named after their subject rather than after one module.
SUBJECTS: dict[str, str] = {
    "real_servers/test_real_servers.py": "real servers, in an environment of their own: make test-servers",
    "benchmarks/test_compare_backends.py": "stock hf and pruned-hf on the real model",
    "benchmarks/test_fuzz_report.py": "the fuzz of report formats",
    "benchmarks/test_real_model.py": "what `make real` runs",
    "benchmarks/test_fuzz_results.py": "a slice of the fuzz of results and samples files",
    "benchmarks/test_fuzz_models.py": "the fuzzer of model folders, not the package",
    "benchmarks/test_fuzz_numbers.py": "a slice of the fuzz of answers with numbers",
    "benchmarks/test_fuzz_questions.py": "a slice of the fuzz of files of questions",
    "benchmarks/test_fuzz_recipes.py": "a fuzz of recipes, not the package",
    "benchmarks/test_fuzz_store.py": "a small part of a fuzzing program, and that it can fail",
    "benchmarks/test_fuzz_options.py": "hostile values of every option",
    "benchmarks/test_inflection.py": "a comparison of ways to match, not the package",
    "benchmarks/test_kill_and_fill.py": "the checks of the benchmark of disasters",
    "benchmarks/test_vllm_views.py": "what a comparison of engines counts",
    "benchmarks/test_matching.py": "the table of a benchmark, not the package",
    "benchmarks/test_pairing.py": "a benchmark of pairing",
    "benchmarks/test_report_at_size.py": "a benchmark's input, not the package",
    "languages/test_asking_in_short_files.py": "section [asking] of the short language files",
    "inference/test_half_precision.py": "float16 through scoring and decoding",
    "inference/test_options_alone.py": "the embedded items without their questions",
    "languages/test_asking.py": "section [asking] of the language files (record)",
    "matching/test_explain.py": "any output in any language",
    "matching/test_forms.py": "tables of forms in every language (clitics, conjugation, inflection)",
    "matching/test_judged.py": "outputs judged by hand",
    "matching/test_markup.py": "outputs with markup, corrections and lists, judged by hand",
    "matching/test_matches.py": "the function that joins all modules of matching",
    "models/test_hf_batches.py": "results and the batch size, prompts that are not shared (hf)",
    "models/test_hf_endings.py": "end tokens and models without one (hf)",
    "models/test_hf_lines.py": "answers that are one line (hf)",
    "models/test_named_tasks.py": "the tasks that a command names (command_checks)",
    "models/test_two_processes.py": "two processes of torchrun",
    "pairing/asked_kinds/test_labels.py": "labelled questions by which options are judged",
    "pairing/asked_kinds/test_made_options.py": "the options that pair makes, judged by labels",
    "pairing/test_real_questions.py": "pairing, models and report on real questions",
    "pruning/test_quantized_formats.py": "published formats of quantised checkpoints through models and results",
    "real_vllm/test_engine.py": "the life of the real vLLM's engine",
    "real_vllm/test_views.py": "all views on the real vLLM",
    "report/test_browser.py": "the page in a browser",
    "report/test_outcomes_parquet.py": "the Parquet file (files)",
    "results/test_each_file_once.py": "how often each samples file is opened",
    "results/test_foreign_tasks.py": "tasks of lm_eval through results and report",
    "results/test_full_rows.py": "rows with all fields (sample_file)",
    "sweep/test_disasters.py": "full disks and missing files through the whole sweep",
    "test_architecture.py": "the imports of the package",
    "test_serving_requirements.py": "what pip installs where vLLM serves",
    "test_packaging.py": "the wheel",
    "test_readme.py": "the commands in the documentation",
    "test_tiny_architectures.py": "decoding and pruning of each architecture of a table",
    "views/test_new_view.py": "a view that is added in one place",
}


def module_of_test(path: Path) -> str:
    """The module that a test file is named after: `report/test_html.py` -> `report.html`, `cli/test_cli.py` -> `cli`."""
    folder, name = path.relative_to(TESTS).parent.parts, path.stem.removeprefix("test_")
    return ".".join(folder if name in folder[-1:] else (*folder, name))


def test_tests_mirror_the_package():
    files = [path for path in TESTS.rglob("test_*.py") if module_of_test(path) not in modules()]
    assert {str(path.relative_to(TESTS)) for path in files} == SUBJECTS.keys()


def test_every_module_is_reached_by_the_imports_of_some_test():
    paths, graph = modules(), imports()
    reached: set[str] = set()
    files = list(TESTS.rglob("*.py"))
    # A name in quotes is imported by importlib.
    quoted = {name for path in files for name in re.findall(r'"lm_eval_illusion\.([\w.]+)"', path.read_text(encoding="utf-8"))}
    open_modules = quoted.union(*(imports_of(path, paths) for path in files)) & paths.keys()
    while open_modules:
        reached |= open_modules
        # Importing a module also imports the packages that contain it.
        parents = {".".join(name.split(".")[:n]) for name in open_modules for n in range(1, name.count(".") + 1)}
        open_modules = (parents | set().union(*(graph[name] for name in open_modules))) & paths.keys() - reached
    # cli/__main__.py is no import: the tests run `python -m lm_eval_illusion.cli`.
    assert paths.keys() - reached - {"__init__"} == {"cli.__main__"}


def test_no_two_classes_have_the_same_name():
    names = [name for path in modules().values() for name in statements_of(path).classes if not name.startswith("_")]
    assert sorted(names) == sorted(set(names))


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """The nodes of some cycle, in order; empty if there is none."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            if found := visit(other, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])


def test_a_cycle_is_found():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]
    assert cycle_in({"a": {"b"}, "b": {"c"}, "d": {"a"}}) == []


# Files whose lists of language codes are facts about something else than the languages.
LANGUAGE_TABLES_ALLOWED: dict[str, str] = {
    "pairing/hub_datasets.py": "which languages XQuAD and TyDi QA have, and what they call them",
    "views/task_yaml.py": "YAML reads a bare no as false",
}
# Also English words or names of fields: a comparison with one of these counts only if it names a language on the other side.
AMBIGUOUS_CODES = {"id", "it", "no", "am", "as", "be", "is", "my", "or", "so"}
# Codes that are such frequent English words that they say nothing in a list of words.
ENGLISH_WORDS = {"am", "as", "be", "is", "my", "or", "so"}


def language_tables(source: str, codes: set[str]) -> list[str]:
    """Find Python code that depends on one language: a collection of codes, a dict with codes as keys, a comparison with a code."""
    return [
        f"line {getattr(node, 'lineno', '?')}: {ast.unparse(node)[:60]}"
        for node in ast.walk(ast.parse(source))
        if is_language_table(node, codes) or is_language_branch(node, codes)
    ]


def is_language_table(node: ast.AST, codes: set[str]) -> bool:
    if isinstance(node, ast.Dict):
        names = [leading_constant(key) for key in node.keys]
    elif isinstance(node, ast.Set | ast.List | ast.Tuple):
        names = [leading_constant(element) for element in node.elts]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        names = [keyword.arg for keyword in node.keywords]
    else:
        names = list(words_split_in_code(node))
    code_count = sum(name in codes - ENGLISH_WORDS for name in names)
    is_for_one_language = isinstance(node, ast.Dict | ast.Set) and len(names) == 1 and names[0] in codes - AMBIGUOUS_CODES
    return is_for_one_language or (code_count >= 2 and 2 * code_count >= len(names))


def leading_constant(node: ast.AST | None) -> object:
    """The value of a constant; of a tuple or a call, that of its first element or argument: `("fi", 1)`, `Rule("fi")`."""
    if isinstance(node, ast.Tuple) and node.elts:
        return leading_constant(node.elts[0])
    if isinstance(node, ast.Call) and node.args:
        return leading_constant(node.args[0])
    return node.value if isinstance(node, ast.Constant) else None


def words_split_in_code(node: ast.AST) -> list[str]:
    """The words of `"ar de fi".split()`."""
    is_split = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split"
    text = node.func.value if is_split else None
    return text.value.split() if isinstance(text, ast.Constant) and isinstance(text.value, str) else []


def is_language_branch(node: ast.AST, codes: set[str]) -> bool:
    if isinstance(node, ast.match_case):
        patterns = [pattern.value for pattern in ast.walk(node.pattern) if isinstance(pattern, ast.MatchValue)]
        return any(isinstance(value, ast.Constant) and value.value in codes - AMBIGUOUS_CODES for value in patterns)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("startswith", "endswith"):
        return any(name in codes for argument in node.args for name in compared_names(argument))
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    others = " ".join(ast.unparse(side) for side in sides if not compared_names(side))
    if not any(word in others for word in ("lang", "code", "locale")):
        codes = codes - AMBIGUOUS_CODES
    return any(name in codes for side in sides for name in compared_names(side))


def compared_names(side: ast.AST) -> list[object]:
    """The strings that a side of a comparison consists of: a string, or a collection of them."""
    if isinstance(side, ast.Set | ast.List | ast.Tuple):
        return [name for element in side.elts for name in compared_names(element)]
    return [side.value] if isinstance(side, ast.Constant) and isinstance(side.value, str) else [*words_split_in_code(side)]


@cache
def language_codes() -> set[str]:
    return {file.stem for file in (PACKAGE / "languages").glob("*.toml")}


def test_facts_about_one_language_are_in_its_toml_file_not_in_python_code():
    found = {
        path.relative_to(PACKAGE).as_posix(): language_tables(path.read_text(encoding="utf-8"), language_codes())
        for path in modules().values()
    }
    wrong = {name: lines for name, lines in found.items() if lines and name not in LANGUAGE_TABLES_ALLOWED}
    assert not wrong, f"write this as a field of languages/record.py and into the language's TOML file: {wrong}"


@pytest.mark.parametrize(
    "source",
    [
        'ARTICLES = {"de": frozenset(), "en": frozenset()}',
        'NO_SPACES = frozenset(("ja", "th", "zh"))',
        'CASED = "cs da de".split()',
        'CASED = {"cs", "da", "xx"}',
        "MORE = dict(fi=1, tr=2)",
        'MONTHS = {"bn": {1: "x"}}',
        'def f(lang): return lang == "tr"',
        'def f(lang): return lang in ("ja",)',
        'def f(lang): return lang not in "ja th".split()',
        'def f(lang): return lang == "no"',
        'def f(item): return "fi" != item["lang"]',
        'def f(lang):\n    match lang:\n        case "fi" | "tr": return 1',
        'NO_SPACES = frozenset({"ja"})',
        'RULES = [("fi", 1), ("tr", 2)]',
        'RULES = {("fi", 1): 2}',
        'RULES = (Rule("fi"), Rule("tr"))',
        'def f(lang): return lang.startswith("zh")',
    ],
)
def test_a_language_table_is_found(source):
    assert language_tables(source, language_codes())


@pytest.mark.parametrize(
    "source",
    [
        'FIELDS = ("id", "lang", "question", "context", "answer")',
        'ROW = {"id": 1, "lang": 2, "is": 3}',
        'WORDS = "it is the way".split()',
        'def f(answer): return answer in ("yes", "no")',
        'def f(name): return name == "id"',
        "dict(id=1, name=2)",
        'def f(text): return text.startswith("hub:")',
        'PARTS = [("id", 1), ("name", 2)]',
    ],
)
def test_other_code_is_no_language_table(source):
    assert language_tables(source, language_codes()) == []
