"""Batch sizes in tokens: the argument, the automatic limits, and the size of a model's batches."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from lm_eval.api.instance import Instance

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.batching import MAX_TOKENS, automatic_limits, batches, read_max_batch_tokens
from lm_eval_illusion.inference.prefix_cache import bytes_per_token
from lm_eval_illusion.models.hf import PrunedHFLM
from tests.tiny_architectures import ARCHITECTURES, make_model
from tests.tiny_models import ARCHITECTURES as TINY_MODELS
from tests.tiny_models import make_tiny_model, save_tiny


def test_max_batch_tokens_is_read_or_refused():
    assert read_max_batch_tokens("auto") is None
    assert read_max_batch_tokens("32768") == read_max_batch_tokens(32768) == 32768
    for wrong in ("many", 63, "0", -5, 1.5, "1e4"):
        with pytest.raises(UserError, match=r"max_batch_tokens .* neither auto nor a whole number of 64 or more"):
            read_max_batch_tokens(wrong)


def test_batches_are_neighbours_that_fit():
    assert list(batches([1, 2, 3, 9, 1], lambda batch: sum(batch) <= 5)) == [[1, 2], [3], [9], [1]]
    assert list(batches([], lambda batch: True)) == []


# The layers of Gemma 4 have different heads, and those of E2B share keys.
MODELS = {
    **{name: partial(make_tiny_model, name) for name in TINY_MODELS},
    **{row.id: partial(make_model, row) for row in ARCHITECTURES if row.id in ("gemma-4", "gemma-4-e2b", "deepseek-v3")},
}


@pytest.mark.parametrize("model_id", MODELS)
def test_bytes_per_token_are_those_of_a_cache(model_id):
    model = MODELS[model_id]()
    cache = model(torch.arange(10)[None], use_cache=True).past_key_values
    cache_bytes = sum(part.numel() * part.itemsize for layer in cache.layers for part in (layer.keys, layer.values))
    with torch.inference_mode():
        assert bytes_per_token(model, torch.device("cpu")) * 10 == cache_bytes


def test_limits_by_batch_size_on_a_cpu_and_by_free_memory_elsewhere(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert [automatic_limits(cpu, rows, lambda: 0).tokens for rows in (1, 8, 64)] == [8192, 65_536, 65_536]
    for free, tokens in ((0, 8192), (4 * 10_000 * 640, 10_000), (10**15, MAX_TOKENS)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, 10**16))
        assert automatic_limits(cuda, 1, lambda: 640).tokens == tokens


def test_no_answer_depends_on_max_batch_tokens_and_no_batch_exceeds_it(tmp_path):
    folder = str(save_tiny("qwen3", tmp_path))
    prompts = [f"Question {number}: why?\nAnswer:" for number in range(12)]
    greedy = {"until": ["\n"], "max_gen_toks": 8, "do_sample": False}
    answers = []
    for max_batch_tokens in (64, 300, "auto"):
        model = PrunedHFLM(folder, pruner="none", device="cpu", batch_size=2, max_batch_tokens=max_batch_tokens)
        rows = []
        model.model.model.register_forward_pre_hook(
            lambda _, __, kwargs, rows=rows: rows.append(kwargs["input_ids"].shape[0]), with_kwargs=True
        )
        answers.append(
            model.generate_until([Instance("generate_until", {}, (prompt, greedy), 0) for prompt in prompts], disable_tqdm=True)
        )
        longest = max(len(model.tok_encode(prompt)) for prompt in prompts) + 8
        # The first three forward passes are the trial of `prefix_support`.
        assert max_batch_tokens == "auto" or max(rows[3:]) <= max(1, max_batch_tokens // longest)
    assert answers[0] == answers[1] == answers[2]
