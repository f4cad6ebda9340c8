"""A part of the cases of benchmarks/fuzz_options.py."""

from __future__ import annotations

from benchmarks.fuzz_options import fuzz


def test_hostile_values_of_options():
    figures, wrong = fuzz(cases=40, seed=11, with_lm_eval=False)
    assert wrong == []
    # Both outcomes occur, so the cases are neither all nonsense nor all harmless.
    assert figures["refused"] > 20
    assert figures["accepted"] > 0
