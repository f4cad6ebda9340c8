"""`served` against a real HTTP server in this process: seeds, scores, refusals in one line."""

from __future__ import annotations

import sys

import pytest
from lm_eval.api.instance import Instance

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.sampling import seed_of
from lm_eval_illusion.items import embedded_items
from lm_eval_illusion.views import generation_kwargs, letters_prompt, open_prompt
from tests.models.served_stand_in import TOKENIZER, serving, tokenizer, true_score

pytest.importorskip(
    "tenacity", reason="lm_eval's API models need the extra lm-eval[api], which the extra dev of this package has"
)
from lm_eval_illusion.models.served import Served, ServedChat, ServedModel

ITEMS = embedded_items("en")[:2]


def model_of(url, **arguments):
    return ServedModel.create_from_arg_obj({"base_url": url, "max_retries": 1, **arguments}, {"batch_size": 1, "device": None})


def sampled(view="sample", repeats=3, prompt=open_prompt, model=None):
    """The requests of a view, each item repeated as lm_eval does: the same object several times in a row."""
    requests = []
    for number, item in enumerate(ITEMS):
        text = prompt(item)
        given = model.apply_chat_template([{"role": "user", "content": text}]) if isinstance(model, ServedChat) else text
        request = Instance(
            "generate_until", item, (given, generation_kwargs(view)), 0, metadata=(f"mqa_illusion_en_{view}", number, repeats)
        )
        requests += [request] * repeats
    return requests


def seeds(stand_in):
    return [request["seed"] for request in stand_in.requests if request["temperature"] == 0.7]


@pytest.mark.parametrize("form", ["completions", "chat"])
def test_each_sample_has_its_own_seed_made_from_prompt_and_number(form):
    with serving() as stand_in:
        model = model_of(getattr(stand_in, form))
        requests = sampled(model=model)
        answers = model.generate_until(requests, disable_tqdm=True)
        texts = [getattr(request.args[0], "prompt", request.args[0]) for request in requests[::3]]
        expected = [seed_of(text, sample) % 2**31 for text in texts for sample in range(3)]
        assert seeds(stand_in) == expected
        # The stand-in's answer names the seed that it got: answers are in the order of the requests.
        assert [answer.split()[1] for answer in answers] == [str(seed) for seed in expected]
        assert len(set(expected)) == 6


def test_seeds_do_not_depend_on_order_or_on_num_concurrent():
    with serving() as stand_in:
        requests = sampled()
        one = model_of(stand_in.completions).generate_until(requests, disable_tqdm=True)
        turned = model_of(stand_in.completions, num_concurrent=4).generate_until(requests[3:] + requests[:3], disable_tqdm=True)
    assert turned == one[3:] + one[:3]


def test_a_greedy_answer_is_asked_once_for_all_its_repeats():
    with serving() as stand_in:
        answers = model_of(stand_in.completions).generate_until(sampled("beam", 5), disable_tqdm=True)
        assert answers == [" greedy"] * 10
        assert [request["temperature"] for request in stand_in.requests] == [0, 0]
        assert "num_beams" not in stand_in.requests[0]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("one seed", "gives the same text for different seeds"),
        ("own seeds", "gives different texts for the same seed"),
        ("", None),
    ],
)
def test_a_server_that_ignores_seeds_is_told_once(fault, said, caplog):
    with serving(fault=fault) as stand_in:
        model = model_of(stand_in.completions)
        for _ in range(2):
            model.generate_until(sampled(repeats=1), disable_tqdm=True)
    told = [record.getMessage() for record in caplog.records if "seed" in record.getMessage()]
    assert len(told) == (said is not None)
    assert said is None or said in told[0]


def scoring(items=ITEMS):
    return [
        Instance("loglikelihood", item, (open_prompt(item), f" {choice}"), number, metadata=("mqa_illusion_en_mc", position, 1))
        for position, item in enumerate(items)
        for number, choice in enumerate(item["choices"])
    ]


def test_scores_are_those_of_the_model_with_the_token_before_the_text():
    with serving() as stand_in:
        scores = model_of(stand_in.completions, tokenizer=TOKENIZER).loglikelihood(scoring(), disable_tqdm=True)
    for request, (score, _) in zip(scoring(), scores, strict=True):
        whole = tokenizer()("".join(request.args)).input_ids
        assert whole[0] == tokenizer().bos_token_id
        assert score == pytest.approx(true_score(whole, len(tokenizer()(request.args[0]).input_ids)), abs=1e-6)


@pytest.mark.parametrize("software", ["vllm", "llama-cpp-python"])
def test_a_server_that_takes_text_alone_scores_the_same(software):
    arguments = {"tokenizer": TOKENIZER, **({"tokenized_requests": False} if software == "vllm" else {})}
    with serving(software) as stand_in:
        scores = model_of(stand_in.completions, **arguments).loglikelihood(scoring(ITEMS[:1]), disable_tqdm=True)
    assert all(isinstance(request["prompt"], str) for request in stand_in.requests)
    # The server puts the token before the text, as it was trained.
    assert not any(request["prompt"].startswith("<s>") for request in stand_in.requests)
    with serving() as stand_in:
        expected = model_of(stand_in.completions, tokenizer=TOKENIZER).loglikelihood(scoring(ITEMS[:1]), disable_tqdm=True)
    assert all(isinstance(request["prompt"], list) for request in stand_in.requests)
    assert scores == expected


@pytest.mark.parametrize("fault", ["no echo", "shifted"])
def test_wrong_scores_are_refused_before_anything_is_scored(fault, capsys):
    with serving("llama.cpp", fault) as stand_in:
        model = model_of(stand_in.completions, tokenizer=TOKENIZER)
        with pytest.raises(UserError):
            model.loglikelihood(scoring(), disable_tqdm=True)
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert f"llama.cpp b1234-abcdef at {stand_in.completions} can't score choices" in line
    assert "mqa_illusion_core_served" in line


def test_a_command_with_scores_is_refused_before_it_generates(monkeypatch):
    with serving("llama.cpp", "no echo") as stand_in:
        monkeypatch.setattr(sys, "argv", ["lm_eval", "run", "--tasks", "mqa_illusion_en_gen,mqa_illusion_en_twin"])
        with pytest.raises(UserError, match="can't score choices"):
            model_of(stand_in.completions, tokenizer=TOKENIZER)
        monkeypatch.setattr(sys, "argv", ["lm_eval", "run", "--tasks", "mqa_illusion_core_served"])
        assert isinstance(model_of(stand_in.completions), Served)


def test_what_the_results_file_says_of_the_server():
    with serving("llama.cpp") as stand_in:
        info = model_of(stand_in.completions).get_model_info()
    assert info == {
        "served": {
            "model": "m",
            "base_url": stand_in.completions,
            "server": "llama.cpp",
            "server_version": "b1234-abcdef",
            "dtype": "Q4_0",
            "letters": "constrained",
        }
    }


def test_only_the_view_of_letters_is_constrained():
    with serving("llama.cpp") as stand_in:
        model = model_of(stand_in.completions)
        model.generate_until(sampled("mc_letters_generated", 1, letters_prompt), disable_tqdm=True)
        model.generate_until(sampled("gen", 1), disable_tqdm=True)
    assert ["grammar" in request for request in stand_in.requests] == [True, True, False, False]


def test_an_answer_that_is_cut_before_its_line_ends_says_so():
    with serving(fault="long") as stand_in:
        answers = model_of(stand_in.completions).generate_until(sampled("gen", 1), disable_tqdm=True)
    assert [answer.reached_limit for answer in answers] == [True, True]
    with serving() as stand_in:
        answers = model_of(stand_in.completions).generate_until(sampled("gen", 1), disable_tqdm=True)
    assert [answer.reached_limit for answer in answers] == [False, False]


def test_a_chat_server_gives_no_scores_and_needs_the_template():
    with serving() as stand_in:
        model = model_of(stand_in.chat)
        with pytest.raises(UserError, match="chat completions give no scores"):
            model.loglikelihood(scoring())
        with pytest.raises(UserError, match="add --apply_chat_template"):
            model.generate_until(sampled("gen", 1), disable_tqdm=True)
        plain = model_of(stand_in.completions)
        with pytest.raises(UserError, match="needs the model's own template"):
            plain.generate_until(sampled("gen", 1, model=model), disable_tqdm=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"base_url": None}, "base_url 'is missing' is no address"),
        ({"base_url": "http://127.0.0.1:8000"}, "is no address of completions: give e.g."),
        ({"base_url": "http://127.0.0.1:9/v1/completions"}, "can't be reached"),
        ({"model": "other"}, "model=other is not served by vllm 0.32.0"),
        ({"tokenizer": "/no/such/folder"}, "do not fit"),
        ({"num_concurrent": "many"}, "do not fit"),
        ({"tokeniser": "x"}, "argument 'tokeniser' is unknown, did you mean tokenizer?"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, capsys):
    with serving() as stand_in, pytest.raises(UserError) as refused:
        model_of(**{"url": stand_in.completions, **arguments}) if "base_url" not in arguments else model_of(
            arguments["base_url"]
        )
    assert said in str(refused.value)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_refusal_of_the_server_is_one_line(capsys):
    with serving(fault="refuses") as stand_in, pytest.raises(UserError):
        model_of(stand_in.completions).generate_until(sampled("gen", 1), disable_tqdm=True)
    line = capsys.readouterr().err
    assert "refused the request with code 400 (max_tokens is too small there)" in line
    assert line.count("\n") == 1


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr("lm_eval.models.api_models.find_spec", lambda name: None if name == "tenacity" else True)
    with serving() as stand_in, pytest.raises(UserError, match=r"pip install 'lm-eval\[api\]'"):
        model_of(stand_in.completions)


def test_scores_without_a_tokenizer_are_refused():
    with serving() as stand_in, pytest.raises(UserError, match="need its tokenizer: give tokenizer="):
        model_of(stand_in.completions).loglikelihood(scoring(), disable_tqdm=True)
