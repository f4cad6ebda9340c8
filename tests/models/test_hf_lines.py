"""An answer to one of our views is its first line with visible text, in every kind of decoding; other tasks keep their stop strings."""

from __future__ import annotations

import pytest
from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM

from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.views import VIEWS, first_lines, generation_kwargs
from tests.models.scripted import save_scripted
from tests.tiny_models import make_tiny_tokenizer

ITEM = {"id": "1", "choices": [], "shot": {}}
TURN = "{% for message in messages %}{{ message.content }}{% endfor %}"
# The prompt ends with "Q"; the answer begins with a byte order mark and two line ends, and ends with U+2028: bytes that are no token.
SPOKEN = "\ufeff\n\rPar\u2028"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tokenizer = make_tiny_tokenizer()
    bytes_of_text = [tokenizer.convert_ids_to_tokens(tokenizer.encode(c, add_special_tokens=False)) for c in f"Q{SPOKEN}zy"]
    script = [tokenizer.convert_tokens_to_ids(token) for tokens in bytes_of_text for token in tokens]
    return save_scripted(tmp_path_factory.mktemp("scripted"), script, TURN)


@pytest.fixture(scope="module", params=["auto", "off"])
def model(folder, request):
    return PrunedHFLM(str(folder), pruner="none", device="cpu", batch_size=4, fast=request.param)


def requests_of(view, prompt="Q", task="mqa_illusion_en", settings=None, doc=ITEM):
    request = Instance(
        "generate_until",
        doc,
        (prompt, settings or generation_kwargs(view.name)),
        0,
        metadata=(f"{task}_{view.name}", 0, view.repeats),
    )
    return [request] * view.repeats


GENERATING = [view for view in VIEWS if view.decoding is not None]


@pytest.mark.parametrize("view", GENERATING, ids=lambda view: view.name)
@pytest.mark.parametrize("is_chat", [False, True])
def test_the_first_line_with_visible_text_is_the_answer(model, view, is_chat):
    model.chat_prompts.clear()
    prompt = model.apply_chat_template([{"role": "user", "content": "Q"}]) if is_chat else "Q"
    answers = model.generate_until(requests_of(view, prompt), disable_tqdm=True)
    (lines,) = first_lines([answers], [ITEM])
    # The model is sure of every token; beams after the first and are other texts.
    first = lines[:1] if view.uses_beams else lines
    assert set(first) == {"Par"}
    assert answers[0].lstrip("\ufeff\n\r") == "Par"
    assert [line.reached_limit for line in first] == [False] * len(first)


def test_stock_hf_gives_the_same_after_the_filter(folder):
    stock = HFLM(str(folder), device="cpu", batch_size=1)
    (answer,) = stock.generate_until(requests_of(GENERATING[0]), disable_tqdm=True)
    # 64 tokens, because nothing ends it.
    assert answer.startswith(SPOKEN + "zy")
    assert first_lines([[answer]], [ITEM]) == [["Par"]]


def test_the_task_of_another_project_keeps_its_stop_strings(model):
    model.chat_prompts.clear()
    (view,) = (view for view in VIEWS if view.role == "production")
    others = requests_of(view, task="somebodys", settings={"until": ["\n"], "max_gen_toks": 20}, doc={"question": "?"})
    unlimited = requests_of(view, task="somebodys", settings={"until": [], "max_gen_toks": 20}, doc={"question": "?"})
    first, second = model.generate_until([*others, *unlimited], disable_tqdm=True)
    assert (first, first.reached_limit) == ("\ufeff", False)
    assert second.startswith(SPOKEN + "zy")
    assert second.reached_limit


def test_a_task_of_lm_eval_scores_the_answers_as_text(model):
    model.chat_prompts.clear()
    config = {
        "task": "somebodys",
        "custom_dataset": lambda **_: {
            "test": Dataset.from_list([{"question": "Q", "target": target} for target in ("zy", "\ufeff")])
        },
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "question",
        "doc_to_target": "target",
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": 20},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    results = evaluate(model, {"somebodys": ConfigurableTask(config=config)}, bootstrap_iters=0)
    assert [row["exact_match"] for row in results["samples"]["somebodys"]] == [0, 1]


def test_a_folder_of_an_earlier_version_runs_with_the_rule_of_this_one(model):
    model.chat_prompts.clear()
    (view,) = (view for view in VIEWS if view.role == "production")
    earlier = {**generation_kwargs(view.name), "until": ["\n"]}
    (answer,) = model.generate_until(requests_of(view, settings=earlier), disable_tqdm=True)
    assert first_lines([[answer]], [ITEM]) == [["Par"]]


def test_an_answer_that_the_limit_cuts_says_so(model):
    model.chat_prompts.clear()
    # "x" repeats itself for ever.
    (view,) = (view for view in VIEWS if view.role == "production")
    (answer,) = model.generate_until(requests_of(view, "x"), disable_tqdm=True)
    assert (answer, answer.reached_limit) == ("x" * 64, True)
    assert view.score({"answer": "Paris", "aliases": [], "lang": "en"}, [answer])["truncated"] == 1


def test_the_same_question_of_several_tasks_is_answered_once(model, monkeypatch):
    model.chat_prompts.clear()
    calls = 0
    forward = model.model.forward

    def counted(*arguments, **settings):
        nonlocal calls
        calls += 1
        return forward(*arguments, **settings)

    monkeypatch.setattr(model.model, "forward", counted)
    views = {view.name: view for view in VIEWS}
    gen = requests_of(views["gen"])
    alone = model.generate_until(gen, disable_tqdm=True)
    needed, calls = calls, 0
    twin = [Instance("generate_until", ITEM, gen[0].args, 4, metadata=("mqa_illusion_en_twin", 0, 1))]
    again = requests_of(views["gen"], task="family_fi")
    assert model.generate_until([*gen, *twin, *again], disable_tqdm=True) == alone * 3
    assert calls == needed > 0
    sampled = requests_of(views["sample"])
    calls = 0
    samples = model.generate_until(sampled, disable_tqdm=True)
    needed, calls = calls, 0
    assert model.generate_until([*sampled, *requests_of(views["sample"], task="family_fi")], disable_tqdm=True) == samples * 2
    assert calls == needed
