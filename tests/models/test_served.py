"""Which class `--model served` makes, and what is refused before a request is sent, against a real HTTP server in this process."""

from __future__ import annotations

import sys

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.served_chat import ServedChat
from lm_eval_illusion.models.served_completions import Served
from tests.models.served_cases import model_of
from tests.models.served_stand_in import TOKENIZER, serving


def test_the_end_of_the_address_chooses_the_class():
    with serving() as stand_in:
        assert isinstance(model_of(stand_in.completions), Served)
        assert isinstance(model_of(stand_in.chat), ServedChat)


def test_a_command_with_scores_is_refused_before_it_generates(monkeypatch):
    with serving("llama.cpp", "no echo") as stand_in:
        monkeypatch.setattr(sys, "argv", ["lm_eval", "run", "--tasks", "mqa_illusion_en_gen,mqa_illusion_en_twin"])
        with pytest.raises(UserError, match="can't score choices"):
            model_of(stand_in.completions, tokenizer=TOKENIZER)
        monkeypatch.setattr(sys, "argv", ["lm_eval", "run", "--tasks", "mqa_illusion_core_served"])
        assert isinstance(model_of(stand_in.completions), Served)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"base_url": None}, "base_url 'is missing' is no address"),
        ({"base_url": "http://127.0.0.1:8000"}, "is no address of completions: give e.g."),
        ({"base_url": "http://127.0.0.1:9/v1/completions"}, "can't be reached"),
        ({"model": "other"}, "model=other is not served by vllm 0.32.0"),
        ({"tokenizer": "/no/such/folder"}, "do not fit"),
        ({"num_concurrent": "many"}, "num_concurrent 'many' is not a whole number"),
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


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr("lm_eval.models.api_models.find_spec", lambda name: None if name == "tenacity" else True)
    with serving() as stand_in, pytest.raises(UserError, match=r"pip install 'lm-eval\[api\]'"):
        model_of(stand_in.completions)
