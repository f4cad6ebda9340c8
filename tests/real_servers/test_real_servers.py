"""`served` and lm_eval's own API models against real servers: llama.cpp (SmolLM2, 4 bits) and transformers' own server."""

from __future__ import annotations

import pytest
from lm_eval.api.instance import Instance

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import embedded_items
from lm_eval_illusion.views import form_named, generation_kwargs
from tests.real_servers.processes import LLAMA_CPP, needs_servers, running
from tests.smollm2 import smollm2_file

pytestmark = needs_servers()
ITEMS = embedded_items("en")[:4]


@pytest.fixture(scope="module")
def llama_cpp():
    with running(["-c", LLAMA_CPP, str(smollm2_file()), "PORT"]) as url:
        yield url


@pytest.fixture(scope="module")
def transformers_serve():
    command = "from transformers.cli.transformers import main; main()"
    model = resolve_pretrained("embedded")
    with running(["-c", command, "serve", model, "--port", "PORT", "--device", "cpu", "--dtype", "float32"]) as url:
        yield url


def served(url, **arguments):
    from lm_eval_illusion.models.served import ServedModel

    return ServedModel.create_from_arg_obj({"base_url": url, "max_retries": 1, **arguments})


def answers(model, view, items=ITEMS, repeats=1, chat=False):
    """The answers of a view, `repeats` for each item."""
    form = form_named(view)
    requests = []
    for number, item in enumerate(items):
        prompt = form.prompt(item)
        if chat:
            prompt = model.apply_chat_template([{"role": "user", "content": prompt}])
        metadata = (f"mqa_illusion_en_{view}", number, repeats)
        requests += [Instance("generate_until", item, (prompt, generation_kwargs(view)), 0, metadata=metadata)] * repeats
    found = model.generate_until(requests, disable_tqdm=True)
    return [found[start : start + repeats] for start in range(0, len(found), repeats)]


def scoring():
    return [
        Instance(
            "loglikelihood",
            ITEMS[0],
            (form_named("mc").prompt(ITEMS[0]), f" {choice}"),
            number,
            metadata=("mqa_illusion_en_mc", 0, 1),
        )
        for number, choice in enumerate(ITEMS[0]["choices"])
    ]


def test_llama_cpp_samples_differ_and_are_the_same_in_the_next_run(llama_cpp):
    model = served(f"{llama_cpp}/v1/chat/completions")
    first = answers(model, "sample", ITEMS[:2], 4, chat=True)
    assert min(len(set(samples)) for samples in first) > 1
    assert answers(model, "sample", ITEMS[:2], 4, chat=True) == first


def test_llama_cpp_answers_in_letters_by_its_grammar(llama_cpp):
    model = served(f"{llama_cpp}/v1/completions")
    view = form_named("mc_letters_generated")
    scored = [view.score(item, answer) for item, answer in zip(ITEMS, answers(model, view.name), strict=True)]
    assert [row["invalid"] for row in scored] == [0, 0, 0, 0]


def test_llama_cpp_can_not_score_and_is_told_so(llama_cpp):
    model = served(f"{llama_cpp}/v1/completions", tokenizer=resolve_pretrained("embedded"))
    with pytest.raises(
        UserError, match="returns no log-probabilities of the prompt, because it does not know the setting echo"
    ):
        model.loglikelihood(scoring(), disable_tqdm=True)


def test_llama_cpp_refuses_no_setting_of_a_view(llama_cpp):
    """lm_eval's own class, which sends the settings as they are: `top_k` that is off is a number of 32 bits."""
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    model = LocalCompletionsAPI(base_url=f"{llama_cpp}/v1/completions", model="m", tokenizer_backend=None, max_retries=1)
    prompts = form_named("oneshot").prompt(ITEMS[0])
    samples = model.generate_until([Instance("generate_until", {}, (prompts, generation_kwargs("sample")), 0)] * 3)
    # The fault that `served` mends: one seed for all.
    assert len(samples) == 3
    assert len(set(samples)) == 1


def test_transformers_serve_samples_differ_and_are_the_same_in_the_next_run(transformers_serve):
    model = served(f"{transformers_serve}/v1/completions", model=resolve_pretrained("embedded"))
    assert model.server.kind == "transformers"
    first = answers(model, "sample", ITEMS, 5)
    assert sum(len(set(samples)) for samples in first) > len(ITEMS)
    assert answers(model, "sample", ITEMS, 5) == first


def test_transformers_serve_answers_as_pruned_hf(transformers_serve):
    from lm_eval_illusion.models.hf import PrunedHFLM

    model = served(f"{transformers_serve}/v1/completions", model=resolve_pretrained("embedded"))
    local = PrunedHFLM("embedded", dtype="float32", device="cpu", batch_size=4)
    filtered = [[str(answer).split("\n")[0].strip() for answer in row] for row in answers(model, "gen")]
    assert filtered == [[str(answer).strip() for answer in row] for row in answers(local, "gen")]


def test_transformers_serve_can_not_score_and_is_told_so(transformers_serve):
    folder = resolve_pretrained("embedded")
    model = served(f"{transformers_serve}/v1/completions", model=folder, tokenizer=folder)
    with pytest.raises(UserError, match="can't score choices, it returns no log-probabilities"):
        model.loglikelihood(scoring(), disable_tqdm=True)


def test_transformers_serve_names_its_model(transformers_serve):
    model = served(f"{transformers_serve}/v1/completions", model="other")
    with pytest.raises(UserError, match="pinned to"):
        answers(model, "gen")
