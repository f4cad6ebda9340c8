"""What the metrics of our views can be, through the files: a wrong value is an error with file and line, never a "no"."""

from __future__ import annotations

import json
import math

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from tests.lm_eval_files import DATE, hits, write_run

MC = [{"id": i, "acc": 1.0, "gold_rank": 2} for i in "abc"]
VIEWS = {
    "mc": MC,
    "mc_letters": [{"id": i, "acc": 1.0, "invalid": 0.0} for i in "abc"],
    "gen": hits("match", a=1, b=0, c=1),
    "sample": hits("match_any", a=1, b=0, c=1),
    "beam": [{"id": i, "match_any": 1.0, "match_top1": 0.0} for i in "abc"],
    "question_blind": [{"id": i, "acc": 1.0, "acc_norm": 0.0, "invalid": 0.0, "in_passage": 0.25} for i in "abc"],
}


def with_metric(folder, view, metric, value):
    """Write a run whose second row of a view has another value."""
    write_run(folder, VIEWS)
    path = folder / f"samples_mqa_illusion_en_{view}_{DATE}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1][metric] = value
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


METRICS = [
    ("mc", "acc"),
    ("mc", "acc_norm"),
    ("mc", "invalid"),
    ("mc_letters", "acc"),
    ("gen", "match"),
    ("sample", "match_any"),
]
METRICS += [("beam", "match_any"), ("beam", "match_top1"), ("question_blind", "acc"), ("question_blind", "invalid")]


@pytest.mark.parametrize(("view", "metric"), METRICS)
@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (-1, "-1.0"), (2, "2.0"), (math.nan, "NaN"), (math.inf, "Infinity")])
def test_a_truth_value_is_0_or_1(tmp_path, view, metric, value, text):
    path = with_metric(tmp_path, view, metric, value)
    with pytest.raises(UserError) as error:
        load_outcomes([tmp_path])
    assert str(error.value).startswith(f"{path}:2: {metric} is {text}, not 0 or 1")


@pytest.mark.parametrize("view", ["mc", "mc_letters", "question_blind"])
@pytest.mark.parametrize("metric", ["acc", "invalid"])
def test_a_metric_that_contradicts_the_scores_of_its_row(tmp_path, view, metric):
    # In the hand-made rows, acc is 1 and the gold choice has the highest score. With acc exchanged between two rows, the mean stays.
    path = with_metric(tmp_path, view, metric, 0.0 if metric == "acc" else 1.0)
    with pytest.raises(UserError, match=rf"{path.name}:2 is not as its task writes it \({metric} is [01], but by the log-lik"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize("value", [True, 1, 1.0, False, 0, -0.0])
def test_true_and_false_are_1_and_0(tmp_path, value):
    with_metric(tmp_path, "gen", "match", value)
    assert [outcome.produced for outcome in load_outcomes([tmp_path])] == [True, bool(value), True]


@pytest.mark.parametrize("value", [0, 0.5, -1, 1.25, -math.inf, 10**9])
def test_a_gold_rank_that_is_none(tmp_path, value):
    path = with_metric(tmp_path, "mc", "gold_rank", value)
    with pytest.raises(UserError, match=rf"{path.name}:2: gold_rank is .*, not a rank, which is 1, 1\.5, 2"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize(
    ("value", "rank"),
    # Tied tokens share the mean of their ranks. A collapsed model has no rank, and a backend may give none.
    [(1, 1), (1.5, 1.5), (150_000, 150_000), (math.nan, None), (math.inf, None), (None, None)],
)
def test_a_gold_rank_that_can_be(tmp_path, value, rank):
    with_metric(tmp_path, "mc", "gold_rank", value)
    assert [outcome.gold_rank for outcome in load_outcomes([tmp_path])] == [2, rank, 2]


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_in_passage_is_a_probability(tmp_path, value):
    path = with_metric(tmp_path, "question_blind", "in_passage", value)
    with pytest.raises(UserError, match=rf"{path.name}:2: in_passage is .*, not a number from 0 to 1"):
        load_outcomes([tmp_path])


def test_in_passage_may_be_missing(tmp_path):
    with_metric(tmp_path, "question_blind", "in_passage", None)
    assert [outcome.in_passage for outcome in load_outcomes([tmp_path])] == [0.25, None, 0.25]


def test_an_empty_id(tmp_path):
    write_run(tmp_path, {"mc": [{"id": "", "acc": 1.0}], "gen": [{"id": "", "match": 1.0}]})
    with pytest.raises(UserError, match=r"jsonl:1: the id of the document is empty"):
        load_outcomes([tmp_path])


def state_means(path, **means):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"results": {"mqa_illusion_en_gen": means}}))


def test_the_mean_that_the_results_file_states(tmp_path):
    path = write_run(tmp_path, VIEWS)
    state_means(path, **{"match,none": 2 / 3, "match_stderr,none": 0.3, "exact_match,none": 0.1, "alias": "gen"})
    assert len(load_outcomes([tmp_path])) == 3
    # Of b = 0 and a = c = 1, one is flipped: the mean would be 1/3 or 1.
    for value in (1 / 3, 1):
        state_means(path, **{"match,none": value})
        with pytest.raises(
            UserError, match=r"the mean of match over the rows is 0\.666667, but results_.* states (0\.333333|1)"
        ):
            load_outcomes([tmp_path])
