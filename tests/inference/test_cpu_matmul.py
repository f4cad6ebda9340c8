"""Products by pieces against torch's own layers."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch

from lm_eval_illusion.inference.cpu_matmul import PIECE, chunked_matmul, large_layers
from tests.tiny_models import make_tiny_model

LARGE = PIECE + 1


def layer_of(outputs, **given):
    torch.manual_seed(outputs)
    return torch.nn.Linear(16, outputs, **{"bias": False, **given})


def is_in_pieces(layer):
    return "forward" in vars(layer)


@pytest.mark.parametrize("outputs", [5, PIECE - 1, PIECE, LARGE, 3 * PIECE + 7])
@pytest.mark.parametrize("shape", [(1, 16), (3, 16), (2, 4, 16), (2, 0, 16)])
@pytest.mark.parametrize("bias", [False, True])
def test_pieces_make_the_whole(outputs, shape, bias):
    layer = layer_of(outputs, bias=bias)
    states = torch.randn(shape)
    with torch.inference_mode():
        whole = layer(states)
        with chunked_matmul(large_layers(layer)):
            assert is_in_pieces(layer) == (outputs > PIECE)
            by_pieces = layer(states)
    torch.testing.assert_close(by_pieces, whole, rtol=1e-5, atol=1e-6)
    assert by_pieces.is_contiguous()


def test_the_layers_are_as_before_afterwards():
    layers = torch.nn.Sequential(layer_of(LARGE), layer_of(8))
    with suppress(KeyError), chunked_matmul(large_layers(layers)):
        assert [is_in_pieces(layer) for layer in layers] == [True, False]
        raise KeyError
    assert not any(map(is_in_pieces, layers))


def test_hooks_on_a_layer_are_called():
    layer, seen = layer_of(LARGE), []
    layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape))
    with torch.inference_mode(), chunked_matmul(large_layers(layer)):
        layer(torch.zeros(2, 16))
    assert seen == [(2, 16)]


@pytest.mark.parametrize("given", [{"dtype": torch.bfloat16}, {"device": "meta"}])
def test_other_weights_are_left_alone(given):
    layer = layer_of(LARGE, **given)
    with chunked_matmul(large_layers(layer)):
        assert not is_in_pieces(layer)


def test_a_layer_that_is_more_than_a_product_is_left_alone():
    class Adapted(torch.nn.Linear):
        def forward(self, states):
            return super().forward(states) + 1

    layer = Adapted(16, LARGE)
    with chunked_matmul(large_layers(layer)):
        assert not is_in_pieces(layer)


def test_a_layer_under_autocast_or_with_a_forward_of_its_own_is_left_alone():
    layer = layer_of(LARGE)
    with torch.autocast("cpu", torch.bfloat16), chunked_matmul(large_layers(layer)):
        assert not is_in_pieces(layer)
    layer.forward = own = layer.forward
    with chunked_matmul(large_layers(layer)):
        assert layer.forward is own
    assert layer.forward is own


@pytest.mark.parametrize("architecture", ["qwen3", "gpt_neox"])
def test_a_real_model_says_the_same_by_pieces(monkeypatch, architecture):
    monkeypatch.setattr("lm_eval_illusion.inference.cpu_matmul.PIECE", 7)
    model = make_tiny_model(architecture)
    ids = torch.arange(12)[None]
    with torch.inference_mode():
        whole = model(input_ids=ids).logits
        with chunked_matmul(large_layers(model)):
            assert is_in_pieces(model.get_output_embeddings())
            by_pieces = model(input_ids=ids).logits
    torch.testing.assert_close(by_pieces, whole, rtol=1e-5, atol=1e-5)
