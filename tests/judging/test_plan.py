"""Which answers are asked about, and what that costs."""

from __future__ import annotations

from collections import Counter

import pytest

from lm_eval_illusion.judging.cache import CacheEntry, remember
from lm_eval_illusion.judging.endpoint import Endpoint
from lm_eval_illusion.judging.plan import Price, estimated_tokens, money, overview, plan_of, sampled
from lm_eval_illusion.judging.replies import Completion
from lm_eval_illusion.results.greedy_answers import answer_files, read_answers
from lm_eval_illusion.results.join_views import views_below
from tests.judging.runs import OUTPUTS, write_answers, write_two_variants

JUDGE = Endpoint("http://localhost/v1", "m", max_tokens=10)


def answers_below(folder):
    return [answer for file in answer_files(views_below([folder])) for answer in read_answers(file)]


def test_equal_answers_are_asked_about_once_and_empty_ones_not(tmp_path):
    write_two_variants(tmp_path / "runs")
    plan = plan_of(answers_below(tmp_path / "runs"), JUDGE, tmp_path / "cache")
    assert len(plan.answers) == 12
    assert [answer.id for answer, key in plan.answers if key is None] == ["d", "d"]
    # c has two different answers, d none, the other four one each.
    assert len(plan.requests) == len(plan.to_ask) == 6
    of_a = {key for answer, key in plan.answers if answer.id == "a"}
    assert len(of_a) == 1
    # c and f have the same answer, but their questions differ.
    assert len({key for answer, key in plan.answers if answer.id in "cf" and answer.output == "three"}) == 2


def test_what_is_cached_is_not_asked_about(tmp_path):
    write_answers(tmp_path / "runs")
    answers = answers_below(tmp_path / "runs")
    (key, _), *others = plan_of(answers, JUDGE, tmp_path / "cache").to_ask
    remember(tmp_path / "cache", CacheEntry(key=key, prompt_version=1, base_url="x", completion=Completion(reply="SAME")))
    plan = plan_of(answers, JUDGE, tmp_path / "cache")
    assert list(plan.known) == [key]
    assert plan.to_ask == others


def test_the_overview_says_what_it_costs(tmp_path):
    write_two_variants(tmp_path / "runs")
    plan = plan_of(answers_below(tmp_path / "runs"), JUDGE, tmp_path / "cache")
    tokens = sum(estimated_tokens(request) for request in plan.requests.values())
    line = overview(plan, JUDGE, Price(1000.0, 5000.0))
    assert line.startswith("12 answers of 2 variants; 2 of them empty, which is not asked about; ")
    # By the rules a, b, c, e and a, b, e are right; a in both and c ("two!") in the dense run are equal to the answer.
    assert "of the others 7 are right by the rules, 3 equal to a reference answer" in line
    assert f"6 different requests, 0 cached, 6 to send; about {tokens:,} tokens in (characters / 3), at most 60 out" in line
    assert line.endswith(f"cost about {tokens / 1000:.2f} for the tokens in, at most 0.30 for those out")
    assert "cost" not in overview(plan, JUDGE, None)


def test_tokens_are_estimated_by_characters(tmp_path):
    assert [estimated_tokens(JUDGE.request("x" * length)) for length in (0, 1, 3, 4)] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0.00"), (0.00042, "0.00042"), (0.05, "0.05"), (0.1, "0.10"), (12.345, "12.35")]
)
def test_small_amounts_are_not_zero(amount, text):
    assert money(amount) == text


def test_a_sample_is_the_same_in_each_variant_and_part_of_a_larger_one(tmp_path):
    outputs = {f"item {number}": "two" for number in range(100)}
    write_answers(tmp_path, outputs)
    answers = answers_below(tmp_path)
    taken = {limit: [answer.id for answer in sampled(answers, limit, 0)] for limit in (10, 20)}
    assert {limit: len(ids) for limit, ids in taken.items()} == {10: 10, 20: 20}
    assert set(taken[10]) < set(taken[20])
    # The order of the rows, as of another run, does not matter; another seed gives another sample.
    assert {answer.id for answer in sampled(answers[::-1], 10, 0)} == set(taken[10])
    assert {answer.id for answer in sampled(answers, 10, 1)} != set(taken[10])
    assert sampled(answers, 100, 0) == sampled(answers, None, 0) == answers


def test_each_item_is_as_likely_in_a_sample(tmp_path):
    write_answers(tmp_path)
    answers = answers_below(tmp_path)
    counts = Counter(answer.id for seed in range(3000) for answer in sampled(answers, 2, seed))
    # 3000 draws of 2 of 6: 1000 each, with a standard deviation of 26.
    assert counts.keys() == OUTPUTS.keys()
    assert all(abs(count - 1000) < 110 for count in counts.values())
