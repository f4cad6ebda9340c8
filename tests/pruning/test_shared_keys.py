"""Keys that blocks share reach the later blocks when blocks run one after the other."""

from __future__ import annotations

import torch

from lm_eval_illusion.pruning.shared_keys import shared_keys_kept
from tests.tiny_models import make_small_model, make_tiny_model


def test_each_batch_keeps_its_own_keys():
    """Every block gets an empty dictionary per call, as from llmcompressor; without the hooks the last blocks find no keys."""
    model = make_small_model("gemma3n_text")
    text = model.model
    batches = [torch.arange(3, 13)[None], torch.arange(30, 40)[None]]
    calls = []

    def record(layer):
        return lambda _, args, kwargs: calls.append((layer, args, {**kwargs, "shared_kv_states": {}}))

    handles = [layer.register_forward_pre_hook(record(layer), with_kwargs=True, prepend=True) for layer in text.layers]
    with torch.no_grad():
        expected = []
        for ids in batches:
            outputs = []
            last = text.layers[-1].register_forward_hook(lambda _, __, output, outputs=outputs: outputs.append(output))
            model(input_ids=ids, use_cache=False)
            last.remove()
            expected.append(outputs[0])
        for handle in handles:
            handle.remove()
        with shared_keys_kept(model, 2):
            found = []
            for layer in text.layers:
                inputs = [(args, kwargs) for called, args, kwargs in calls if called is layer]
                for _ in range(2):  # once to calibrate, once to pass the outputs on
                    found = [layer(*args, **kwargs) for args, kwargs in inputs]
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_a_model_without_shared_keys_gets_no_hooks():
    model = make_tiny_model("llama")
    with shared_keys_kept(model, 1):
        assert not any(module._forward_pre_hooks for module in model.modules())
