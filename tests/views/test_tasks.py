"""Our task classes: the example as turns under chat templates written by hand, on every way that lm_eval calls them."""

from __future__ import annotations

import json
import logging

import pytest
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lm_eval.models.api_models import JsonChatStr
from lm_eval.tasks import TaskManager

from lm_eval_illusion.plugin import tasks_folder
from lm_eval_illusion.views import oneshot_prompt, open_prompt
from lm_eval_illusion.views.tasks import is_no_mixed_group

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As Gemma's and Mistral's: no system role, and turns that alternate, beginning with the user.
STRICT = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "[{{ message.role }}] {{ message.content }} [end]"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)


def applied(template):
    """The function of a model that applies a chat template, as lm_eval calls it."""

    def fail(message):
        raise TemplateError(message)

    compiled = ImmutableSandboxedEnvironment().from_string(template)

    def apply(messages, add_generation_prompt=True):
        return compiled.render(messages=messages, add_generation_prompt=add_generation_prompt, raise_exception=fail)

    return apply


@pytest.fixture(scope="module")
def tasks():
    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    return manager.load(["mqa_illusion_en_oneshot", "mqa_illusion_zh_oneshot", "mqa_illusion_en_gen"])["tasks"]


@pytest.fixture(params=["en", "zh"])
def task(tasks, request):
    return tasks[f"mqa_illusion_{request.param}_oneshot"]


def parts(doc):
    """The question of the example, its answer, and the question of the item, from the text without a template."""
    shot, question = oneshot_prompt(doc).split("\n\n")
    answer = doc["shot"]["answer"]
    assert shot.endswith(answer)
    return shot.removesuffix(answer).rstrip(" "), answer, question


@pytest.mark.parametrize("multiturn", [True, False])
def test_the_example_is_a_turn_of_each(task, multiturn):
    doc = task.eval_docs[0]
    shot, answer, question = parts(doc)
    prompt = task.fewshot_context(
        doc, 0, apply_chat_template=True, fewshot_as_multiturn=multiturn, chat_template=applied(CHATML)
    )
    assert prompt == (
        f"<|im_start|>user\n{shot}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"
        f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_system_instruction_and_a_prefix_of_the_answer_stay_where_lm_eval_puts_them(task):
    doc = task.eval_docs[0]
    shot, answer, question = parts(doc)
    prompt = task.fewshot_context(
        doc, 0, system_instruction="Be brief.", apply_chat_template=True, chat_template=applied(CHATML), gen_prefix="It is"
    )
    assert prompt == (
        f"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n{shot}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"
        f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\nIt is<|im_end|>\n"
    )


def test_a_template_that_wants_alternating_roles_and_no_system(task):
    doc = task.eval_docs[0]
    shot, answer, question = parts(doc)
    prompt = task.fewshot_context(doc, 0, apply_chat_template=True, chat_template=applied(STRICT))
    assert prompt == f"[user] {shot} [end][assistant] {answer} [end][user] {question} [end][assistant]"


def test_a_chat_server_gets_the_same_turns(task):
    # lm_eval's local-chat-completions sends the messages themselves.
    doc = task.eval_docs[0]

    def as_json(messages, add_generation_prompt=True):
        return JsonChatStr(json.dumps(messages))

    messages = json.loads(task.fewshot_context(doc, 0, apply_chat_template=True, chat_template=as_json).prompt)
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert tuple(message["content"] for message in messages) == parts(doc)


def test_without_a_template_the_prompt_is_the_text(task):
    doc = task.eval_docs[0]
    assert task.fewshot_context(doc, 0) == oneshot_prompt(doc)
    assert task.fewshot_context(doc, 0, system_instruction="Be brief.") == f"Be brief.{oneshot_prompt(doc)}"


def test_a_view_without_an_example_is_one_turn_of_the_user(tasks):
    task = tasks["mqa_illusion_en_gen"]
    doc = task.eval_docs[0]
    prompt = task.fewshot_context(doc, 0, apply_chat_template=True, chat_template=applied(STRICT))
    assert prompt == f"[user] {open_prompt(doc)} [end][assistant]"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Group 'F_en': metric 'recognised,none' is missing in 9/10 tasks. Missing in: F_en_mc", False),
        ("Group 'F_en': metric 'recognition_only,none' is missing in 9/10 tasks. Missing in: F_en_mc", False),
        ("Group 'F_en': no values found for metric 'recognised,none' across any tasks.", True),
        ("Group 'mmlu': metric 'acc,none' is missing in 1/57 tasks. Missing in: mmlu_x", True),
    ],
)
def test_the_warning_about_tasks_without_the_metrics_of_the_twin(message, shown):
    record = logging.LogRecord("lm_eval.api.group", logging.WARNING, "", 0, message, None, None)
    assert is_no_mixed_group(record) == shown
