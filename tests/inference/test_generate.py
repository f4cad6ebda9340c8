"""PrefixTree of one reading against transformers' `generate`, one prompt at a time, and against the plain way."""

from __future__ import annotations

import random
from functools import lru_cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.api.instance import Instance

from lm_eval_illusion.inference.generate import DecodeRequest, can_branch, decode_shared
from lm_eval_illusion.inference.hf_generate import StopStringsCriteria, decode_batch, read_decoding
from lm_eval_illusion.inference.prefix_cache import PrefixCache
from lm_eval_illusion.inference.stopping import StopStrings
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.reasoning import BEGIN, ReasoningSpec
from tests.inference.test_prefix_scoring import limits, make_bloom, sequence
from tests.tiny_models import ARCHITECTURES, make_tiny_model, make_tiny_tokenizer, save_tiny

pytestmark = pytest.mark.usefixtures("small_pieces")
CPU = torch.device("cpu")
# Random models say "e" and "a" now and then, and <s>, </s> and token 7 must end an answer here: rows end at different steps.
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


def asked(prompts, *settings):
    return [
        DecodeRequest(ids, str(ids), read_decoding(given, 5 if "num_beams" in given else 10 if given["do_sample"] else 1, 24))
        for ids in prompts
        for given in settings
    ]


def decoded(model, wanted, rows=3):
    with torch.inference_mode():
        return decode_shared(wanted, model, tokenizer(), limits=limits(rows), memory=PrefixCache(99), device=CPU)


def by_transformers(model, one):
    """The same by `generate`, for one prompt; without the padding behind an answer."""
    decoding = one.decoding
    ids = torch.tensor([one.ids])
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        num_beams=decoding.num_beams,
        num_return_sequences=decoding.branches,
        max_new_tokens=decoding.max_new_tokens,
        stop_strings=list(decoding.stops) or None,
        tokenizer=tokenizer(),
        pad_token_id=2,
        **decoding.others,
    )
    return [without_padding(row[len(one.ids) :].tolist()) for row in out]


def without_padding(row):
    while row and row[-1] == 2:
        row = row[:-1]
    return row


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_greedy_and_beams_are_those_of_transformers_item_by_item(arch):
    wanted = asked([sequence("p", length) for length in LENGTHS], GREEDY, BEAM)
    expected = [by_transformers(tiny(arch), one) for one in wanted]
    for rows in (1, 3, 8):
        assert [[without_padding(row) for row in rows] for rows in decoded(tiny(arch), wanted, rows)] == expected


@pytest.mark.parametrize("penalty", [-1.0, 0.0, 0.6, 2.0])
@pytest.mark.parametrize("beams", [2, 4])
# Of letters as common as these, a step's best candidates may end all at once.
@pytest.mark.parametrize("stops", [STOPS, [*"einorst "], []])
def test_beams_of_any_number_length_penalty_and_end(penalty, beams, stops):
    settings = {**BEAM, "num_beams": beams, "length_penalty": penalty, "until": stops}
    wanted = [DecodeRequest(sequence(n, 5), str(n), read_decoding(settings, beams, 24)) for n in range(12)]
    model = make_tiny_model("qwen3")
    # Where nothing but these tokens ends, many of them.
    model.generation_config.eos_token_id = ENDS if stops else list(range(0, 340, 4))
    expected = [by_transformers(model, one) for one in wanted]
    assert [[without_padding(row) for row in rows] for rows in decoded(model, wanted)] == expected


def test_what_ends_early_is_among_what_was_tested():
    greedy, beams = decoded(tiny("llama"), asked([sequence("p", 9)], GREEDY, BEAM))
    lengths = {
        len(row) for rows in decoded(tiny("llama"), asked([sequence(n, 9) for n in range(9)], GREEDY, BEAM)) for row in rows
    }
    assert (len(greedy), len(beams)) == (1, 5)
    assert 24 in lengths
    assert len(lengths) > 5


def test_neither_order_nor_batch_nor_company_changes_an_answer():
    prompts = [sequence("p", length) for length in LENGTHS]
    wanted = asked(prompts, GREEDY, BEAM, SAMPLE, {**SAMPLE, "temperature": 1.3, "top_k": 9, "top_p": 0.8})
    expected = [decoded(tiny("llama"), [one])[0] for one in wanted]
    shuffled = random.Random(0).sample(range(len(wanted)), len(wanted))
    for rows in (1, 3, 8):
        answers = decoded(tiny("llama"), [wanted[place] for place in shuffled], rows)
        assert answers == [expected[place] for place in shuffled]


def test_each_prompt_is_read_once_and_what_several_branches_say_goes_through_the_model_once():
    model = make_tiny_model("llama")
    read = []
    model.model.register_forward_pre_hook(lambda _, __, given: read.append(tuple(given["input_ids"].shape)), with_kwargs=True)
    model.generation_config.eos_token_id = None
    no_end = {"until": [], "max_gen_toks": 20}
    # At this temperature many samples begin alike.
    ways = [{**GREEDY, **no_end}, {**SAMPLE, **no_end, "temperature": 0.4}]
    outputs = decoded(model, asked([sequence("p", 50), sequence("q", 49)], *ways))
    said = [outputs[0] + outputs[1], outputs[2] + outputs[3]]
    widths = [max(len({tuple(row[:length]) for row in rows}) for rows in said) for length in range(1, 20)]
    assert read == [(2, 49), (2, 1), *[(2, width) for width in widths]]
    assert 1 < min(widths) < max(widths) <= 11
    read.clear()
    decoded(model, asked([sequence("p", 50), sequence("q", 49)], *ways, {**BEAM, **no_end}))
    assert read[:2] == [(2, 49), (2, 1)]
    assert all(width <= 16 for _, width in read[2:])


def test_very_many_samples():
    wanted = DecodeRequest(sequence("p", 9), "p", read_decoding({**SAMPLE, "max_gen_toks": 3, "until": []}, 150, 24))
    (many,) = decoded(tiny("llama"), [wanted])
    (few,) = decoded(
        tiny("llama"), [wanted._replace(decoding=read_decoding({**SAMPLE, "max_gen_toks": 3, "until": []}, 10, 24))]
    )
    assert len(many) == 150
    assert many[:10] == few


# Token 7 ends a thought, or the text of a token that a random model says now and then.
@pytest.mark.parametrize("end", [7, "e"])
@pytest.mark.parametrize("opened", [True, False])
def test_chat_answers_are_those_of_the_plain_way(end, opened):
    model = make_tiny_model("qwen3")
    model.generation_config.eos_token_id = [0, 1]
    thoughts = ReasoningSpec(end, 12)
    prompts = [(sequence(n, length), f"{n} {BEGIN if opened else ''}") for n in range(4) for length in (3, 40)]
    ways = [(GREEDY, 1), (BEAM, 5), ({**SAMPLE, "temperature": 1.0}, 12)]
    wanted = [
        DecodeRequest(ids, prompt, read_decoding({**way, "until": ["a"], "max_gen_toks": 9}, branches, 24, thoughts))
        for ids, prompt in prompts
        for way, branches in ways
    ]
    expected = []
    for one in wanted:
        ids = torch.tensor([one.ids])
        with torch.inference_mode():
            rows = decode_batch(model, tokenizer(), ids, torch.ones_like(ids), [one.prompt], one.decoding).tolist()
        expected.append([without_padding(row) for row in rows])
    assert [[without_padding(row) for row in rows] for rows in decoded(model, wanted)] == expected
    assert len({len(row) for rows in expected for row in rows}) > 1


def test_what_is_not_branched():
    for settings in (GREEDY, BEAM, SAMPLE, {"until": ["\n"]}):
        assert can_branch(read_decoding(settings, 1, 24))
    for others in ({"repetition_penalty": 1.2}, {"early_stopping": True}, {"no_repeat_ngram_size": 2}, {"length_penalty": "x"}):
        assert not can_branch(read_decoding({**GREEDY, **others}, 1, 24))
    assert not can_branch(read_decoding({**SAMPLE, "num_beams": 2}, 1, 24))


@given(st.lists(st.integers(0, 339), min_size=1, max_size=12), st.sampled_from(["\n", "e", "ra", "国家", " ", "? ", "ой"]))
def test_an_ending_is_that_of_stop_strings(tokens, stop):
    rule, ending = StopStringsCriteria(tokenizer(), [stop], start=0), StopStrings(tokenizer(), [stop], [], 99)
    told = [bool(rule(torch.tensor([tokens[:length]]), None)[0]) for length in range(1, len(tokens) + 1)]
    ours = [ending.should_stop(tokens[:length]) for length in range(1, len(tokens) + 1)]
    # Up to the first end: nothing is asked after it.
    assert ours.index(True) == told.index(True) if any(told) else not any(ours)


def test_an_ending_by_bytes_number_and_token():
    text = tokenizer().encode("ab国家", add_special_tokens=False)
    ending = StopStrings(tokenizer(), ["国"], [5], 20)
    reached = [ending.should_stop(text[:length]) for length in range(1, len(text) + 1)]
    assert tokenizer().decode(text[: reached.index(True) + 1]).startswith("ab国")
    assert ending.should_stop([4, 5])
    assert ending.should_stop([4] * 20)
    assert not ending.should_stop([5, 4])


PROMPTS = ["x", "Question: In which country is the city of Paris?\nAnswer:", "why? " * 50, "why? " * 8]


def requests(settings=(GREEDY, BEAM, SAMPLE), prompts=PROMPTS):
    repeats = {"num_beams": 5, "top_k": 10}
    made = []
    for way in settings:
        clones = next((count for name, count in repeats.items() if name in way), 1)
        for prompt in prompts:
            made += [Instance("generate_until", {}, (prompt, way), 0)] * clones
    return made


@pytest.mark.parametrize("sliding_window", [None, 60])
@pytest.mark.parametrize("max_length", [40, 1024])
def test_answers_are_those_of_the_plain_way(tmp_path, sliding_window, max_length):
    import json

    folder = save_tiny("mistral", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "sliding_window": sliding_window}))
    given = {"pruner": "none", "device": "cpu", "max_length": max_length}
    fast, off = PrunedHFLM(str(folder), batch_size=8, **given), PrunedHFLM(str(folder), batch_size=1, fast="off", **given)
    assert fast.longest_shared == min(max_length, sliding_window or max_length)
    asked_alike = requests((GREEDY, BEAM, SAMPLE, {**GREEDY, "repetition_penalty": 1.5}))
    assert fast.generate_until(asked_alike, disable_tqdm=True) == off.generate_until(asked_alike, disable_tqdm=True)


def test_an_unknown_model_answers_in_the_plain_way(tmp_path, caplog):
    make_bloom().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    given = {"pruner": "none", "device": "cpu", "batch_size": 3, "max_length": 512}
    fast, off = (PrunedHFLM(str(tmp_path), fast=way, **given) for way in ("auto", "off"))
    fast.loglikelihood([Instance("loglikelihood", {}, ("x", "y"), 0)], disable_tqdm=True)
    assert fast.generate_until(requests(), disable_tqdm=True) == off.generate_until(requests(), disable_tqdm=True)
    assert sum("share" in record.message for record in caplog.records) == 1


def test_half_precision_and_eager_attention():
    for arch in ("qwen3", "gpt2"):
        model = make_tiny_model(arch)
        model.set_attn_implementation("eager")
        wanted = asked([sequence("p", length) for length in (3, 40)], GREEDY, BEAM)
        assert decoded(model, wanted) == decoded(make_tiny_model(arch), wanted)
        model.to(torch.bfloat16)
        assert all(rows for rows in decoded(model, asked([sequence("p", 9)], GREEDY, BEAM, SAMPLE)))
