"""outcomes.parquet, read back."""

from __future__ import annotations

from pyarrow import parquet

from lm_eval_illusion.report.files import write_outcomes
from tests.outcome_examples import outcome


def test_a_row_for_each_outcome_with_null_where_a_view_did_not_run(tmp_path):
    examples = [outcome("a", "recognition_only", gold_rank=3, recovered={"beam": True}), outcome("b", "neither", language="fi")]
    write_outcomes(examples, tmp_path / "x.parquet")
    first, second = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    assert (first["id"], first["cell"], first["gold_rank"], first["recovered_beam"]) == ("a", "recognition_only", 3, True)
    assert (first["recovered_oneshot"], second["recovered_beam"], second["gold_rank"]) == (None, None, None)
    assert (second["language"], second["variant"], second["sparsity_requested"]) == ("fi", "wanda-0.6", 0.6)
