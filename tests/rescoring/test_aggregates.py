"""The aggregates after rescoring: the numbers of lm_eval's own functions."""

from __future__ import annotations

import copy

import pytest
from lm_eval.api.metrics import aggregate_subtask_metrics, mean, mean_stderr, pooled_sample_stderr, unweighted_mean_stderr

from lm_eval_illusion.rescoring.aggregates import update_aggregates

ROWS = {"a_en_gen": [1.0, 0.0, 1.0, 1.0, 0.0], "a_fi_gen": [1.0, 0.0, 0.0]}
KEY, ERROR = "match,none", "match_stderr,none"
LEAVES = {"a": ["a_en_gen", "a_fi_gen"]}


def results(weighted: bool = True, error: object = 0.0) -> dict:
    """Results of rows that older rules judged: match is 1/5 and 1/3."""
    old = {"a_en_gen": (1 / 5, 5), "a_fi_gen": (1 / 3, 3)}
    tasks = {
        task: {"alias": task, "sample_len": size, KEY: value, ERROR: error, "truncated,none": 0.5}
        for task, (value, size) in old.items()
    }
    sizes = [5, 3] if weighted else [1, 1]
    group = {"alias": "a", KEY: aggregate_subtask_metrics([1 / 5, 1 / 3], sizes), ERROR: error, "recognised,none": 0.25}
    return {"results": {**tasks, "a": group}, "groups": {"a": dict(group)}, "config": {"x": 1}}


@pytest.mark.parametrize("weighted", [True, False])
def test_tasks_and_groups(weighted):
    content = results(weighted)
    update_aggregates(content, {task: {KEY: rows} for task, rows in ROWS.items()}, LEAVES)
    for task, rows in ROWS.items():
        assert content["results"][task][KEY] == mean(rows)
        assert content["results"][task][ERROR] == mean_stderr(rows)
        assert content["results"][task]["truncated,none"] == 0.5
    means, errors = [mean(rows) for rows in ROWS.values()], [mean_stderr(rows) for rows in ROWS.values()]
    for group in (content["results"]["a"], content["groups"]["a"]):
        assert group[KEY] == pytest.approx(aggregate_subtask_metrics(means, [5, 3], weight_by_size=weighted))
        expected = pooled_sample_stderr(errors, [5, 3]) if weighted else unweighted_mean_stderr(errors)
        assert group[ERROR] == pytest.approx(expected)
        assert group["recognised,none"] == 0.25
    assert content["config"] == {"x": 1}


def test_an_error_that_was_not_computed_stays_so():
    content = results(error="N/A")
    update_aggregates(content, {task: {KEY: rows} for task, rows in ROWS.items()}, LEAVES)
    assert {content["results"][name][ERROR] for name in ("a_en_gen", "a")} == {"N/A"}


def test_a_group_that_averages_otherwise_loses_the_number_rather_than_keeping_a_wrong_one():
    content = results()
    content["groups"]["a"][KEY] = 0.9
    update_aggregates(content, {task: {KEY: rows} for task, rows in ROWS.items()}, LEAVES)
    assert KEY in content["results"]["a"]
    assert content["groups"]["a"] == {"alias": "a", "recognised,none": 0.25}


def test_what_a_file_does_not_state_is_not_added():
    for content in ({}, {"results": None}, {"results": {}}, {"results": {"a_en_gen": {"alias": "x"}, "a": {}}}):
        before = copy.deepcopy(content)
        update_aggregates(content, {task: {KEY: rows} for task, rows in ROWS.items()}, LEAVES)
        assert content == before
