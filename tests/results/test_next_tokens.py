"""The likeliest next tokens through the files: what is written is read, and anything else is an error with file and line."""

from __future__ import annotations

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.next_tokens import read_next_tokens
from lm_eval_illusion.results.sample_lines import RowError
from lm_eval_illusion.views.next_tokens import MOST_TOKENS, next_tokens_text
from tests.lm_eval_files import hits, write_run

TEXT = "[[5,900000],[-0.25,-3.5]]"
LONG = [-5.0 - 0.1 * n for n in range(MOST_TOKENS)]


def run(folder, text, **more):
    rows = [{"id": item, "acc": 1.0, "gold_rank": 1} for item in "ab"]
    rows[1] |= {"top_logprobs": text, **more}
    write_run(folder, {"mc": rows, "gen": hits("match", a=1, b=0)})
    return load_outcomes([folder])


def test_tokens_of_an_outcome(tmp_path):
    first, second = run(tmp_path, TEXT)
    assert first.next_tokens is None
    assert (list(second.next_tokens.ids), list(second.next_tokens.logprobs)) == ([5, 900_000], [-0.25, -3.5])


def test_as_many_tokens_as_are_written_are_read():
    read = read_next_tokens("top_logprobs", next_tokens_text(range(MOST_TOKENS), LONG))
    assert list(read.ids) == list(range(MOST_TOKENS))
    assert list(read.logprobs) == pytest.approx(LONG, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no list of tokens"),
        ("[[1],[-1]", "is no list of tokens"),
        ("[[1.5],[-1]]", "is no list of tokens"),
        ('[["1"],[-1]]', "is no list of tokens"),
        ("[[true],[-1]]", "is no list of tokens"),
        ("[[-1],[-1]]", "is no list of tokens"),
        ("[[100000001],[-1]]", "is no list of tokens"),
        ("[[1],[NaN]]", "is no list of tokens"),
        ("[[1],[-Infinity]]", "is no list of tokens"),
        ("[[1],[0.5]]", "is no list of tokens"),
        ("[[],[]]", "is no list of tokens"),
        ("[[1],[-1],[2]]", "is no list of tokens"),
        ("[" * 2000, "is no list of tokens"),
        ("\ud800", "is no list of tokens"),
        ("[[1],[-1]]" + " " * 5000, "has 5,010 characters"),
        ("[[1,2],[-1]]", "has 2 tokens, but 1 log-probabilities"),
        ("[[7,7],[-1,-2]]", "has a token twice"),
        ("[[1,2],[-2,-1]]", "are not in falling order"),
        ("[[1,2],[-0.1,-0.2]]", "have a sum of 1.72"),
        (next_tokens_text(range(MOST_TOKENS + 1), [*LONG, -99.0]), "is no list of tokens"),
        ("[[1],[-1e308]]", None),
        ("[[1,2],[0,-99]]", None),
    ],
)
def test_texts_that_can_be_and_that_cannot(text, problem):
    if problem is None:
        assert read_next_tokens("top_logprobs", text).ids[0] == 1
        return
    with pytest.raises(RowError, match=problem):
        read_next_tokens("top_logprobs", text)


@pytest.mark.parametrize("value", [3, [[1], [-1]], "[[7,7],[-1,-2]]", "[[1],[NaN]]"])
def test_a_wrong_value_is_an_error_with_file_and_line(tmp_path, value):
    with pytest.raises(UserError, match=r"samples_mqa_illusion_en_mc_.*jsonl:2 ") as error:
        run(tmp_path, value)
    assert "\n" not in str(error.value)


def test_a_missing_text_is_none(tmp_path):
    assert run(tmp_path, None)[1].next_tokens is None


def test_the_gold_answers_own_log_likelihood_counts(tmp_path):
    # The scores of the hand-made rows: the gold choice has -1.5, of which -1 is white space.
    first, second = run(tmp_path, TEXT, gold_logprob=-0.5)
    assert (first.gold_logprob, second.gold_logprob) == (-1.5, -0.5)


@pytest.mark.parametrize(("value", "logprob"), [(float("nan"), None), (float("-inf"), None), (0.0, 0.0), (None, -1.5)])
def test_a_log_likelihood_that_is_not_finite_is_none(tmp_path, value, logprob):
    assert run(tmp_path, TEXT, gold_logprob=value)[1].gold_logprob == logprob


def test_a_log_likelihood_above_0(tmp_path):
    with pytest.raises(UserError, match=r"jsonl:2: gold_logprob is 0\.5, not a log-likelihood, which is at most 0"):
        run(tmp_path, TEXT, gold_logprob=0.5)
