"""Decoding settings of lm_eval's requests, and the grouping of repeats."""

from __future__ import annotations

from lm_eval.api.instance import Instance

from lm_eval_illusion.inference.generation_config import group_requests, read_decoding
from lm_eval_illusion.reasoning import ReasoningSpec
from lm_eval_illusion.views import TOP_K_OFF

GREEDY = {"until": ["\n"], "max_gen_toks": 8, "do_sample": False, "temperature": 0.0}
SAMPLE = {"until": ["\n"], "max_gen_toks": 8, "do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0}


def test_settings_are_read():
    greedy = read_decoding(GREEDY, 3, 32)
    assert (greedy.stop_strings, greedy.max_answer_tokens, greedy.do_sample, greedy.num_outputs) == (("\n",), 8, False, 1)
    beams = read_decoding({**GREEDY, "num_beams": 5, "length_penalty": 1.0}, 5, 32)
    assert (beams.num_beams, beams.num_outputs, beams.other_settings) == (5, 5, {"length_penalty": 1.0})
    assert read_decoding({**GREEDY, "num_beams": 5}, 1, 32).num_outputs == 1
    assert read_decoding(SAMPLE, 10, 32).num_outputs == 10
    assert read_decoding({"until": "x"}, 1, 32).max_answer_tokens == 32


def test_a_top_k_beyond_any_vocabulary_keeps_all_tokens_as_0_does():
    # Other engines need such a number; sampling without a cut has its own, faster path.
    assert read_decoding({**SAMPLE, "top_k": TOP_K_OFF}, 1, 32) == read_decoding(SAMPLE, 1, 32)
    assert read_decoding({**SAMPLE, "top_k": 50}, 1, 32).top_k == 50
    assert read_decoding({**SAMPLE, "top_k": None}, 1, 32).top_k == 0


def test_a_thought_has_a_separate_limit():
    assert read_decoding(GREEDY, 1, 32).max_new_tokens == 8
    assert read_decoding(GREEDY, 1, 32, ReasoningSpec(max_tokens=100)).max_new_tokens == 108


def request(prompt, settings, repeats=1):
    instance = Instance("generate_until", {}, (prompt, settings), 0)
    instance.repeats = repeats
    return instance


def test_repeats_are_one_group_and_equal_settings_are_neighbours():
    sampled, other_sampled = request("abc", SAMPLE, 2), request("abcd", SAMPLE, 2)
    # A second request with the same prompt and settings, of another task, has the same answer.
    requests = [sampled, sampled, request("a", GREEDY), other_sampled, other_sampled, request("a", GREEDY)]
    groups = group_requests(requests, ReasoningSpec(), set(), 32)
    assert [(group.prompt, group.decoding.num_outputs, group.indices) for group in groups] == [
        ("abcd", 2, ((3, 4),)),
        ("abc", 2, ((0, 1),)),
        ("a", 1, ((2,), (5,))),
    ]


def test_the_answer_to_a_view_is_a_line_and_has_the_settings_of_the_view():
    ours, others = request("a", GREEDY), request("a", {**GREEDY, "until": []})
    settings = {**GREEDY, "until": []}
    groups = group_requests([ours, others], ReasoningSpec(), set(), 32, None, lambda one: settings if one is ours else None)
    # The same settings, but another end: two groups.
    assert [(group.decoding.is_line, group.decoding.stop_strings, group.indices) for group in groups] == [
        (True, (), ((0,),)),
        (False, (), ((1,),)),
    ]


def test_repeats_that_pad_a_process_add_no_outputs():
    sampled = request("abc", SAMPLE, 2)
    (group,) = group_requests([sampled] * 6, ReasoningSpec(), set(), 32)
    assert (group.decoding.num_outputs, group.indices) == (2, ((0, 1, 2, 3, 4, 5),))


def test_chat_prompts_alone_have_reasoning():
    reasoning = ReasoningSpec(max_tokens=7)
    plain, chat = group_requests([request("a", GREEDY), request("b", GREEDY)], reasoning, {"b"}, 32)
    assert (plain.decoding.reasoning, chat.decoding.reasoning) == (None, reasoning)
