"""Our task classes: the example as turns under chat templates written by hand, on every way that lm_eval calls them."""

from __future__ import annotations

import json
import logging
import math
import statistics
from collections import Counter
from zlib import crc32

import pytest
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate
from lm_eval.models.api_models import JsonChatStr
from lm_eval.tasks import TaskManager
from lm_eval.utils import handle_non_serializable, make_table

from lm_eval_illusion.matching import RULES_VERSION
from lm_eval_illusion.models.hf import PrunedHFLM
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
def manager():
    return TaskManager(include_path=str(tasks_folder()), include_defaults=False)


@pytest.fixture(scope="module")
def tasks(manager):
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


class Guesser(LM):
    """A backend that prefers choices by their checksum, and knows the answers whose checksum is even. It counts its requests."""

    def __init__(self):
        super().__init__()
        self.asked: list[str] = []

    def loglikelihood(self, requests):
        self.asked += ["loglikelihood"] * len(requests)
        return [(-float(crc32(request.args[1].encode()) % 1000), False) for request in requests]

    def generate_until(self, requests):
        self.asked += ["generate_until"] * len(requests)
        # The answer begins late, and the backend does not know where it ends.
        return [f"\n {known(request.doc)}\n\nQuestion: What" for request in requests]

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError


def known(doc):
    return doc["answer"] if crc32(doc["id"].encode()) % 2 == 0 else "nothing"


def recognised(doc, delimiter=" "):
    scores = [-(crc32(f"{delimiter}{choice}".encode()) % 1000) for choice in doc["choices"]]
    return max(scores) == scores[doc["gold"]] and scores.count(max(scores)) == 1


@pytest.fixture(scope="module")
def evaluated(manager):
    loaded = manager.load(["mqa_illusion_en", "mqa_illusion_fi"])
    return loaded, evaluate(Guesser(), loaded, limit=40, bootstrap_iters=0)


def test_the_twin_has_the_numbers_of_its_views_and_those_counted_by_hand(evaluated):
    loaded, results = evaluated
    for lang in ("en", "fi"):
        twin, mc, gen = (results["results"][f"mqa_illusion_{lang}_{form}"] for form in ("twin", "mc", "gen"))
        docs = list(loaded["tasks"][f"mqa_illusion_{lang}_twin"].eval_docs)[:40]
        both = [(recognised(doc), known(doc) == doc["answer"]) for doc in docs]
        assert twin["recognised,none"] == mc["acc,none"] == sum(one for one, _ in both) / 40
        assert twin["produced,none"] == gen["match,none"] == sum(other for _, other in both) / 40
        assert twin["recognition_only,none"] == sum(one and not other for one, other in both) / 40 > 0
        rows = results["samples"][f"mqa_illusion_{lang}_twin"]
        assert [row["filtered_resps"][4] for row in rows] == [known(doc) for doc in docs]
        assert [row["recognition_only"] for row in rows] == [float(one and not other) for one, other in both]


def test_the_rule_stands_in_the_rows_and_not_in_the_tables(evaluated, caplog):
    _, results = evaluated
    fields = ("match_rule", "match_version", "exact_match")
    for form in ("gen", "oneshot", "twin"):
        rows = results["samples"][f"mqa_illusion_fi_{form}"]
        # The backend says the answer as it is, or nothing of it.
        assert {(row["match_rule"], row["exact_match"]) for row in rows} == {("equal", 1), ("not_said", 0)}
        assert {row["match_version"] for row in rows} == {RULES_VERSION}
        assert not {"match_rule", "match_version"} & set(rows[0]["metrics"])
    assert {row["match_version"] for form in ("beam", "sample") for row in results["samples"][f"mqa_illusion_en_{form}"]} == {
        RULES_VERSION
    }
    aggregated = {(task, name.split(",")[0]) for task, metrics in results["results"].items() for name in metrics}
    assert not {name for _, name in aggregated} & set(fields[:2])
    assert not {("mqa_illusion_en_twin", "exact_match"), ("mqa_illusion_fi_twin", "exact_match")} & aggregated
    assert "No aggregation function" not in caplog.text


def test_lm_evals_last_table_begins_with_the_family(evaluated, caplog):
    _, results = evaluated
    lines = [line.split("|") for line in make_table(results, "groups").splitlines()[2:]]
    names = [line[1].strip() for line in lines]
    shown = [(line[5].strip(), float(line[7])) for line in lines]
    start = names.index("mqa_illusion_en")
    assert [name for name, _ in shown[start : start + 3]] == ["produced", "recognised", "recognition_only"]
    assert dict(shown[start : start + 3]) == {
        name: pytest.approx(results["results"]["mqa_illusion_en_twin"][f"{name},none"], abs=1e-4)
        for name in ("produced", "recognised", "recognition_only")
    }
    assert "is missing in" not in caplog.text


def test_a_backend_is_asked_once_by_the_twin(manager):
    backend = Guesser()
    evaluate(backend, manager.load(["mqa_illusion_en_twin"]), limit=3, bootstrap_iters=0)
    assert Counter(backend.asked) == {"loglikelihood": 12, "generate_until": 3}


def test_predict_only_leaves_out_the_metrics_of_the_twin(manager):
    loaded = manager.load(["mqa_illusion_en_twin"])
    for task in loaded["tasks"].values():
        # As lm_eval does for --predict_only.
        task.override_metric("bypass")
    rows = evaluate(Guesser(), loaded, limit=2, bootstrap_iters=0)["samples"]["mqa_illusion_en_twin"]
    assert [(len(row["filtered_resps"]), row["metrics"]) for row in rows] == [(5, [])] * 2


# The view file of folders that `pair` made before the last three metrics of `mc` existed.
OLD_MC = """\
output_type: multiple_choice
doc_to_text: !function lm_eval_illusion.views.open_prompt
doc_to_choice: choices
doc_to_target: gold
num_fewshot: 0
process_results: !function lm_eval_illusion.views.score_choices
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
  - {metric: invalid, aggregation: mean, higher_is_better: false}
  - {metric: gold_rank, aggregation: !function lm_eval_illusion.views.median_rank , higher_is_better: false}
"""


def test_a_task_folder_without_the_newer_metrics_gives_the_same_rows(tmp_path):
    (tmp_path / "mc.yaml").write_text(OLD_MC)
    (tmp_path / "dataset.py").write_text(
        "from datasets import Dataset\nfrom lm_eval_illusion.items import embedded_items\n"
        "def load(lang, **_):\n    return {'test': Dataset.from_list(embedded_items(lang))}\n"
    )
    (tmp_path / "task.yaml").write_text(
        "include: mc.yaml\ntask: old_en_mc\ncustom_dataset: !function dataset.load\ntest_split: test\n"
        "metadata: {version: 1.0, family: old, view: mc, lang: en}\n"
    )
    names = ("old_en_mc", "mqa_illusion_en_mc")
    loaded = TaskManager(include_path=[str(tmp_path), str(tasks_folder())], include_defaults=False).load(list(names))
    # With standard errors, as a command of lm_eval.
    results = evaluate(PrunedHFLM("embedded", pruner="none", device="cpu"), loaded, limit=3, bootstrap_iters=100)
    # What lm_eval writes to a samples file.
    old, new = (
        [json.loads(json.dumps(row, default=handle_non_serializable)) for row in results["samples"][name]] for name in names
    )
    assert old == new
    likeliest = [math.exp(max(json.loads(row["top_logprobs"])[1])) for row in old]
    assert results["results"]["old_en_mc"]["top_logprobs,none"] == pytest.approx(statistics.fmean(likeliest))
    error = statistics.stdev(likeliest) / math.sqrt(3)
    assert results["results"]["old_en_mc"]["top_logprobs_stderr,none"] == pytest.approx(error)
