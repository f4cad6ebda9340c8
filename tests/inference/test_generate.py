"""Shared-prefix decoding against transformers' `generate`, one prompt at a time, and against plain decoding."""

from __future__ import annotations

import random
from functools import lru_cache

import pytest
import torch
from lm_eval.api.instance import Instance

from lm_eval_illusion.inference.generate import DecodeRequest, can_branch, decode_shared
from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.hf_generate import decode_batch
from lm_eval_illusion.inference.prefix_cache import PrefixCache
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.reasoning import BEGIN, ReasoningSpec
from tests.inference.test_prefix_scoring import limits, make_bloom, sequence
from tests.tiny_models import ARCHITECTURES, make_tiny_model, make_tiny_tokenizer, save_tiny

pytestmark = pytest.mark.usefixtures("small_chunks")
CPU = torch.device("cpu")
# Random models generate "e" and "a" now and then, and <s>, </s> and token 7 end an answer here: sequences end at different steps.
STOPS, ENDS = ["e", "ba", "\n"], [1, 0, 7]
GREEDY = {"until": STOPS, "max_gen_toks": 24, "do_sample": False, "temperature": 0.0, "repetition_penalty": 1.0}
BEAM = {**GREEDY, "num_beams": 5, "length_penalty": 1.0, "early_stopping": False}
SAMPLE = {**GREEDY, "do_sample": True, "temperature": 0.7, "top_p": 1.0, "top_k": 0}
LENGTHS = (1, 2, 9, 33, 34, 150, 600)


@lru_cache(maxsize=1)
def tokenizer():
    return make_tiny_tokenizer()


@lru_cache(maxsize=len(ARCHITECTURES))
def tiny(arch):
    model = make_tiny_model(arch)
    model.generation_config.eos_token_id = ENDS
    return model


def requests_for(prompts, *settings):
    return [
        DecodeRequest(
            ids, str(ids), read_decoding(kwargs, 5 if "num_beams" in kwargs else 10 if kwargs["do_sample"] else 1, 24)
        )
        for ids in prompts
        for kwargs in settings
    ]


def decode(model, requests, rows=3):
    with torch.inference_mode():
        return decode_shared(requests, model, tokenizer(), limits=limits(rows), prefix_cache=PrefixCache(99), device=CPU)


def decode_by_transformers(model, request):
    """Return the outputs of one request by `generate`, without the padding after an output."""
    decoding = request.decoding
    ids = torch.tensor([request.ids])
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        num_beams=decoding.num_beams,
        num_return_sequences=decoding.num_outputs,
        max_new_tokens=decoding.max_new_tokens,
        stop_strings=list(decoding.stop_strings) or None,
        tokenizer=tokenizer(),
        pad_token_id=2,
        **decoding.other_settings,
    )
    return [without_padding(row[len(request.ids) :].tolist()) for row in out]


def without_padding(row):
    while row and row[-1] == 2:
        row = row[:-1]
    return row


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_greedy_answers_and_beams_are_those_of_transformers(arch):
    requests = requests_for([sequence("p", length) for length in LENGTHS], GREEDY, BEAM)
    expected = [decode_by_transformers(tiny(arch), request) for request in requests]
    for rows in (1, 3, 8):
        outputs = decode(tiny(arch), requests, rows)
        assert [[without_padding(ids) for ids in request_outputs] for request_outputs in outputs] == expected


@pytest.mark.parametrize("penalty", [-1.0, 0.0, 0.6, 2.0])
@pytest.mark.parametrize("beams", [2, 4])
# With such common letters all of a step's best candidates may end at once.
@pytest.mark.parametrize("stops", [STOPS, [*"einorst "], []])
def test_beams_with_any_number_length_penalty_and_stop(penalty, beams, stops):
    settings = {**BEAM, "num_beams": beams, "length_penalty": penalty, "until": stops}
    requests = [DecodeRequest(sequence(n, 5), str(n), read_decoding(settings, beams, 24)) for n in range(12)]
    model = make_tiny_model("qwen3")
    # Without stop strings, many end tokens.
    model.generation_config.eos_token_id = ENDS if stops else list(range(0, 340, 4))
    expected = [decode_by_transformers(model, request) for request in requests]
    assert [[without_padding(ids) for ids in request_outputs] for request_outputs in decode(model, requests)] == expected


def test_the_tested_outputs_end_at_many_lengths():
    greedy, beams = decode(tiny("llama"), requests_for([sequence("p", 9)], GREEDY, BEAM))
    outputs = decode(tiny("llama"), requests_for([sequence(n, 9) for n in range(9)], GREEDY, BEAM))
    lengths = {len(ids) for request_outputs in outputs for ids in request_outputs}
    assert (len(greedy), len(beams)) == (1, 5)
    assert 24 in lengths
    assert len(lengths) > 5


def test_neither_order_nor_batch_changes_an_output():
    prompts = [sequence("p", length) for length in LENGTHS]
    requests = requests_for(prompts, GREEDY, BEAM, SAMPLE, {**SAMPLE, "temperature": 1.3, "top_k": 9, "top_p": 0.8})
    expected = [decode(tiny("llama"), [request])[0] for request in requests]
    shuffled = random.Random(0).sample(range(len(requests)), len(requests))
    for rows in (1, 3, 8):
        outputs = decode(tiny("llama"), [requests[index] for index in shuffled], rows)
        assert outputs == [expected[index] for index in shuffled]


def test_each_prompt_is_prefilled_once_and_sequences_that_agree_share_a_branch():
    model = make_tiny_model("llama")
    shapes = []
    model.model.register_forward_pre_hook(
        lambda _, __, kwargs: shapes.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    model.generation_config.eos_token_id = None
    no_stop = {"until": [], "max_gen_toks": 20}
    # At this temperature many samples begin alike.
    settings = [{**GREEDY, **no_stop}, {**SAMPLE, **no_stop, "temperature": 0.4}]
    outputs = decode(model, requests_for([sequence("p", 50), sequence("q", 49)], *settings))
    outputs_by_prompt = [outputs[0] + outputs[1], outputs[2] + outputs[3]]
    widths = [
        max(len({tuple(ids[:length]) for ids in prompt_outputs}) for prompt_outputs in outputs_by_prompt)
        for length in range(1, 20)
    ]
    assert shapes == [(2, 49), (2, 1), *[(2, width) for width in widths]]
    assert 1 < min(widths) < max(widths) <= 11
    shapes.clear()
    decode(model, requests_for([sequence("p", 50), sequence("q", 49)], *settings, {**BEAM, **no_stop}))
    assert shapes[:2] == [(2, 49), (2, 1)]
    assert all(width <= 16 for _, width in shapes[2:])


def test_more_samples_than_a_prefill_may_have():
    settings = {**SAMPLE, "max_gen_toks": 3, "until": []}
    many, few = (
        decode(tiny("llama"), [DecodeRequest(sequence("p", 9), "p", read_decoding(settings, count, 24))])[0]
        for count in (150, 10)
    )
    assert len(many) == 150
    assert many[:10] == few


# A thought ends at token 7, or at the text of a token that a random model generates now and then.
@pytest.mark.parametrize("end", [7, "e"])
@pytest.mark.parametrize("opened", [True, False])
def test_chat_answers_are_those_of_plain_decoding(end, opened):
    model = make_tiny_model("qwen3")
    model.generation_config.eos_token_id = [0, 1]
    reasoning = ReasoningSpec(end, 12)
    prompts = [(sequence(n, length), f"{n} {BEGIN if opened else ''}") for n in range(4) for length in (3, 40)]
    settings = [(GREEDY, 1), (BEAM, 5), ({**SAMPLE, "temperature": 1.0}, 12)]
    requests = [
        DecodeRequest(ids, prompt, read_decoding({**kwargs, "until": ["a"], "max_gen_toks": 9}, repeats, 24, reasoning))
        for ids, prompt in prompts
        for kwargs, repeats in settings
    ]
    expected = []
    for request in requests:
        ids = torch.tensor([request.ids])
        with torch.inference_mode():
            rows = decode_batch(model, tokenizer(), ids, torch.ones_like(ids), [request.prompt], request.decoding)
        expected.append([without_padding(row) for row in rows])
    assert [[without_padding(ids) for ids in request_outputs] for request_outputs in decode(model, requests)] == expected
    assert len({len(row) for rows in expected for row in rows}) > 1


def test_settings_that_can_and_cannot_branch():
    for settings in (GREEDY, BEAM, SAMPLE, {"until": ["\n"]}):
        assert can_branch(read_decoding(settings, 1, 24))
    for others in ({"repetition_penalty": 1.2}, {"early_stopping": True}, {"no_repeat_ngram_size": 2}, {"length_penalty": "x"}):
        assert not can_branch(read_decoding({**GREEDY, **others}, 1, 24))
    assert not can_branch(read_decoding({**SAMPLE, "num_beams": 2}, 1, 24))


PROMPTS = ["x", "Question: In which country is the city of Paris?\nAnswer:", "why? " * 50, "why? " * 8]


def instances(settings=(GREEDY, BEAM, SAMPLE), prompts=PROMPTS):
    """Return requests as lm_eval repeats them: five times for beams, ten times for samples."""
    repeats_by_setting = {"num_beams": 5, "top_k": 10}
    repeated = []
    for kwargs in settings:
        repeats = next((count for name, count in repeats_by_setting.items() if name in kwargs), 1)
        for prompt in prompts:
            repeated += [Instance("generate_until", {}, (prompt, kwargs), 0)] * repeats
    return repeated


@pytest.mark.parametrize("sliding_window", [None, 60])
@pytest.mark.parametrize("max_length", [40, 1024])
def test_answers_are_those_of_plain_decoding(tmp_path, sliding_window, max_length):
    import json

    folder = save_tiny("mistral", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "sliding_window": sliding_window}))
    arguments = {"pruner": "none", "device": "cpu", "max_length": max_length}
    fast = PrunedHFLM(str(folder), batch_size=8, **arguments)
    off = PrunedHFLM(str(folder), batch_size=1, fast="off", **arguments)
    assert fast.max_shared_length == min(max_length, sliding_window or max_length)
    requests = instances((GREEDY, BEAM, SAMPLE, {**GREEDY, "repetition_penalty": 1.5}))
    assert fast.generate_until(requests, disable_tqdm=True) == off.generate_until(requests, disable_tqdm=True)


def test_a_model_that_cannot_share_is_decoded_plainly(tmp_path, caplog):
    make_bloom().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    arguments = {"pruner": "none", "device": "cpu", "batch_size": 3, "max_length": 512}
    fast, off = (PrunedHFLM(str(tmp_path), fast=value, **arguments) for value in ("auto", "off"))
    fast.loglikelihood([Instance("loglikelihood", {}, ("x", "y"), 0)], disable_tqdm=True)
    assert fast.generate_until(instances(), disable_tqdm=True) == off.generate_until(instances(), disable_tqdm=True)
    assert sum("share" in record.message for record in caplog.records) == 1


def test_half_precision_and_eager_attention():
    for arch in ("qwen3", "gpt2"):
        model = make_tiny_model(arch)
        model.set_attn_implementation("eager")
        requests = requests_for([sequence("p", length) for length in (3, 40)], GREEDY, BEAM)
        assert decode(model, requests) == decode(make_tiny_model(arch), requests)
        model.to(torch.bfloat16)
        assert all(decode(model, requests_for([sequence("p", 9)], GREEDY, BEAM, SAMPLE)))
