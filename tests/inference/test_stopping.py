"""Stop conditions against decoding the text after every token."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.hf_generate import StopCriteria
from lm_eval_illusion.inference.stopping import ChatStop, StopStrings, line_end, stop_conditions, visible_answer
from lm_eval_illusion.reasoning import BEGIN, END, ReasoningSpec
from lm_eval_illusion.views import first_lines
from tests.tiny_models import make_tiny_tokenizer


@lru_cache(maxsize=1)
def tokenizer():
    return make_tiny_tokenizer()


def encode(text):
    return tokenizer().encode(text, add_special_tokens=False)


def text_contains(tokens, stop):
    """Return whether the text of the last tokens, as many as a stop string may have, contains the stop string."""
    tail = tokens[-(len(stop.encode()) + 1) :]
    return stop in tokenizer().decode(tail, skip_special_tokens=True)


@given(st.lists(st.integers(0, 339), min_size=1, max_size=12), st.sampled_from(["\n", "e", "ra", "国家", " ", "? ", "ой"]))
def test_the_first_stop_is_where_the_text_contains_it(tokens, stop):
    condition = StopStrings(tokenizer(), [stop], [], 99)
    expected = [text_contains(tokens[:length], stop) for length in range(1, len(tokens) + 1)]
    stops = [condition.should_stop(tokens[:length]) for length in range(1, len(tokens) + 1)]
    # Only up to the first stop: after it the condition is not called again.
    assert stops.index(True) == expected.index(True) if any(expected) else not any(stops)


def test_a_stop_by_bytes_limit_and_token():
    ids = encode("ab国家")
    condition = StopStrings(tokenizer(), ["国"], [5], 20)
    stops = [condition.should_stop(ids[:length]) for length in range(1, len(ids) + 1)]
    assert tokenizer().decode(ids[: stops.index(True) + 1]).startswith("ab国")
    assert condition.should_stop([4, 5])
    assert condition.should_stop([4] * 20)
    assert not condition.should_stop([5, 4])


# Texts of a small alphabet, so that lines end often: letters, line ends of one and three bytes, invisible characters of three bytes.
LINES = st.lists(
    st.sampled_from(["a", "Paris", "国", " ", "\n", "\r", "\x85", "\u2028", "\u200b", "\ufeff"]), min_size=1, max_size=9
)


@given(LINES)
def test_a_line_stops_at_the_token_that_ends_it(parts):
    tokens = encode("".join(parts))
    condition = StopStrings(tokenizer(), ["</s>"], [], 99, is_line=True)
    stops = [condition.should_stop(tokens[:length]) for length in range(1, len(tokens) + 1)]
    # By the parts: the first line end after the first letter, where its last byte has come.
    first = next((number for number, part in enumerate(parts) if part[0].isalpha()), len(parts))
    end = next((number for number in range(first, len(parts)) if parts[number] in "\n\r\x85\u2028"), None)
    if end is None:
        assert not any(stops)
    else:
        needed = len("".join(parts[: end + 1]).encode())
        # A byte-level tokenizer writes each byte as one character.
        sizes = accumulate(len(token) for token in tokenizer().convert_ids_to_tokens(tokens))
        assert stops.index(True) == next(index for index, size in enumerate(sizes) if size >= needed)


@pytest.mark.parametrize(
    ("output", "end"),
    [
        ("Paris\nLyon", 5),
        ("\n\nParis", None),
        (f"{BEGIN}\nIt is\n", None),
        (f"{BEGIN}\nIt is\n{END}\n\n", None),
        (f"{BEGIN}\nIt is\n{END}\n\nParis\nLyon", len(f"{BEGIN}\nIt is\n{END}\n\nParis")),
    ],
)
def test_a_line_after_a_plain_prompt_ends_after_the_thought(output, end):
    # As the filter of the views reads it, so that a model that thinks unasked has the same answer on every backend.
    assert line_end(output) == end
    condition = StopStrings(tokenizer(), [], [], 99, is_line=True)
    tokens = encode(output)
    stops = [condition.should_stop(tokens[:length]) for length in range(1, len(tokens) + 1)]
    assert any(stops) == (end is not None)
    if end is not None:
        ((answer,),) = first_lines([[output[:end]]], [{}])
        assert [[answer]] == first_lines([[output]], [{}]) == [["Paris"]]


def test_blank_lines_before_a_line_count_for_the_limit():
    # As on other backends, which have no other limit than the number of tokens.
    condition = StopStrings(tokenizer(), [], [], 3, is_line=True)
    assert [condition.should_stop(encode("\n") * length) for length in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize("fast_end", ["\n", "\r", "\u2028"])
def test_a_chat_line_stops_after_its_thought(fast_end):
    decoding = read_decoding({"until": [], "max_gen_toks": 30}, 1, 30, ReasoningSpec(max_tokens=60), None, is_line=True)
    (condition,) = stop_conditions([("prompt", decoding)], tokenizer(), [])
    for text, stops in [
        (f"\ufeff{fast_end}\u200b", False),
        (f"\ufeff{fast_end}ab", False),
        (f"\ufeff{fast_end}ab{fast_end}", True),
        (f"{BEGIN}\nab{fast_end}", False),
        (f"{BEGIN}\nab\n{END}{fast_end}\u200bab", False),
        (f"{BEGIN}\nab\n{END}{fast_end}\u200bab{fast_end}", True),
    ]:
        assert condition.should_stop(encode(text)) == stops, text


@pytest.mark.parametrize("stop", ["\n", "Answer", "国家"])
def test_each_row_of_a_batch_stops_by_its_own_text(stop):
    prompt = encode(f"before {stop}")
    texts = [f"ab{stop}", f"a{stop}b", "abc", "ab" + stop[:-1] if len(stop) > 1 else "ab"]
    rows = [encode(text) for text in texts]
    longest = max(map(len, rows))
    criteria = StopCriteria([StopStrings(tokenizer(), [stop], [], 99)] * len(rows), start=len(prompt))
    # As in generation: transformers calls the criteria after every token, and a row that is done stays done.
    done = [False] * len(rows)
    for length in range(1, longest + 1):
        ids = torch.tensor([prompt + (row + [tokenizer().pad_token_id] * longest)[:length] for row in rows])
        done = [was or now for was, now in zip(done, criteria(ids, None).tolist(), strict=True)]
    assert done == [True, True, False, False]


def test_a_chat_answer_stops_after_its_thought():
    decoding = read_decoding({"until": ["\n"], "max_gen_toks": 4}, 1, 4, ReasoningSpec(max_tokens=40))
    (condition,) = stop_conditions([("prompt", decoding)], tokenizer(), [])
    assert isinstance(condition, ChatStop)
    for text, stops in [
        ("\n\nab", False),  # white space before the answer
        ("\n\nab\n", True),
        (f"{BEGIN}\nab\n", False),  # the thought goes on
        (f"{BEGIN}\nab\n{END}\n\nab", False),
        (f"{BEGIN}\nab\n{END}\n\nab\n", True),
        (f"{BEGIN}\nab\n{END}" + "xyxyxy", True),  # the limit of the answer
        (BEGIN + "xy" * 20, True),  # the limit of the thought
    ]:
        assert condition.should_stop(encode(text)) == stops, text


def test_plain_requests_with_equal_settings_share_a_condition():
    plain, longer = (read_decoding({"until": ["\n"], "max_gen_toks": limit}, 1, 4) for limit in (4, 5))
    first, second, third = stop_conditions([("a", plain), ("b", plain), ("a", longer)], tokenizer(), [1])
    assert first is second
    assert first is not third
    assert (first.max_tokens, third.max_tokens) == (4, 5)


def test_a_visible_answer_has_no_thought():
    reasoning = ReasoningSpec(max_tokens=9)
    assert visible_answer(tokenizer(), encode(" \nParis"), reasoning, is_open=False) == "Paris"
    assert visible_answer(tokenizer(), encode("Lyon?"), reasoning, is_open=True) is None
    assert visible_answer(tokenizer(), [7, 8, *encode("ab")], ReasoningSpec(8, 9), is_open=True) == "ab"
