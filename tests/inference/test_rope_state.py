"""Dynamic rotary embeddings forget earlier sequences."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.inference.rope_state import forget_lengths
from lm_eval_illusion.inference.trials import trial_tokens
from tests.inference.special_models import DYNAMIC, make_model


def logits(model, length):
    with torch.inference_mode():
        return model(torch.tensor([trial_tokens(model, length, length)])).logits


# 64 tokens is the trained length, where transformers does not go back by itself.
@pytest.mark.parametrize("length", [64, 100])
def test_a_longer_sequence_before_changes_nothing(length):
    expected = logits(make_model("llama", **DYNAMIC), length)
    model = make_model("llama", **DYNAMIC)
    logits(model, 300)
    assert (logits(model, length) - expected).abs().max() > 1e-3  # so the state matters
    logits(model, 300)
    forget_lengths(model)
    assert torch.equal(logits(model, length), expected)


def test_other_embeddings_stay_as_they_are():
    model = make_model("llama")
    frequencies = model.model.rotary_emb.inv_freq
    forget_lengths(model)
    assert model.model.rotary_emb.inv_freq is frequencies
