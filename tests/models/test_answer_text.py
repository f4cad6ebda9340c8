"""The text of an answer from its token ids."""

from __future__ import annotations

from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.models.answer_text import answer_text
from lm_eval_illusion.reasoning import ReasoningSpec

TEXTS = {1: "Paris", 2: "\n", 3: " Lyon", 4: "<think>", 5: "</think>", 9: "<end>"}


class Tokenizer:
    def decode(self, ids, skip_special_tokens=False):
        return "".join(TEXTS[token] for token in ids)


def text(ids, **settings):
    decoding = read_decoding({"until": settings.pop("until", [])}, 1, 8, **settings)
    return answer_text(ids, "x", decoding, [9], Tokenizer(), Tokenizer().decode)


def test_an_answer_ends_with_its_first_line_of_text():
    answer = text([2, 1, 2, 3], is_line=True)
    assert (answer, answer.reached_limit) == ("\nParis", False)


def test_the_end_token_is_no_text_and_ends_the_answer():
    answer = text([1, 3, 9], is_line=True)
    assert (answer, answer.reached_limit) == ("Paris Lyon", False)


def test_an_answer_without_an_end_was_cut_at_the_limit():
    answer = text([1, 3], is_line=True)
    assert (answer, answer.reached_limit) == ("Paris Lyon", True)


def test_a_stop_string_is_cut_off():
    answer = text([1, 3], until=[" Lyon"])
    assert (answer, answer.reached_limit) == ("Paris", False)


def test_a_thought_is_no_answer():
    answer = text([4, 3, 5, 1], is_line=True, reasoning=ReasoningSpec())
    assert answer == "Paris"
