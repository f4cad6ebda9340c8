"""The generated runs of the report benchmark have the format, the documents and the scores of real lm_eval runs."""

from __future__ import annotations

import json

from benchmarks.report_at_size import VIEWS, make_runs
from lm_eval_illusion import load_outcomes
from lm_eval_illusion.items import embedded_items, embedded_languages
from lm_eval_illusion.views.metrics import score_choices


def test_generated_runs_can_be_read_and_are_deterministic(tmp_path):
    for name in ("first", "second"):
        make_runs(tmp_path / name, rows=2 * 3 * len(embedded_languages()) * len(VIEWS), variants=2)
    first, second = (load_outcomes([tmp_path / name]) for name in ("first", "second"))
    assert first == second
    assert len(first) == 2 * 3 * len(embedded_languages())
    assert {outcome.variant.variant for outcome in first} == {"dense", "wanda-0.5"}


def test_generated_documents_and_scores_are_the_embedded_ones(tmp_path):
    make_runs(tmp_path, rows=200 * len(embedded_languages()) * len(VIEWS), variants=1)
    (file,) = tmp_path.glob("run0/samples_mqa_illusion_zh_mc_2*")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [{**row["doc"], "id": row["doc"]["id"].removesuffix("-0")} for row in rows] == embedded_items("zh")
    for row in rows:
        # The generator writes acc as acc_norm, too.
        computed = score_choices(row["doc"], row["filtered_resps"])
        assert {name: computed[name] for name in ("acc", "invalid")} == {name: row[name] for name in ("acc", "invalid")}
