"""A variant's columns and order."""

from __future__ import annotations

from dataclasses import replace

from tests.outcome_examples import DENSE, WANDA


def test_columns_are_the_fields_that_describe_the_compression():
    assert list(WANDA.columns()) == [
        *("base_model", "variant", "pruner", "sparsity_requested", "sparsity_measured", "bits_measured", "mask_structure"),
        *("owl_lambda", "owl_m", "calibration_source", "calibration_language", "calibration_samples", "calibration_length"),
        *("pruning_seed", "dtype"),
    ]
    assert WANDA.columns()["sparsity_measured"] == 0.5998
    assert WANDA.key == ("tiny", "wanda-0.6")


def test_dense_comes_first_then_methods_then_sparsities():
    sparser = replace(WANDA, variant="wanda-0.7", sparsity_requested=0.7)
    magnitude = replace(WANDA, variant="magnitude-0.9", pruner="magnitude", sparsity_requested=0.9)
    ordered = sorted([sparser, WANDA, magnitude, DENSE], key=lambda variant: variant.sort_key)
    assert [variant.variant for variant in ordered] == ["dense", "magnitude-0.9", "wanda-0.6", "wanda-0.7"]
