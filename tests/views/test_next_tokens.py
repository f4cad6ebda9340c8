"""The text of the likeliest next tokens."""

from __future__ import annotations

import json
import math

import pytest

from lm_eval_illusion.inference.scoring import TOP
from lm_eval_illusion.views.next_tokens import MOST_TOKENS, mean_top_probability, next_tokens_text


def test_the_text_has_seven_digits_and_no_log_probability_above_0():
    assert next_tokens_text([12, 7], [-0.12345678, -103.456789]) == "[[12,7],[-0.1234568,-103.4568]]"
    assert json.loads(next_tokens_text([3], [1e-7])) == [[3], [0.0]]


def test_the_text_of_the_largest_tokens_is_below_1_2_kilobytes():
    assert MOST_TOKENS == TOP
    text = next_tokens_text([262_143 - n for n in range(TOP)], [-100.1234567 - n for n in range(TOP)])
    assert len(text) < 1200


def test_the_number_in_lm_evals_table_is_the_mean_probability_of_the_likeliest_token():
    texts = [next_tokens_text([1, 2], [math.log(0.5), math.log(0.25)]), next_tokens_text([9], [math.log(0.3)])]
    assert mean_top_probability(texts) == pytest.approx(0.4, rel=1e-5)
