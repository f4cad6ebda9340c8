"""Chat templates of other people: an error, an endless loop and a memory bomb are one line, none runs code, an unused one is told."""

from __future__ import annotations

import errno
import os
import time

import pytest
from lm_eval import evaluate
from lm_eval.api.instance import Instance
from transformers import AutoTokenizer

from lm_eval_illusion.embedded import EMBEDDED, resolve_pretrained
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.evaluation import task_manager
from lm_eval_illusion.models import chat_templates
from lm_eval_illusion.models.chat_templates import has_chat_template, rendered
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.progress import notify
from tests.tiny_models import save_tiny

CHAT = [{"role": "user", "content": "Hi"}]
LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return PrunedHFLM(str(save_tiny("llama", tmp_path_factory.mktemp("model"))), pruner="none", device="cpu")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(chat_templates, "MOST_SECONDS", 0.3)


def prompt(model, template, is_first=True):
    model.tokenizer.chat_template, model.has_rendered = template, not is_first
    return model.apply_chat_template(CHAT)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ 1/0 }}", "ZeroDivisionError"),
        ("{% for", "TemplateSyntaxError"),
        ("{{ raise_exception('no \x1b[2J') }}", "TemplateError: no"),
        ("{% include 'x' %}", "TypeError: no loader"),
        (LOOP, "it takes more than"),
        ("{{ 10**(10**9) }}", "it takes more than"),  # a single operation, which Python itself can't end
        ("{{ ('x' * 10**10) | length }}", "it takes more than"),
        ("{{ 'x' * 1000001 }}", "its prompt has 1,000,001 characters"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError"),
    ],
)
def test_a_template_that_fails_or_does_not_end_is_one_line(model, capfd, template, message):
    started = time.monotonic()
    with pytest.raises(UserError, match=f"the chat template of .* can't be used .*{message}"):
        prompt(model, template)
    assert time.monotonic() - started < 10
    shown = capfd.readouterr().err
    assert "\x1b" not in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "template",
    [
        "{{ lipsum.__globals__['os'].mkdir('%s') }}",
        "{{ cycler.__init__.__globals__.os.mkdir('%s') }}",
        "{{ messages.append('%s') }}",
    ],
)
def test_a_template_runs_no_code(model, tmp_path, template):
    canary = tmp_path / "canary"
    with pytest.raises(UserError, match="can't be used"):
        prompt(model, template % canary)
    assert not canary.exists()


def test_a_later_prompt_has_a_limit_of_time(model):
    with pytest.raises(UserError, match="it takes more than"):
        prompt(model, LOOP, is_first=False)


def test_a_template_that_works_gives_its_text_and_is_tried_once(model, monkeypatch):
    assert prompt(model, "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}") == "<user>Hi"
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("the template was tried again"))
    assert model.apply_chat_template(CHAT) == "<user>Hi"
    assert rendered(lambda: "x", "name", is_first=False) == "x"


def test_a_system_that_makes_no_copy_of_the_process_still_limits_the_time(model, monkeypatch):
    def fork():
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(os, "fork", fork)
    assert prompt(model, "{{ messages[0].content }}") == "Hi"
    with pytest.raises(UserError, match=r"it takes more than 0\.3 s\)"):
        prompt(model, LOOP)


TURN = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}<assistant>"
VIEWS = ["mqa_illusion_en_mc", "mqa_illusion_en_gen"]


@pytest.fixture(scope="module")
def tasks():
    """lm_eval's tasks of two views: one that scores options, one that answers."""
    return task_manager(VIEWS, {}).load(VIEWS)["tasks"]


@pytest.fixture
def run(monkeypatch, tasks):
    """An evaluation of a model whose tokenizer has this template, on one item of each view, by lm_eval's own loop."""
    monkeypatch.setattr(chat_templates, "MOST_SECONDS", 30)

    def run(model, template, views=VIEWS, **settings):
        model.tokenizer.chat_template, model.has_warned, model.has_rendered = template, False, False
        named = {view: tasks[view] for view in views}
        return evaluate(model, {"tasks": named, "groups": {}}, limit=1, bootstrap_iters=0, **settings)

    return run


def warnings_in(caplog):
    lines = [record.getMessage() for record in caplog.records if "chat template" in record.getMessage()]
    caplog.clear()
    return lines


# As transformers keeps them: one text, or several by name. Saved files hold the latter as a list, and so do older versions.
@pytest.mark.parametrize("template", [TURN, {"default": TURN, "tools": TURN}, [{"name": "default", "template": TURN}]])
def test_a_run_without_the_template_of_its_tokenizer_says_so_once(model, caplog, run, template):
    events = []
    with notify(events.append):
        results = run(model, template)
    assert len(results["samples"]["mqa_illusion_en_mc"]) == 1
    (line,) = warnings_in(caplog)
    name = model.checkpoint.manifest.base_model
    assert line.startswith(f"the chat template is not applied, although the tokenizer of {name} has one: ")
    assert line.endswith("run it with --apply_chat_template")
    assert "\n" not in line
    # A sweep shows the same line; it comes before the first request is counted.
    kinds = ["warning" if event.warning else event.doing for event in events if event.warning or event.done]
    assert kinds == ["warning", "scoring", "answering"]
    assert [event.warning for event in events if event.warning] == [line]
    assert model.get_model_info()["illusion"]["has_chat_template"] is True


@pytest.mark.parametrize("view", VIEWS)
def test_one_view_alone_is_enough_for_the_warning(model, caplog, run, view):
    run(model, TURN, [view])
    assert len(warnings_in(caplog)) == 1


def test_a_run_with_the_template_a_tokenizer_without_one_and_another_rank_say_nothing(model, caplog, run, monkeypatch):
    run(model, TURN, apply_chat_template=True)
    assert warnings_in(caplog) == []
    # The same model in a run without the template.
    run(model, TURN)
    assert len(warnings_in(caplog)) == 1
    for nothing in (None, "", "  ", {}, []):
        run(model, nothing)
        assert warnings_in(caplog) == []
        assert model.get_model_info()["illusion"]["has_chat_template"] is False
    model.tokenizer.chat_template, model.has_warned = TURN, False
    model.chat_prompts.clear()
    requests = [Instance("generate_until", {}, ("Hi", {"until": ["\n"], "max_gen_toks": 1}), 0)]
    monkeypatch.setattr(model, "_rank", 1)
    model.generate_until(requests, disable_tqdm=True)
    assert warnings_in(caplog) == []
    monkeypatch.setattr(model, "_rank", 0)
    model.generate_until(requests, disable_tqdm=True)
    assert len(warnings_in(caplog)) == 1


def test_the_embedded_model_has_no_template():
    assert not has_chat_template(AutoTokenizer.from_pretrained(resolve_pretrained(EMBEDDED)))


def test_the_vllm_model_says_the_same(vllm_class, model, caplog, run):
    served = vllm_class(model.checkpoint.path, pruner="none")
    run(served, TURN)
    assert len(warnings_in(caplog)) == 1
    assert served.get_model_info()["illusion"]["has_chat_template"] is True
