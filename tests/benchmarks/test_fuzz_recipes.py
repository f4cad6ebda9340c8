"""A slice of the fuzz of recipes, and that the fuzz sees what it looks for."""

from __future__ import annotations

import os
import socket

from benchmarks import fuzz_recipes
from benchmarks.fuzz_recipes import VARIABLE, Canaries, attacks, cases, fuzz


def test_no_recipe_of_a_slice_runs_code_ends_in_a_traceback_or_hangs(tmp_path):
    figures = fuzz(9, seed=4, folder=tmp_path, workers=3)
    assert figures.wrong == []
    assert figures.outcomes.total() == 9


def test_cases_are_of_all_kinds_and_deterministic(tmp_path):
    canaries = Canaries(tmp_path)
    first, second = (list(cases(60, 0, canaries)) for _ in range(2))
    canaries.server.close()
    assert first == second
    assert {kind for kind, _ in first} == {"template", "mutated", "yaml"}
    assert len({content for _, content in first}) == 60


def test_what_an_attack_reaches_is_seen(tmp_path, monkeypatch):
    import jinja2

    canaries = Canaries(tmp_path)
    assert canaries.touched() == []
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.delenv(VARIABLE)
    # By the plain Jinja that would run these attacks.
    for attack in [attack for attack in attacks(canaries) if attack.startswith("lipsum.")]:
        jinja2.Template(f"{{{{ {attack} }}}}").render()
    assert canaries.touched() == ["file made", "the server", f"the variable {VARIABLE}"]
    del os.environ[VARIABLE]
    with socket.socket() as connection:
        connection.connect(canaries.address)
    assert "the server" in canaries.touched()
    canaries.server.close()


def test_a_traceback_a_hang_and_a_wrong_recipe_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_recipes, "template_args", lambda _: 1 / 0)
    (wrong,) = fuzz(1, 0, tmp_path).wrong
    assert "ZeroDivisionError" in wrong
    monkeypatch.setattr(fuzz_recipes, "template_args", lambda _: set())
    monkeypatch.setattr(fuzz_recipes, "example_recipe", lambda _: "a_stage: {a_modifiers: {GPTQModifier: {}}}")
    monkeypatch.setattr(fuzz_recipes, "MOST_SECONDS", 0)
    (wrong,) = fuzz(2, 0, tmp_path).wrong[1:]
    assert " s ValueError: a recipe that is not what Jinja gives" in wrong
