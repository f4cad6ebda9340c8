"""outcomes.parquet, read back."""

from __future__ import annotations

import math
from array import array
from dataclasses import fields, replace

import pytest
from pyarrow import parquet

from lm_eval_illusion.report.files import write_outcomes
from lm_eval_illusion.results.next_tokens import NextTokens
from lm_eval_illusion.results.variants import Variant
from tests.outcome_examples import DENSE, WANDA, outcome


def test_a_row_for_each_outcome_with_null_where_a_view_did_not_run(tmp_path):
    examples = [outcome("a", "recognition_only", gold_rank=3, recovered={"beam": True}), outcome("b", "neither", language="fi")]
    write_outcomes(examples, tmp_path / "x.parquet")
    first, second = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    assert (first["id"], first["cell"], first["gold_rank"], first["recovered_beam"]) == ("a", "recognition_only", 3, True)
    assert (first["recovered_oneshot"], second["recovered_beam"], second["gold_rank"]) == (None, None, None)
    assert (second["language"], second["variant"], second["sparsity_requested"]) == ("fi", "wanda-0.6", 0.6)


def test_the_divergence_of_each_item_from_the_dense_model(tmp_path):
    same, changed = (NextTokens(array("i", ids), array("f", [math.log(3 / 4), math.log(1 / 4)])) for ids in ([0, 1], [1, 0]))
    examples = [outcome("a", "both", variant=DENSE, next_tokens=same), outcome("a", "both", next_tokens=changed)]
    write_outcomes([*examples, outcome("b", "both")], tmp_path / "x.parquet")
    table = parquet.read_table(tmp_path / "x.parquet")
    # 3/4 log 3 + 1/4 log 1/3 = 1/2 log 3
    assert table["kl"].to_pylist() == [None, pytest.approx(math.log(3) / 2, abs=1e-5), None]
    assert "next_tokens" not in table.column_names


def test_the_type_of_a_column_does_not_depend_on_its_values(tmp_path):
    # A rank is a float, because tied tokens share a rank such as 1.5. Before, the ranks of a table were whole numbers or floats.
    for name, ranks in (("whole", (1, 2)), ("half", (1.5, 2)), ("none", (None, None)), ("empty", ())):
        write_outcomes([outcome(str(n), "both", gold_rank=rank) for n, rank in enumerate(ranks)], tmp_path / name)
        assert parquet.read_table(tmp_path / name)["gold_rank"].to_pylist() == list(ranks)
    schemas = [parquet.read_schema(tmp_path / name) for name in ("whole", "half", "none", "empty")]
    assert all(schema == schemas[0] for schema in schemas)
    types = {
        name: str(schemas[0].field(name).type) for name in ("gold_rank", "owl_m", "pruning_seed", "variant", "recovered_beam")
    }
    assert types == {
        "gold_rank": "double",
        "owl_m": "double",
        "pruning_seed": "int64",
        "variant": "string",
        "recovered_beam": "bool",
    }


def test_every_column_of_a_variant_and_field_of_an_outcome_is_in_the_file(tmp_path):
    # Each value differs, so a column that is filled from another field is seen, too.
    values = {name: number for number, name in enumerate(("sparsity_requested", "sparsity_measured", "bits_measured"))}
    settings = {
        "owl_lambda": 0.1,
        "owl_m": 7.0,
        "calibration_language": "en",
        "calibration_samples": 64,
        "calibration_length": 128,
    }
    variant = replace(WANDA, **values, **settings, pruning_seed=3)
    write_outcomes([outcome("a", "both", variant=variant)], tmp_path / "x.parquet")
    (row,) = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    columns = [
        field.name
        for field in fields(Variant)
        if field.name not in ("identity", "settings", "base_content", "server", "engine", "beams_are_top1")
    ]
    assert {name: row[name] for name in columns} == {name: getattr(variant, name) for name in columns}
    assert {"run", "gold_rank", "gold_logprob", "answer_type", "cell"} <= row.keys()
