"""Plain decoding: generation config, and seeded sampling against the softmax distribution."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chisquare
from transformers import GenerationConfig

from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.hf_generate import SeededSampling, decode_batch, token_ids_only
from tests.tiny_models import make_tiny_model, make_tiny_tokenizer

SAMPLE = {"until": ["\n"], "max_gen_toks": 8, "do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0}


def sampling(prompts, settings=SAMPLE, repeats=10):
    return SeededSampling(prompts, read_decoding(settings, repeats, 32), start=3)


def draw(processor, logits, step=0):
    rows = len(processor.seeds)
    ids = torch.zeros(rows, 3 + step, dtype=torch.long)
    processed = processor(ids, logits.expand(rows, -1))
    assert (torch.isfinite(processed).sum(dim=1) == 1).all()
    return processed.argmax(dim=1)


def test_only_token_ids_of_a_generation_config_are_kept():
    config = GenerationConfig(do_sample=True, top_p=0.8, repetition_penalty=1.3, eos_token_id=[1, 7], pad_token_id=2)
    reduced = token_ids_only(config)
    assert (reduced.eos_token_id, reduced.pad_token_id) == ([1, 7], 2)
    for ends, expected in (([1, 7], [1, 7, 9]), ([9, 1], [9, 1]), (1, [1, 9]), (None, [9])):
        assert token_ids_only(GenerationConfig(eos_token_id=ends), 9).eos_token_id == expected
    assert token_ids_only(GenerationConfig()).eos_token_id is None
    assert {**reduced.to_diff_dict(), "transformers_version": 0} == {
        **GenerationConfig(eos_token_id=[1, 7], pad_token_id=2).to_diff_dict(),
        "transformers_version": 0,
    }


@pytest.mark.parametrize("settings", [{"num_beams": 3}, {}])
def test_an_output_that_transformers_breaks_off_is_kept_as_it_is(settings):
    model = make_tiny_model("llama")
    model.generation_config = GenerationConfig()
    decoding = read_decoding({"until": [], "max_gen_toks": 8, "max_time": 1e-9, **settings}, 3, 32)
    ids = torch.tensor([[5, 6, 7], [5, 6, 8]])
    with torch.inference_mode():
        outputs = decode_batch(model, make_tiny_tokenizer(), ids, torch.ones_like(ids), ["a", "b"], decoding)
    assert len(outputs) == 2 * decoding.num_outputs
    assert all(0 < len(output) < 8 and min(output) >= 0 for output in outputs)


def test_samples_follow_the_softmax():
    # 4,000 draws of 6 tokens at temperature 0.7 against softmax(logits / 0.7), chi-square.
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0, 0.5, 1.5]])
    drawn = draw(sampling([f"prompt {n}" for n in range(400)]), logits)
    expected = torch.softmax(logits[0].double() / 0.7, dim=0) * len(drawn)
    counts = torch.bincount(drawn, minlength=6)
    assert chisquare(counts.numpy(), expected.numpy()).pvalue > 0.001


def test_samples_follow_the_softmax_over_chunks():
    # 1,300 tokens are two chunks of 512 and a part of one. Tokens at the ends of the chunks, and two groups of 300 tokens of low
    # probability: shares of softmax(logits / 0.7), counted over 4,000 draws.
    logits = torch.full((1, 1300), float("-inf"))
    ends = [0, 511, 512, 1023, 1024, 1299]
    logits[0, ends] = torch.tensor([0.0, 1.0, 2.0, -1.0, 0.5, 1.5])
    logits[0, 200:500] = logits[0, 600:900] = -4.0
    drawn = draw(sampling([f"prompt {n}" for n in range(400)]), logits)
    shares = torch.softmax(logits[0].double() / 0.7, dim=0)
    expected = [*shares[ends].tolist(), shares[200:500].sum().item(), shares[600:900].sum().item()]
    counts = [int((drawn == end).sum()) for end in ends]
    counts += [int(((drawn >= first) & (drawn < first + 300)).sum()) for first in (200, 600)]
    assert sum(counts) == len(drawn)
    assert chisquare(counts, [share * len(drawn) for share in expected]).pvalue > 0.001


def test_the_chunk_and_the_token_in_it_are_independent():
    # 2 x 512 tokens of equal probability: a correlation would fill two of the four quarters more than the others.
    drawn = draw(sampling([f"prompt {n}" for n in range(400)]), torch.zeros(1, 1024))
    assert chisquare(torch.bincount(drawn // 256, minlength=4).numpy()).pvalue > 0.001
    assert len(drawn.unique()) > 900  # of 1,024 tokens 4,000 draws leave out 1,024 x (1 - 1/1,024)^4,000 = 21


def test_each_step_has_other_draws():
    logits = torch.zeros(1, 300)
    processor = sampling(["prompt"])
    assert not torch.equal(draw(processor, logits, step=0), draw(processor, logits, step=1))


def test_top_k_and_top_p_restrict_the_samples():
    logits = torch.tensor([[0.0, 3.0, 2.0, 1.0]])
    assert set(draw(sampling(["p"] * 50, {**SAMPLE, "top_k": 2}), logits).tolist()) == {1, 2}
    # softmax of logits / 0.7: token 1 alone has 0.76
    assert set(draw(sampling(["p"] * 50, {**SAMPLE, "top_p": 0.7}), logits).tolist()) == {1}


def test_a_sample_depends_only_on_prompt_and_sample_number():
    logits = torch.zeros(1, 300)
    alone = draw(sampling(["b"]), logits)
    among = draw(sampling(["a", "b", "c"]), logits)
    assert torch.equal(alone, among[10:20])
    assert len(set(alone.tolist())) > 5


def test_tokens_without_probability_are_never_drawn():
    logits = torch.full((1, 5), float("-inf"))
    logits[0, 2] = 0.0
    assert set(draw(sampling(["x", "y"]), logits).tolist()) == {2}
