"""Outcomes made by hand, for the tests of the analysis and the report."""

from __future__ import annotations

from dataclasses import replace

from lm_eval_illusion.results.outcomes import Outcome, Variant

DENSE = Variant(
    base_model="tiny",
    variant="dense",
    pruner="none",
    sparsity_requested=None,
    sparsity_measured=0.0,
    mask_structure="0:0",
    identity="r",
    beams_are_top1=False,
)
WANDA = replace(DENSE, variant="wanda-0.6", pruner="wanda", sparsity_requested=0.6, sparsity_measured=0.5998, identity="k")
BLANK = Outcome(WANDA, "results_x.json", "mqa_illusion", "en", "a", False, False, False, None, {})


def outcome(item_id: str, outcome_class: str, **fields) -> Outcome:
    """Return an outcome of this outcome class; `fields`: further fields of `Outcome`."""
    recognised, produced = outcome_class in ("both", "recognition_only"), outcome_class in ("both", "production_only")
    return replace(BLANK, id=item_id, recognised=recognised, produced=produced, **fields)


def outcomes(letters: str, **fields) -> list[Outcome]:
    """Return an outcome for each letter, with ids 0, 1, ...: b both, r recognition_only, p production_only, n neither."""
    names = {"b": "both", "r": "recognition_only", "p": "production_only", "n": "neither"}
    return [outcome(str(number), names[letter], **fields) for number, letter in enumerate(letters)]
