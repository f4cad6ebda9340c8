"""Gold ranks of tied tokens, from the samples file to the report: 1 + (strictly greater) + (other equal) / 2, so possibly 1.5."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import cross_tabulate, load_outcomes
from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.records import read_report_json, report_json
from lm_eval_illusion.analysis.recovery import BUCKETS, bucket_of, distribution, is_demoted, summary
from tests.lm_eval_files import hits, write_run
from tests.outcome_examples import outcome


@pytest.mark.parametrize(
    ("rank", "bucket"),
    [
        (1, "1"),  # the greedy choice alone at the top
        (1.5, "2"),  # two tokens tied at the top: not rank 1
        (2, "2"),
        (2.5, "3-5"),
        (5, "3-5"),
        (5.5, "6-10"),
        (10, "6-10"),
        (10.5, "11-100"),
        (100.5, ">100"),
    ],
)
def test_a_half_rank_is_in_the_bucket_after_it(rank, bucket):
    assert bucket_of(rank) == bucket


def test_a_half_rank_is_summarised_like_any_other():
    # sorted 1, 1.5, 2, 10.5: the median is (1.5 + 2) / 2; 0.9 x 4 = 3.6, hence p90 is the fourth; three are at most 10
    ranks = [10.5, 1, 2, None, 1.5]
    assert (summary(ranks).median, summary(ranks).p90, summary(ranks).share_at_most_10) == (1.75, 10.5, 0.75)
    assert distribution(ranks).histogram == dict(zip(BUCKETS, (1, 2, 0, 0, 1, 0), strict=True))


def test_demoted_ends_at_rank_10():
    assert [is_demoted(outcome("a", "recognition_only", gold_rank=rank)) for rank in (9.5, 10, 10.5)] == [True, True, False]


def test_ranks_from_the_samples_file_to_report_json(tmp_path):
    # lm_eval writes a rank as the backend gave it: a float, or an int in files of earlier versions.
    ranks = {"a": 1.5, "b": 2.0, "c": 3, "d": 12.5, "e": float("nan"), "f": float("inf"), "g": None}
    scored = [{"id": i, "acc": 1.0, **({} if rank is None else {"gold_rank": rank})} for i, rank in ranks.items()]
    write_run(tmp_path, {"mc": scored, "gen": hits("match", **dict.fromkeys("abcdefg", 0))})
    read = {outcome.id: outcome.gold_rank for outcome in load_outcomes([tmp_path])}
    assert read == {"a": 1.5, "b": 2, "c": 3, "d": 12.5, "e": None, "f": None, "g": None}
    # A whole rank is written as before: 2, not 2.0.
    assert json.dumps(read["b"]) == "2"
    (row, _) = cross_tabulate(load_outcomes([tmp_path]))["rows"]
    assert row["gold_rank"] == {"median": 2.5, "p90": 12.5, "share_at_most_10": 0.75}
    report = tabulate(load_outcomes([tmp_path]))
    assert read_report_json(report_json(report)) == report
