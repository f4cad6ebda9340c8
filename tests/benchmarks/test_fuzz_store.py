"""A small part of the fuzzing of the store, and that it would notice a check that is missing."""

from __future__ import annotations

import pytest

from benchmarks import store_mutations
from benchmarks.fuzz_store import FAILURES, fuzz
from lm_eval_illusion.pruning import entry_check


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_damaged_entries_are_refused_made_again_or_found_to_be_whole(tmp_path):
    outcomes, failures = fuzz(40, 0, tmp_path)
    assert failures == []
    assert outcomes.total() == 40
    assert {"refused", "made again", "used"} == set(outcomes)


@pytest.mark.parametrize(
    ("check", "mutation"), [("fault_of_request", store_mutations.forge_field), ("fault_in", store_mutations.forge_field)]
)
def test_a_missing_check_is_noticed(tmp_path, monkeypatch, check, mutation):
    monkeypatch.setattr(store_mutations, "MUTATIONS", (mutation,))
    monkeypatch.setattr(entry_check, check, lambda *_: None)
    outcomes, _ = fuzz(15, 1, tmp_path)
    assert outcomes["wrongly accepted"] > 0
    assert "wrongly accepted" in FAILURES
