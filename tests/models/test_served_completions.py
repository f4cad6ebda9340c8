"""Scores of completions: the right ones, and refusals before anything is scored."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from tests.models.served_cases import ITEMS, model_of, sampled, scoring
from tests.models.served_stand_in import TOKENIZER, StandIn, serving, tokenizer, true_score


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


def test_a_server_that_refuses_tokens_gets_their_text():
    """As Ollama, LM Studio and text-generation-inference, none of which `served` knows by name."""
    with serving(None, "takes text") as stand_in:
        model = model_of(stand_in.completions, tokenizer=TOKENIZER)
        model.has_checked_scores = True
        asked = scoring(ITEMS[:1])
        scores = model.loglikelihood(asked, disable_tqdm=True)
        model.generate_until(sampled("gen", 1), disable_tqdm=True)
    # Asked with tokens once, and never again.
    forms = [isinstance(request["prompt"], str) for request in stand_in.requests]
    assert forms == [False] + [True] * (len(forms) - 1)
    for request, (score, _) in zip(asked, scores, strict=True):
        whole, start = tokenizer()("".join(request.args)).input_ids, len(tokenizer()(request.args[0]).input_ids)
        assert score == pytest.approx(true_score(whole, start), abs=1e-6)


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


def test_scores_without_a_tokenizer_are_refused():
    with serving() as stand_in, pytest.raises(UserError, match="need its tokenizer: give tokenizer="):
        model_of(stand_in.completions).loglikelihood(scoring(), disable_tqdm=True)


def test_a_refused_key_is_no_fault_of_the_scores(monkeypatch):
    monkeypatch.setattr(StandIn, "answer", lambda *_: (401, {"error": {"message": "no such key"}}))
    with serving() as stand_in, pytest.raises(UserError) as refused:
        model_of(stand_in.completions, tokenizer=TOKENIZER).loglikelihood(scoring(), disable_tqdm=True)
    assert "refused the request with code 401 (no such key)" in str(refused.value)
    assert "can't score" not in str(refused.value)


def test_a_prompt_longer_than_lm_evals_window_is_sent_whole():
    """lm_eval cuts prompts to 2048 tokens, from the left and without an error; the server knows its own window."""
    request = sampled("gen", 1)[0]
    request.arguments = (" ".join(["word"] * 3000), request.args[1])
    expected = tokenizer()(request.args[0]).input_ids
    assert len(expected) > 3000
    with serving() as stand_in:
        model_of(stand_in.completions, tokenizer=TOKENIZER).generate_until([request], disable_tqdm=True)
        assert stand_in.requests[-1]["prompt"] == expected
        model_of(stand_in.completions, tokenizer=TOKENIZER, max_length=165).generate_until([request], disable_tqdm=True)
        # The window without the 64 tokens of an answer, and one that lm_eval keeps.
        assert stand_in.requests[-1]["prompt"] == expected[-100:]
