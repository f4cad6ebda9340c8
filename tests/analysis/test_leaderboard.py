"""The ranking, counted by hand."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.report.csv_files import leaderboard_csv
from tests.outcome_examples import DENSE, outcomes


def variant(name):
    return replace(DENSE, base_model=name, identity=name)


# produced 4, 2, 2 of 5; recognised 3, 4, 5 of 5
MADE = [
    *outcomes("bbbpn", variant=variant("best producer")),
    *outcomes("bbrrn", variant=variant("medium")),
    *outcomes("bbrrr", variant=variant("best recogniser, by far")),
]


def test_ranks_by_hand():
    board = tabulate(MADE).leaderboard
    assert [(e.base_model, e.rank_by_production, e.rank_by_recognition, e.rank_error) for e in board] == [
        ("best producer", 1, 3, 2),
        ("best recogniser, by far", 2, 1, -1),  # equal production: both second
        ("medium", 2, 2, 0),
    ]


def test_csv_is_read_back():
    rows = list(csv.DictReader(io.StringIO(leaderboard_csv(tabulate(MADE)))))
    assert [row["base_model"] for row in rows] == ["best producer", "best recogniser, by far", "medium"]
    assert [float(row["production"]) for row in rows] == [0.8, 0.4, 0.4]
    assert float(rows[1]["recognition_only_rate"]) == 0.6
    assert float(rows[0]["production_low"]) < 0.8 < float(rows[0]["production_high"])
