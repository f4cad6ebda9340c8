"""Errors of a model's own code are one line; those of this package stay what they are."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.model_errors import check_runs, model_errors
from lm_eval_illusion.inference.stopping import StopStrings
from tests.tiny_models import make_tiny_model

CPU = torch.device("cpu")


@pytest.mark.parametrize("error", [AttributeError, NotImplementedError, KeyError, RuntimeError, ImportError, AssertionError])
def test_any_error_in_forward_names_the_class_and_the_cause(monkeypatch, error):
    model = make_tiny_model("llama")

    def fail(*_, **__):
        raise error("no such\nkernel")

    # As a hook, so that the error is raised in torch's code.
    model.model.register_forward_pre_hook(fail)
    exec(
        compile("def fail(*_, **__): raise ERROR('no such\\nkernel')", "modeling_of_the_model.py", "exec"),
        scope := {"ERROR": error},
    )
    monkeypatch.setattr(model, "forward", scope["fail"])
    with pytest.raises(UserError, match=f"LlamaForCausalLM can't be run \\({error.__name__}: .*no such") as caught:
        check_runs(model, CPU)
    assert "\n" not in str(caught.value).replace("\\n", "")


def test_a_model_that_runs_passes():
    check_runs(make_tiny_model("llama"), CPU)


def test_an_error_of_this_package_keeps_its_traceback():
    with pytest.raises(TypeError), model_errors(make_tiny_model("llama")):
        StopStrings(None, ["x"], [], 9).should_stop(None)


def test_a_full_memory_is_no_error_of_the_model():
    with pytest.raises(torch.OutOfMemoryError), model_errors(make_tiny_model("llama")):
        raise torch.OutOfMemoryError("full")
