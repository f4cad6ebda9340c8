"""Outcomes made by hand, for the tests of what counts them."""

from __future__ import annotations

from dataclasses import replace

from lm_eval_illusion.results.outcomes import Outcome, Variant

DENSE = Variant("tiny", "dense", "none", None, 0.0, "0:0", "r", False)
WANDA = Variant("tiny", "wanda-0.6", "wanda", 0.6, 0.5998, "0:0", "k", False)
BLANK = Outcome(WANDA, "results_x.json", "mqa_illusion", "en", "a", False, False, False, None, {})


def outcome(item_id: str, cell: str, **fields) -> Outcome:
    """An outcome in a cell; `fields` as of Outcome."""
    recognised, produced = cell in ("both", "recognition_only"), cell in ("both", "production_only")
    return replace(BLANK, id=item_id, recognised=recognised, produced=produced, **fields)


def outcomes(cells: str, **fields) -> list[Outcome]:
    """One outcome a letter, ids 0, 1, ...: b both, r recognition_only, p production_only, n neither."""
    names = {"b": "both", "r": "recognition_only", "p": "production_only", "n": "neither"}
    return [outcome(str(number), names[cell], **fields) for number, cell in enumerate(cells)]
