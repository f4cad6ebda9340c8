"""Chunked matrix products against torch's own layers."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch

from lm_eval_illusion.inference.cpu_matmul import CHUNK, chunked_matmul, large_layers
from tests.tiny_models import make_tiny_model

LARGE = CHUNK + 1


def make_layer(outputs, **kwargs):
    torch.manual_seed(outputs)
    return torch.nn.Linear(16, outputs, **{"bias": False, **kwargs})


def is_chunked(layer):
    return "forward" in vars(layer)


@pytest.mark.parametrize("outputs", [5, CHUNK - 1, CHUNK, LARGE, 3 * CHUNK + 7])
@pytest.mark.parametrize("shape", [(1, 16), (3, 16), (2, 4, 16), (2, 0, 16)])
@pytest.mark.parametrize("bias", [False, True])
def test_a_chunked_product_is_the_whole_product(outputs, shape, bias):
    layer = make_layer(outputs, bias=bias)
    states = torch.randn(shape)
    with torch.inference_mode():
        whole = layer(states)
        with chunked_matmul(large_layers(layer)):
            assert is_chunked(layer) == (outputs > CHUNK)
            chunked = layer(states)
    torch.testing.assert_close(chunked, whole, rtol=1e-5, atol=1e-6)
    assert chunked.is_contiguous()


def test_the_layers_are_restored_after_an_error():
    layers = torch.nn.Sequential(make_layer(LARGE), make_layer(8))
    with suppress(KeyError), chunked_matmul(large_layers(layers)):
        assert [is_chunked(layer) for layer in layers] == [True, False]
        raise KeyError
    assert not any(map(is_chunked, layers))


def test_hooks_of_a_layer_are_called():
    layer, seen = make_layer(LARGE), []
    layer.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    with torch.inference_mode(), chunked_matmul(large_layers(layer)):
        layer(torch.zeros(2, 16))
    assert seen == [(2, 16)]


@pytest.mark.parametrize("kwargs", [{"dtype": torch.bfloat16}, {"device": "meta"}])
def test_other_dtypes_and_devices_are_left_alone(kwargs):
    layer = make_layer(LARGE, **kwargs)
    with chunked_matmul(large_layers(layer)):
        assert not is_chunked(layer)


def test_subclasses_of_linear_are_left_alone():
    class Adapted(torch.nn.Linear):
        def forward(self, states):
            return super().forward(states) + 1

    layer = Adapted(16, LARGE)
    with chunked_matmul(large_layers(layer)):
        assert not is_chunked(layer)


def test_layers_under_autocast_or_with_a_patched_forward_are_left_alone():
    layer = make_layer(LARGE)
    with torch.autocast("cpu", torch.bfloat16), chunked_matmul(large_layers(layer)):
        assert not is_chunked(layer)
    layer.forward = patched = layer.forward
    with chunked_matmul(large_layers(layer)):
        assert layer.forward is patched
    assert layer.forward is patched


@pytest.mark.parametrize("architecture", ["qwen3", "gpt_neox"])
def test_a_model_has_the_same_logits_with_chunked_products(monkeypatch, architecture):
    monkeypatch.setattr("lm_eval_illusion.inference.cpu_matmul.CHUNK", 7)
    model = make_tiny_model(architecture)
    ids = torch.arange(12)[None]
    with torch.inference_mode():
        whole = model(input_ids=ids).logits
        with chunked_matmul(large_layers(model)):
            assert is_chunked(model.get_output_embeddings())
            chunked = model(input_ids=ids).logits
    torch.testing.assert_close(chunked, whole, rtol=1e-5, atol=1e-5)
