"""bfloat16 runs, and the noise floor reports its difference to float32."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.analysis.noise import noise_floor
from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.results.join_views import load_outcomes

LANGUAGES, LIMIT = ("en", "zh"), 40
TASKS = [f"mqa_illusion_{language}_{view}" for language in LANGUAGES for view in ("mc", "gen")]


def run(folder, dtype):
    model = {"pretrained": "embedded", "pruner": "none", "device": "cpu", "dtype": dtype}
    evaluate(model, TASKS, folder, limit=LIMIT, batch_size=8, metadata={})
    return folder


def scores(folder, metric):
    """The metric of each item, by (id, language), from the samples files."""
    rows = [
        json.loads(line) for file in folder.rglob("samples_*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return {(row["doc"]["id"], row["doc"]["lang"]): row[metric] for row in rows if metric in row}


@pytest.mark.slow
def test_the_noise_floor_counts_the_items_that_differ_from_float32(tmp_path):
    whole, half = run(tmp_path / "whole", "float32"), run(tmp_path / "half", "bfloat16")
    floor = noise_floor(load_outcomes([whole]), load_outcomes([half])).rows
    pooled = next(row for row in floor if row.language == "all")
    assert pooled.n == len(LANGUAGES) * LIMIT
    for name, metric in (("recognition", "acc"), ("production", "match")):
        first, second = scores(whole, metric), scores(half, metric)
        assert getattr(pooled, name).flips.value == sum(first[item] != second[item] for item in first) / pooled.n
    # Half precision was used: the log-likelihoods differ in the last digits.
    assert scores(whole, "acc").keys() == scores(half, "acc").keys()
    likelihoods = [
        [row["filtered_resps"] for file in sorted(folder.rglob("samples_*_mc_*.jsonl")) for row in map(json.loads, file.open())]
        for folder in (whole, half)
    ]
    assert likelihoods[0] != likelihoods[1]
