"""The process in which a recipe is read: it is ended, can do nothing else, and gives what the same functions give here."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning import recipe_process
from lm_eval_illusion.pruning.recipe_content import RecipeError
from lm_eval_illusion.pruning.recipe_process import MOST_SECONDS, RecipeRequest, ask
from lm_eval_illusion.pruning.recipe_template import TemplateValues, fill_in, used_variables

VALUES = TemplateValues(1e-05, "0:0", ("re:.*lm_head",), (0.1, 0.2), None)
WANDA = (
    "a_stage:\n  a_modifiers:\n    WandaPruningModifier: {sparsity: {{ sparsity }}, targets: [Linear], ignore: {{ ignore }}}\n"
)


def test_the_reply_is_that_of_this_process():
    reply = ask(RecipeRequest(WANDA, VALUES))
    assert (reply.variables, reply.checked_recipe) == (used_variables(WANDA), fill_in(WANDA, VALUES))
    # A fault that depends on the values leaves the variables known.
    reply = ask(RecipeRequest("{{ ignore[1] }}", VALUES))
    assert reply.variables == {"ignore"}
    with pytest.raises(RecipeError, match=r"can't be filled in \(UndefinedError"):
        _ = reply.checked_recipe


@pytest.mark.parametrize(
    "template",
    [
        '{{ "x" * 10**10 }}',  # memory, in the compiler: it is a constant
        "{{ (sparsity | string) | center(10**10) }}",  # memory, when it is filled in
        # Time: 2^50 ways to divide the name.
        WANDA.replace("[Linear]", "['re:([a-z._0-9]+)+$!']"),
    ],
)
def test_a_recipe_without_end_is_ended(template):
    start = time.perf_counter()
    with pytest.raises(RecipeError, match="takes more than 2 s of computing, 6 s in all or 1 GiB of memory") as caught:
        ask(RecipeRequest(template, VALUES, ("model.layers.10.self_attn.q_proj.and.a.long.name",)))
    assert time.perf_counter() - start < MOST_SECONDS + 2
    assert caught.value.always


RUN_MAIN = "from lm_eval_illusion.pruning.recipe_process import main; main()"


def with_start(monkeypatch, code):
    """Let the process run this code in the place of `main()`."""
    start = recipe_process._START
    assert RUN_MAIN in start
    monkeypatch.setattr(recipe_process, "_START", start.replace(RUN_MAIN, f"exec({code!r})"))


def test_the_process_is_ended_after_the_wall_time_which_is_not_remembered(monkeypatch):
    request = RecipeRequest(WANDA + "# wall time\n", VALUES)
    with monkeypatch.context() as patch:
        patch.setattr(recipe_process, "MOST_SECONDS", 0.2)
        with_start(
            patch,
            "import time; from lm_eval_illusion.pruning import recipe_process as p; p.fill_in = lambda *_: time.sleep(30); p.main()",
        )
        start = time.perf_counter()
        with pytest.raises(RecipeError, match="takes more than") as caught:
            ask(request)
        assert time.perf_counter() - start < 20
        assert caught.value.always
    assert ask(request).recipe == fill_in(request.template, VALUES)


def test_the_start_of_python_does_not_count(monkeypatch):
    monkeypatch.setattr(recipe_process, "MOST_SECONDS", 1)
    with_start(monkeypatch, f"import time; time.sleep(1.2); {RUN_MAIN}")
    request = RecipeRequest(WANDA + "# slow start\n", VALUES)
    with monkeypatch.context() as patch:
        patch.setattr(recipe_process, "MOST_SECONDS_OF_START", 0.2)
        with pytest.raises(UserError, match=r"the process that reads the recipe takes more than 0\.2 s to start: try again"):
            ask(request)
    assert ask(request).recipe == fill_in(request.template, VALUES)


def test_a_process_that_is_killed_before_it_has_the_recipe_does_not_blame_it(monkeypatch):
    with_start(monkeypatch, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(UserError, match=r"the process that reads the recipe failed \(exit code -9\)"):
        ask(RecipeRequest("# killed", VALUES))


def test_the_process_can_write_no_file_sees_no_secret_and_imports_no_more_than_it_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    code = f"""
import os, sys
from lm_eval_illusion.pruning import recipe_process

def fill_in(*_):
    try:
        open({str(tmp_path / "file")!r}, "wb", 0).write(b"x")
    except OSError as error:
        result = error.strerror
    ours = ", ".join(sorted(name for name in sys.modules if name.startswith("lm_eval_illusion.pruning.")))
    targets = [result, os.environ.get("SECRET_TOKEN"), ours]
    return f"a_stage: {{{{a_modifiers: {{{{GPTQModifier: {{{{targets: {{targets}}}}}}}}}}}}}}"

recipe_process.fill_in = fill_in
recipe_process.main()
"""
    # An escape from the sandbox, by code in the place of `fill_in`.
    with_start(monkeypatch, code)
    recipe = ask(RecipeRequest("# an escape", VALUES)).checked_recipe
    # The import of the package's other modules would take two thirds of the time of all imports.
    ours = ", ".join(f"lm_eval_illusion.pruning.recipe_{name}" for name in ("content", "process", "template"))
    assert recipe == f"a_stage: {{a_modifiers: {{GPTQModifier: {{targets: ['File too large', None, '{ours}']}}}}}}"
    assert (tmp_path / "file").read_text() == ""


def test_a_process_that_fails_for_another_reason_is_no_fault_of_the_recipe(monkeypatch):
    monkeypatch.setattr(recipe_process, "_START", "raise ImportError('no jinja2')")
    with pytest.raises(UserError, match=r"the process that reads the recipe failed \(ImportError: no jinja2\)"):
        ask(RecipeRequest("# fails", VALUES))
    monkeypatch.setattr(sys, "executable", os.devnull)
    with pytest.raises(UserError, match="a process to read the recipe can't be started"):
        ask(RecipeRequest("# can't start", VALUES))


def test_a_text_is_read_once(monkeypatch):
    ask(RecipeRequest(WANDA, VALUES))
    monkeypatch.setattr(subprocess, "Popen", None)
    assert ask(RecipeRequest(WANDA, VALUES)).recipe == fill_in(WANDA, VALUES)
