"""The shape of the package: which package may import which, and no cycle between packages or files (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lm_eval_illusion"

# What a package or top-level module may import besides itself and `errors`. Type-only and lazy imports count.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "jsonl": set(),
    "memory": set(),
    "reasoning": set(),
    "embedded": set(),
    "languages": {"files"},
    "items": {"files", "jsonl"},
    "plugin": {"files"},
    "matching": {"languages"},
    "views": {"matching", "languages", "reasoning"},
    "progress": {"views"},
    "pairing": {"views", "matching", "languages", "items", "jsonl", "files"},
    "inference": {"reasoning"},
    "pruning": {"views", "items", "files", "jsonl", "embedded", "progress", "memory"},
    "models": {"inference", "pruning", "views", "plugin", "memory", "progress", "embedded", "reasoning"},
    "results": {"views", "jsonl", "plugin"},
    "analysis": {"results"},
    "report": {"analysis", "results", "embedded", "files"},
    "evaluation": {"plugin", "progress"},
    "sweep": {"evaluation", "pruning", "report", "results", "files", "progress"},
    "demo": {"evaluation", "items", "report", "progress"},
    "cli": {"models", "pairing", "plugin", "pruning", "report", "sweep", "demo"},
    "__init__": {"analysis", "matching", "pruning", "results"},
}


def modules() -> dict[str, Path]:
    """Dotted name -> file, `lm_eval_illusion` itself as `__init__`."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        names[name.removesuffix(".__init__")] = path
    return names


def imports() -> dict[str, set[str]]:
    """Each module -> the modules of this project that it imports, wherever in its code."""
    known = modules()
    found: dict[str, set[str]] = defaultdict(set)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lm_eval_illusion":
                module = (node.module or "").removeprefix("lm_eval_illusion").lstrip(".")
                for alias in node.names:
                    inner = f"{module}.{alias.name}".lstrip(".")
                    found[name].add(inner if inner in known else module)
            elif isinstance(node, ast.Import):
                found[name] |= {
                    alias.name.removeprefix("lm_eval_illusion.") for alias in node.names if "lm_eval_illusion" in alias.name
                }
    return found


def package_of(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("package", sorted({package_of(name) for name in modules()}))
def test_a_package_imports_only_what_it_may(package):
    allowed = MAY_IMPORT[package] | {package, "errors"}
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
