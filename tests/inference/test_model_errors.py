"""Errors of a model's own code are one line; those of this package stay what they are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.hf_generate import decode_batch
from lm_eval_illusion.inference.model_errors import check_runs, model_errors
from lm_eval_illusion.inference.stopping import StopStrings
from tests.tiny_models import make_tiny_model, make_tiny_tokenizer

CPU = torch.device("cpu")


@pytest.mark.parametrize("error", [AttributeError, NotImplementedError, KeyError, RuntimeError, ImportError, AssertionError])
def test_any_error_in_forward_names_the_class_and_the_cause(error):
    model = make_tiny_model("llama")

    def fail(*_, **__):
        raise error("no such\nkernel")

    # Code of the model's is code that torch calls, not this package.
    model.model.layers[1].mlp.forward = fail
    with pytest.raises(UserError, match=rf"LlamaForCausalLM can't be run \({error.__name__}: .*no such") as caught:
        check_runs(model, CPU)
    assert "\n" not in str(caught.value)


def test_an_error_of_generate_itself_is_the_models():
    model = make_tiny_model("llama")
    with pytest.raises(UserError, match="LlamaForCausalLM can't be run"), model_errors(model):
        decode_batch_with(model, max_gen_toks=-1)


def decode_batch_with(model, **settings):
    ids = torch.tensor([[5, 6]])
    decoding = read_decoding({"until": ["\n"], **settings}, 1, 4)
    return decode_batch(model, make_tiny_tokenizer(), ids, torch.ones_like(ids), ["x"], decoding)


def test_an_error_of_this_package_within_generate_keeps_its_traceback(monkeypatch):
    model = make_tiny_model("llama")
    # -1 is no token: the tokenizer that our stop condition calls raises.
    monkeypatch.setattr(StopStrings, "_may_complete", lambda self, _: self.tokenizer.decode([-1]))
    with pytest.raises(OverflowError), model_errors(model):
        decode_batch_with(model)


def test_a_model_that_runs_passes():
    check_runs(make_tiny_model("llama"), CPU)


def test_an_error_of_this_package_keeps_its_traceback():
    with pytest.raises(TypeError), model_errors(make_tiny_model("llama")):
        StopStrings(None, ["x"], [], 9).should_stop(None)


def test_a_full_memory_is_no_error_of_the_model():
    with pytest.raises(torch.OutOfMemoryError), model_errors(make_tiny_model("llama")):
        raise torch.OutOfMemoryError("full")


@pytest.mark.parametrize(
    ("logits", "found"),
    [
        (None, "NoneType"),
        (torch.zeros(1, 3), r"\[1, 3\]"),
        (torch.zeros(1, 2, 340), r"\[1, 2, 340\]"),
        (torch.zeros(1, 3, 340, dtype=torch.int64), r"\[1, 3, 340\]"),
    ],
)
def test_a_model_that_gives_no_logits_of_its_tokens_is_one_line(logits, found):
    model = make_tiny_model("llama")
    model.forward = lambda *_, **__: SimpleNamespace(logits=logits)
    with pytest.raises(UserError, match=rf"for 3 tokens its logits are {found}, not \[1, 3, vocabulary\]"):
        check_runs(model, CPU)


def test_the_number_of_logits_is_returned():
    assert check_runs(make_tiny_model("llama"), CPU) == 340
