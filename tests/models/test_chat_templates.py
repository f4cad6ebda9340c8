"""Chat templates of other people: an error, an endless loop and a memory bomb are one line, and none runs code."""

from __future__ import annotations

import errno
import os
import time

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models import chat_templates
from lm_eval_illusion.models.chat_templates import rendered
from lm_eval_illusion.models.hf import PrunedHFLM
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
