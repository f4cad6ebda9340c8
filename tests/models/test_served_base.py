"""Samples with seeds, greedy answers, what the results file says of a server, against a real HTTP server in this process."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.sampling import seed_of
from lm_eval_illusion.models.served_seeds import SEED_PROMPT
from lm_eval_illusion.views import letters_prompt
from tests.models.served_cases import model_of, sampled
from tests.models.served_stand_in import StandIn, serving

KEY = "sk-0123456789abcdef"


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
        asked = [request for request in stand_in.requests if request["prompt"] != SEED_PROMPT]
        assert [request["temperature"] for request in asked] == [0, 0]
        assert "num_beams" not in asked[0]


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


def test_a_server_that_samples_at_temperature_0_is_told_before_greedy_answers(caplog):
    """A server that takes 0 for "not given" and samples: without samples in the run, its greedy answers looked as good as any."""
    with serving(fault="samples always") as stand_in:
        model = model_of(stand_in.completions)
        for _ in range(2):
            model.generate_until(sampled("gen", 1), disable_tqdm=True)
    assert [record.getMessage() for record in caplog.records if "temperature 0" in record.getMessage()] == [
        f"vllm 0.32.0 at {stand_in.completions} gives different texts at temperature 0: it samples there, too, or does not calculate"
        " the same twice"
    ]


@pytest.mark.parametrize("form", ["completions", "chat"])
def test_a_setting_that_is_off_is_left_out_where_the_server_refuses_it(form, caplog):
    """text-generation-inference refuses top_p=1, others seed: the rest of the request is taken."""
    with serving(None, refused=("top_p", "seed")) as stand_in:
        model = model_of(getattr(stand_in, form))
        answers = model.generate_until(sampled(model=model), disable_tqdm=True)
    assert len(set(answers)) == 6
    sent = stand_in.requests[-6:]
    assert not any({"top_p", "seed"} & set(request) for request in sent)
    assert [request["temperature"] for request in sent] == [0.7] * 6
    assert model.get_model_info()["served"]["left_out"] == ["seed", "top_p"]
    told = [record.getMessage() for record in caplog.records]
    assert [sum(f"refuses {name}, which is left out" in line for line in told) for name in ("seed", "top_p")] == [1, 1]
    # Without seeds, another run has other samples.
    assert any("gives different texts for the same seed" in line for line in told)


def test_a_setting_that_is_needed_is_not_left_out():
    with serving(None, refused=("temperature",)) as stand_in, pytest.raises(UserError, match="temperature is not permitted"):
        model_of(stand_in.completions).generate_until(sampled("gen", 1), disable_tqdm=True)


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
            "left_out": [],
        }
    }


def test_only_the_view_of_letters_is_constrained():
    with serving("llama.cpp") as stand_in:
        model = model_of(stand_in.completions)
        model.generate_until(sampled("mc_letters_generated", 1, letters_prompt), disable_tqdm=True)
        model.generate_until(sampled("gen", 1), disable_tqdm=True)
    asked = [request for request in stand_in.requests if request["prompt"] != SEED_PROMPT]
    assert ["grammar" in request for request in asked] == [True, True, False, False]


def test_an_answer_that_is_cut_before_its_line_ends_says_so():
    with serving(fault="long") as stand_in:
        answers = model_of(stand_in.completions).generate_until(sampled("gen", 1), disable_tqdm=True)
    assert [answer.reached_limit for answer in answers] == [True, True]
    with serving() as stand_in:
        answers = model_of(stand_in.completions).generate_until(sampled("gen", 1), disable_tqdm=True)
    assert [answer.reached_limit for answer in answers] == [False, False]


def test_a_refusal_of_the_server_is_one_line(capsys):
    with serving(fault="refuses") as stand_in, pytest.raises(UserError):
        model_of(stand_in.completions).generate_until(sampled("gen", 1), disable_tqdm=True)
    line = capsys.readouterr().err
    assert "refused the request with code 400 (max_tokens is too small there)" in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("code", [401, 500])
def test_a_key_that_the_server_repeats_is_not_shown(code, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(StandIn, "answer", lambda *_: (code, {"error": {"message": f"Incorrect API key: {KEY}"}}))
    with serving() as stand_in:
        model = model_of(stand_in.completions.replace("//", f"//me:{KEY[:8]}@"))
        assert KEY[:8] not in str(model.get_model_info())
        with pytest.raises(UserError, match=r"Incorrect API key: [*]{3}"):
            model.generate_until(sampled("gen", 1), disable_tqdm=True)
    assert KEY[:8] not in capsys.readouterr().err


def test_an_answer_that_the_server_withheld_is_told_once(monkeypatch, caplog):
    """Azure's filter: null in place of the answer, which would count as the model's empty one without a word."""
    withheld = {"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": None}}
    monkeypatch.setattr(StandIn, "answer", lambda *_: (200, {"choices": [dict(withheld)]}))
    with serving(None) as stand_in:
        model = model_of(stand_in.chat)
        assert model.generate_until(sampled("gen", 1, model=model), disable_tqdm=True) == ["", ""]
    assert sum("withheld an answer (content_filter)" in record.getMessage() for record in caplog.records) == 1
