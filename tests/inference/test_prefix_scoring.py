"""Scoring with a shared context against one row per continuation; models that can't share."""

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
from lm_eval_illusion.inference.prefix_support import UNSUPPORTED, max_unchanged_length, obstacle_to_sharing
from lm_eval_illusion.inference.scoring import Continuation, score_continuations
from lm_eval_illusion.models.hf import PrunedHFLM
from tests.tiny_models import ARCHITECTURES, HIDDEN, make_tiny_model, save_tiny

pytestmark = pytest.mark.usefixtures("small_chunks")
CPU = torch.device("cpu")
LENGTHS = (1, 2, 7, 40, 41, 130, 600)
tokens = st.integers(3, 339)


def sequence(seed, length):
    return tuple(random.Random(f"{seed} {length}").randrange(3, 340) for _ in range(length))


def plain(model, continuations, rows=4):
    with torch.inference_mode():
        return score_continuations(
            continuations,
            lambda ids: model(ids).logits,
            max_length=1024,
            rows=rows,
            softmax_dtype=torch.float32,
            device=CPU,
        )


def limits(rows):
    return BatchLimits(rows * TOKENS_PER_ROW)


def shared(model, continuations, rows=4):
    with torch.inference_mode():
        scores = score_shared(
            continuations,
            model,
            limits=limits(rows),
            prefix_cache=PrefixCache(99),
            softmax_dtype=torch.float32,
            device=CPU,
        )
    return [scores[continuation] for continuation in continuations]


def assert_same(scores, expected):
    assert [score for score, _ in scores] == pytest.approx([score for score, _ in expected], abs=1e-4)
    assert [greedy for _, greedy in scores] == [greedy for _, greedy in expected]
    assert [score.first_token_rank for score in scores] == [score.first_token_rank for score in expected]
    for name in ("first_token_logprob", "answer_logprob"):
        assert [getattr(score, name) for score in scores] == pytest.approx(
            [getattr(score, name) for score in expected], abs=1e-4
        )
    for score, other in zip(scores, expected, strict=True):
        assert (score.top_tokens is None) == (other.top_tokens is None)
        if score.top_tokens is not None:
            assert list(score.top_tokens.logprobs) == pytest.approx(list(other.top_tokens.logprobs), abs=1e-4)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_mixed_lengths_in_batches_of_any_size(arch):
    model = make_tiny_model(arch)
    endings = [sequence("c", length) for length in (1, 1, 2, 5, 9)] + [(7,)]
    continuations = [Continuation(sequence("p", length), ending) for length in LENGTHS for ending in endings]
    expected = plain(model, continuations)
    for rows in (1, 3, 8):
        assert_same(shared(model, continuations, rows), expected)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.lists(tokens, min_size=1, max_size=12), st.lists(st.lists(tokens, min_size=1, max_size=5), max_size=5)),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 8),
    st.integers(0, 3),
    st.integers(0, 2),
)
def test_any_contexts_and_continuations(groups, rows, blank, in_prompt):
    model = make_tiny_model("llama")
    continuations = [
        Continuation(tuple(context), tuple(ending), blank % len(ending), min(in_prompt, blank % len(ending)))
        for context, endings in groups
        for ending in endings
    ]
    assert_same(shared(model, continuations, rows), plain(model, continuations))


def test_more_continuations_than_a_row_holds():
    model = make_tiny_model("qwen3")
    continuations = [Continuation((5, 6, 7), sequence(number, 9)) for number in range(40)]
    assert_same(shared(model, continuations, 2), plain(model, continuations))


def test_eager_attention_and_no_finite_logit():
    model = make_tiny_model("llama")
    model.set_attn_implementation("eager")
    continuations = [Continuation(sequence("p", 9), sequence("c", length)) for length in (1, 3)]
    with torch.inference_mode():
        assert obstacle_to_sharing(model, CPU) is None
    assert_same(shared(model, continuations), plain(model, continuations))
    model.lm_head.weight.data.fill_(float("nan"))
    assert [score.first_token_rank for score in shared(model, continuations)] == [None, None]


def test_each_context_is_prefilled_once_and_only_scored_positions_are_projected():
    model = make_tiny_model("llama")
    tokens, projected = [], []
    model.model.register_forward_pre_hook(lambda _, __, kwargs: tokens.append(kwargs["input_ids"].numel()), with_kwargs=True)
    model.lm_head.register_forward_pre_hook(lambda _, args: projected.append(args[0].shape[1]))
    shared(model, [Continuation(sequence("p", 50), ending) for ending in ((3,), (4,), (5, 6))])
    assert (tokens, projected) == ([49, 2], [2])


def test_choices_after_the_same_white_space_share_the_distribution_at_the_end_of_the_prompt():
    model = make_tiny_model("llama")
    chosen = [Continuation(sequence("p", 9), ending, 1, 1) for ending in ((9, 5), (9, 6), (9, 7, 8), (4, 7))]
    scores = shared(model, chosen)
    assert scores[0].top_tokens is scores[1].top_tokens is scores[2].top_tokens
    assert scores[3].top_tokens != scores[0].top_tokens
    assert_same(scores, plain(model, chosen))


def test_continuations_that_can_and_cannot_share():
    assert can_share(Continuation((1, 2), (3,)), 2)
    assert not can_share(Continuation((1, 2), (3, 4)), 2)  # longer than the window
    assert not can_share(Continuation((), (3,)), 9)
    assert not can_share(Continuation((1,), (3, 4)), 9)  # as in loglikelihood_rolling


def requests():
    prompts = ["", "x", "Question: which country?\nAnswer:", "why? " * 60, "why? " * 60 + "So"]
    # "o" merges with the character before it; " " and "x" are one token each.
    choices = [" France", "o", " ", "x", " Germany, of all countries"]
    return [Instance("loglikelihood", {}, (prompt, choice), 0) for prompt in prompts for choice in choices]


@pytest.mark.parametrize("max_length", [24, 1024])
def test_edge_cases_through_lm_eval(tmp_path, max_length):
    folder = str(save_tiny("mistral", tmp_path))
    hf_arguments = {"device": "cpu", "batch_size": 3, "max_length": max_length}
    arguments = {**hf_arguments, "pruner": "none"}
    fast, off = PrunedHFLM(folder, **arguments), PrunedHFLM(folder, fast="off", **arguments)
    all_requests = requests()
    assert (fast.max_shared_length, off.max_shared_length) == (max_length, 0)
    scores = fast.loglikelihood(all_requests, disable_tqdm=True)
    assert_same(scores, off.loglikelihood(all_requests, disable_tqdm=True))
    # HFLM scores an empty continuation where "o" merges into the context.
    unmerged = [number for number, request in enumerate(all_requests) if request.args[1] != "o"]
    stock = HFLM(folder, **hf_arguments).loglikelihood([all_requests[number] for number in unmerged], disable_tqdm=True)
    assert [scores[number][0] for number in unmerged] == pytest.approx([score for score, _ in stock], abs=1e-4)


def make_bloom():
    from transformers import BloomConfig, BloomForCausalLM

    torch.manual_seed(0)
    # Its position bias uses distances between cache slots, which differ from token distances in a tree.
    config = BloomConfig(vocab_size=340, hidden_size=HIDDEN, n_layer=2, n_head=4, initializer_range=0.2)
    return BloomForCausalLM(config).eval()


def make_mamba():
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    return MambaForCausalLM(MambaConfig(vocab_size=340, hidden_size=32, num_hidden_layers=2, state_size=4)).eval()


def test_models_that_can_and_cannot_share():
    for arch in ARCHITECTURES:
        model = make_tiny_model(arch)
        assert max_unchanged_length(model, 1024) == 1024
        with torch.inference_mode():
            assert obstacle_to_sharing(model, CPU) is None
    for model in (make_bloom(), make_mamba()):
        with torch.inference_mode():
            assert max_unchanged_length(model, 1024) == 0 or obstacle_to_sharing(model, CPU)


def test_the_obstacle_names_the_error_or_the_difference(monkeypatch):
    model = make_tiny_model("llama")
    forward = model.forward
    with torch.inference_mode():
        monkeypatch.setattr(model, "forward", lambda *ids, **kwargs: forward(*ids, **{**kwargs, "position_ids": None}))
        assert "apart in a trial" in obstacle_to_sharing(model, CPU)
        monkeypatch.setattr(model, "forward", lambda *_, **__: int("a mask\nof four"))
        assert obstacle_to_sharing(model, CPU).startswith("ValueError: invalid literal for int() with base 10: 'a mask")


def test_windows_and_growing_ropes_limit_the_shared_length():
    model = make_tiny_model("llama")
    model.config.sliding_window = 100
    assert max_unchanged_length(model, 1024) == 100
    model.config.sliding_window = None
    model.config.rope_parameters = {"rope_type": "longrope", "rope_theta": 10000.0}
    model.config.original_max_position_embeddings = 64
    assert max_unchanged_length(model, 1024) == 64
    model.config._attn_implementation = "flash_attention_2"
    assert max_unchanged_length(model, 1024) == 0


def test_a_model_that_cannot_share_warns_once_and_gives_the_same_scores(tmp_path, caplog):
    from tests.tiny_models import make_tiny_tokenizer

    make_bloom().save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    arguments = {"pruner": "none", "device": "cpu", "batch_size": 3, "max_length": 512}
    fast, off = (PrunedHFLM(str(tmp_path), fast=value, **arguments) for value in ("auto", "off"))
    scores = [fast.loglikelihood(requests(), disable_tqdm=True) for _ in range(2)]
    assert scores == [off.loglikelihood(requests(), disable_tqdm=True)] * 2
    assert [record.message for record in caplog.records if "share" in record.message] == [
        f"BloomForCausalLM is not known to share prompts ({UNSUPPORTED}): each request prefills its own, as with fast=off"
    ]


def test_fast_is_auto_or_off(tmp_path):
    with pytest.raises(UserError, match="fast 'on' is neither auto nor off"):
        PrunedHFLM(str(tmp_path), fast="on")
