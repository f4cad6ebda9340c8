"""Every rule and objection has a name that the docs explain, with an example that it decides."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import lm_eval_illusion.matching
from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.objections import objections
from lm_eval_illusion.matching.rule_names import FINDERS, NOT_SAID, OBJECTIONS, RULES, rule_name

PACKAGE = Path(lm_eval_illusion.matching.__file__).parent
REFERENCE = PACKAGE.parents[1] / "docs" / "reference.md"


def calls(name: str) -> list[ast.Call]:
    """All calls of a function or class of this name in the package."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in nodes if name in (getattr(node.func, "id", None), getattr(node.func, "attr", None))]


def texts(nodes: list[ast.expr]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_name_in_the_code_is_known():
    mentions = texts([call.args[-1] for call in calls("Mention")])
    replaced = texts([keyword.value for call in calls("_replace") for keyword in call.keywords if keyword.arg == "rule"])
    matches = texts([call.args[2] for call in calls("Match")])
    assert mentions | replaced | matches == {*FINDERS, NOT_SAID}
    assert len(mentions) > 5
    # An answer that is yes or no has one objection of its own.
    assert {name for name, _ in objections._OBJECTIONS} | {"no_reply"} == OBJECTIONS.keys()
    assert explain("There is no way.", ["no"], "en").rule == "no_reply"


def test_the_docs_explain_every_rule_with_an_example_that_it_decides():
    text = REFERENCE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (\w\w): `([^`|]+)` / ([^|]+) \|$", text, re.MULTILINE)
    assert [(rule, meaning) for rule, meaning, *_ in rows] == list(RULES.items())
    for rule, _, lang, answer, output in rows:
        found = explain(output, [answer], lang)
        assert (found.rule, found.matched) == (rule, rule in FINDERS)


def test_names_as_people_read_them():
    assert rule_name("other_name") == "other name"
