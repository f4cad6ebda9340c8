"""Projection by pieces against torch's own layer."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch

from lm_eval_illusion.projection import PIECE, projecting_in_pieces
from tests.tiny_models import make_tiny_model


class Headed:
    """As much of a model as has a head."""

    def __init__(self, head):
        self.head = head

    def get_output_embeddings(self):
        return self.head


def head_of(vocabulary, **given):
    torch.manual_seed(vocabulary)
    return torch.nn.Linear(16, vocabulary, **{"bias": False, **given})


@pytest.mark.parametrize("vocabulary", [5, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
@pytest.mark.parametrize("shape", [(1, 16), (3, 16), (2, 4, 16), (2, 0, 16)])
def test_pieces_make_the_whole(vocabulary, shape):
    head = head_of(vocabulary)
    hidden = torch.randn(shape)
    with torch.inference_mode():
        whole = head(hidden)
        with projecting_in_pieces(Headed(head)):
            by_pieces = head(hidden)
    torch.testing.assert_close(by_pieces, whole, rtol=1e-5, atol=1e-6)
    assert by_pieces.is_contiguous()


def test_the_head_is_as_before_afterwards():
    head = head_of(8)
    with suppress(KeyError), projecting_in_pieces(Headed(head)):
        assert "forward" in vars(head)
        raise KeyError
    assert "forward" not in vars(head)


def test_hooks_on_the_head_are_called():
    head, seen = head_of(8), []
    head.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape))
    with torch.inference_mode(), projecting_in_pieces(Headed(head)):
        head(torch.zeros(2, 16))
    assert seen == [(2, 16)]


@pytest.mark.parametrize("given", [{"bias": True}, {"dtype": torch.bfloat16}, {"device": "meta"}])
def test_other_heads_are_left_alone(given):
    head = head_of(8, **given)
    with projecting_in_pieces(Headed(head)):
        assert "forward" not in vars(head)


def test_a_head_under_autocast_or_with_a_forward_of_its_own_is_left_alone():
    head = head_of(8)
    with torch.autocast("cpu", torch.bfloat16), projecting_in_pieces(Headed(head)):
        assert "forward" not in vars(head)
    head.forward = own = head.forward
    with projecting_in_pieces(Headed(head)):
        assert head.forward is own
    assert head.forward is own


def test_a_model_without_a_head_is_left_alone():
    with projecting_in_pieces(Headed(None)):
        pass


def test_a_real_model_projects_by_pieces():
    model = make_tiny_model("qwen3")
    with projecting_in_pieces(model):
        assert "forward" in vars(model.get_output_embeddings())
