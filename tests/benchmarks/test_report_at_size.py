"""The benchmark's input is what lm_eval writes: it is read, line by line, as the embedded family's own files are."""

from __future__ import annotations

import json

from benchmarks.report_at_size import VIEWS, make_runs
from lm_eval_illusion import load_outcomes
from lm_eval_illusion.items import embedded_items, embedded_languages
from lm_eval_illusion.views.metrics import score_choices


def test_its_runs_are_read_and_are_always_the_same(tmp_path):
    for name in ("one", "two"):
        make_runs(tmp_path / name, rows=2 * 3 * len(embedded_languages()) * len(VIEWS), variants=2)
    one, two = (load_outcomes([tmp_path / name]) for name in ("one", "two"))
    assert one == two
    assert len(one) == 2 * 3 * len(embedded_languages())
    assert {outcome.variant.variant for outcome in one} == {"dense", "wanda-0.5"}


def test_its_documents_and_scores_are_the_embedded_ones(tmp_path):
    make_runs(tmp_path, rows=200 * len(embedded_languages()) * len(VIEWS), variants=1)
    (file,) = tmp_path.glob("run0/samples_mqa_illusion_zh_mc_2*")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [{**row["doc"], "id": row["doc"]["id"].removesuffix("-0")} for row in rows] == embedded_items("zh")
    for row in rows:
        # acc_norm is made up: it repeats acc.
        computed = score_choices(row["doc"], row["filtered_resps"])
        assert {name: computed[name] for name in ("acc", "invalid")} == {name: row[name] for name in ("acc", "invalid")}
