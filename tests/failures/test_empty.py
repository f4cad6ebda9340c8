"""Lines that say nothing: without letters and digits, or of special tokens only."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.empty import is_empty


@pytest.mark.parametrize(
    "line",
    [
        "",
        " \u200b",
        "?!",
        # The loop of a model that says nothing is no answer, however long.
        "!" * 64,
        "。。。。。。",
        # Special tokens that were decoded as text: of GPT-2, ChatML, Llama 2, Gemma, BERT, DeepSeek.
        "<|endoftext|>",
        "<|endoftext|>" * 20,
        "<|im_start|>assistant",
        "<|im_end|> <|im_start|>user",
        "<|start_header_id|>assistant<|end_header_id|>",
        "</s>",
        "<s>",
        "[/INST]",
        "[INST] <<SYS>>",
        "<end_of_turn><start_of_turn>model",
        "<eos>",
        "[PAD] [PAD]",
        "<｜end▁of▁sentence｜>",
    ],
)
def test_nothing_that_could_be_an_answer(line):
    assert is_empty(line)


@pytest.mark.parametrize(
    "line",
    [
        "7",
        "巴",
        "é",
        "½",
        "Lima</s>",
        "<s>Lima",
        "[/INST] Lima",
        "<|im_start|>assistant Lima",
        "<|im_start|>assistants",
        # Tags and words that are no special tokens.
        "assistant",
        "<p>",
        "<|a b|>",
        "[source]",
        "s",
    ],
)
def test_a_letter_or_a_digit_is_something(line):
    assert not is_empty(line)
