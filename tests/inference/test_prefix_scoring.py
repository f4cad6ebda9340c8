"""Continuations that share a context against the same read one by one; models that can't share."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.batching import TOKENS_PER_ROW, BatchLimits
from lm_eval_illusion.inference.prefix_cache import PrefixCache
from lm_eval_illusion.inference.prefix_scoring import can_share, score_shared
from lm_eval_illusion.inference.prefix_support import UNKNOWN, longest_unchanged, obstacle_to_sharing
from lm_eval_illusion.inference.scoring import Continuation, score_continuations
from lm_eval_illusion.models.hf import PrunedHFLM
from tests.tiny_models import ARCHITECTURES, HIDDEN, make_tiny_model, save_tiny

pytestmark = pytest.mark.usefixtures("small_pieces")
CPU = torch.device("cpu")
LENGTHS = (1, 2, 7, 40, 41, 130, 600)
tokens = st.integers(3, 339)


def sequence(seed, length):
    return tuple(random.Random(f"{seed} {length}").randrange(3, 340) for _ in range(length))


def plain(model, wanted, rows=4):
    with torch.inference_mode():
        return score_continuations(
            wanted, lambda ids: model(ids).logits, max_length=1024, rows=rows, softmax_dtype=torch.float32, device=CPU
        )


def limits(rows):
    return BatchLimits(rows * TOKENS_PER_ROW)


def shared(model, wanted, rows=4):
    with torch.inference_mode():
        scores = score_shared(
            wanted, model, limits=limits(rows), memory=PrefixCache(99), softmax_dtype=torch.float32, device=CPU
        )
    return [scores[one] for one in wanted]


def assert_same(mine, theirs):
    assert [score for score, _ in mine] == pytest.approx([score for score, _ in theirs], abs=1e-4)
    assert [greedy for _, greedy in mine] == [greedy for _, greedy in theirs]
    assert [one.first_token_rank for one in mine] == [one.first_token_rank for one in theirs]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_mixed_lengths_in_batches_of_any_size(arch):
    model = make_tiny_model(arch)
    continuations = [sequence("c", length) for length in (1, 1, 2, 5, 9)] + [(7,)]
    wanted = [Continuation(sequence("p", length), one) for length in LENGTHS for one in continuations]
    expected = plain(model, wanted)
    for rows in (1, 3, 8):
        assert_same(shared(model, wanted, rows), expected)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(tokens, min_size=1, max_size=12), st.lists(st.lists(tokens, min_size=1, max_size=5), max_size=5)),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 8),
)
def test_any_contexts_and_continuations(groups, rows):
    model = make_tiny_model("llama")
    wanted = [Continuation(tuple(context), tuple(one)) for context, several in groups for one in several]
    assert_same(shared(model, wanted, rows), plain(model, wanted))


def test_more_continuations_than_a_row_holds():
    model = make_tiny_model("qwen3")
    wanted = [Continuation((5, 6, 7), sequence(number, 9)) for number in range(40)]
    assert_same(shared(model, wanted, 2), plain(model, wanted))


def test_eager_attention_and_no_finite_logit():
    model = make_tiny_model("llama")
    model.set_attn_implementation("eager")
    wanted = [Continuation(sequence("p", 9), sequence("c", length)) for length in (1, 3)]
    with torch.inference_mode():
        assert obstacle_to_sharing(model, CPU) is None
    assert_same(shared(model, wanted), plain(model, wanted))
    model.lm_head.weight.data.fill_(float("nan"))
    assert [one.first_token_rank for one in shared(model, wanted)] == [None, None]


def test_each_context_is_read_once_and_only_scored_positions_are_projected():
    model = make_tiny_model("llama")
    read, projected = [], []
    model.model.register_forward_pre_hook(lambda _, __, given: read.append(given["input_ids"].numel()), with_kwargs=True)
    model.lm_head.register_forward_pre_hook(lambda _, given: projected.append(given[0].shape[1]))
    shared(model, [Continuation(sequence("p", 50), one) for one in ((3,), (4,), (5, 6))])
    assert (read, projected) == ([49, 2], [2])


def test_what_is_not_worth_sharing():
    assert can_share(Continuation((1, 2), (3,)), 2)
    assert not can_share(Continuation((1, 2), (3, 4)), 2)  # longer than the window
    assert not can_share(Continuation((), (3,)), 9)
    assert not can_share(Continuation((1,), (3, 4)), 9)  # as in loglikelihood_rolling


def requests():
    prompts = ["", "x", "Question: which country?\nAnswer:", "why? " * 60, "why? " * 60 + "So"]
    # "o" merges with what stands before it; " " and "x" are one token each.
    choices = [" France", "o", " ", "x", " Germany, of all countries"]
    return [Instance("loglikelihood", {}, (prompt, choice), 0) for prompt in prompts for choice in choices]


@pytest.mark.parametrize("max_length", [24, 1024])
def test_edges_through_lm_eval(tmp_path, max_length):
    folder = str(save_tiny("mistral", tmp_path))
    given = {"device": "cpu", "batch_size": 3, "max_length": max_length}
    arguments = {**given, "pruner": "none"}
    fast, off = PrunedHFLM(folder, **arguments), PrunedHFLM(folder, fast="off", **arguments)
    asked = requests()
    assert (fast.longest_shared, off.longest_shared) == (max_length, 0)
    mine = fast.loglikelihood(asked, disable_tqdm=True)
    assert_same(mine, off.loglikelihood(asked, disable_tqdm=True))
    theirs = HFLM(folder, **given).loglikelihood([one for one in asked if one.args[1] != "o"], disable_tqdm=True)
    kept = [score for (score, _), one in zip(mine, asked, strict=True) if one.args[1] != "o"]
    assert kept == pytest.approx([score for score, _ in theirs], abs=1e-4)


def make_bloom():
    from transformers import BloomConfig, BloomForCausalLM

    torch.manual_seed(0)
    # Its positions are distances between places in the cache: branches would be ever farther away.
    config = BloomConfig(vocab_size=340, hidden_size=HIDDEN, n_layer=2, n_head=4, initializer_range=0.2)
    return BloomForCausalLM(config).eval()


def make_mamba():
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    return MambaForCausalLM(MambaConfig(vocab_size=340, hidden_size=32, num_hidden_layers=2, state_size=4)).eval()


def test_what_can_share_is_found_out():
    for arch in ARCHITECTURES:
        model = make_tiny_model(arch)
        assert longest_unchanged(model, 1024) == 1024
        with torch.inference_mode():
            assert obstacle_to_sharing(model, CPU) is None
    for model in (make_bloom(), make_mamba()):
        with torch.inference_mode():
            assert longest_unchanged(model, 1024) == 0 or obstacle_to_sharing(model, CPU)


def test_what_stood_in_the_way_is_told(monkeypatch):
    model = make_tiny_model("llama")
    forward = model.forward
    with torch.inference_mode():
        monkeypatch.setattr(model, "forward", lambda *ids, **given: forward(*ids, **{**given, "position_ids": None}))
        assert "apart in a trial" in obstacle_to_sharing(model, CPU)
        monkeypatch.setattr(model, "forward", lambda *_, **__: int("a mask\nof four"))
        assert obstacle_to_sharing(model, CPU).startswith("ValueError: invalid literal for int() with base 10: 'a mask")


def test_limits_of_windows_and_growing_positions():
    model = make_tiny_model("llama")
    model.config.sliding_window = 100
    assert longest_unchanged(model, 1024) == 100
    model.config.sliding_window = None
    model.config.rope_parameters = {"rope_type": "longrope", "rope_theta": 10000.0}
    model.config.original_max_position_embeddings = 64
    assert longest_unchanged(model, 1024) == 64
    model.config._attn_implementation = "flash_attention_2"
    assert longest_unchanged(model, 1024) == 0


def test_an_unknown_model_is_said_once_and_gives_the_same_scores(tmp_path, caplog):
    from tests.tiny_models import make_tiny_tokenizer

    make_bloom().save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    arguments = {"pruner": "none", "device": "cpu", "batch_size": 3, "max_length": 512}
    fast, off = (PrunedHFLM(str(tmp_path), fast=way, **arguments) for way in ("auto", "off"))
    scores = [fast.loglikelihood(requests(), disable_tqdm=True) for _ in range(2)]
    assert scores == [off.loglikelihood(requests(), disable_tqdm=True)] * 2
    assert [record.message for record in caplog.records if "share" in record.message] == [
        f"BloomForCausalLM is not known to share prompts ({UNKNOWN}): each request reads its own, as with fast=off"
    ]


def test_fast_is_auto_or_off(tmp_path):
    with pytest.raises(UserError, match="fast 'on' is neither auto nor off"):
        PrunedHFLM(str(tmp_path), fast="on")
