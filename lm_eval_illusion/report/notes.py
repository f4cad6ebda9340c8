"""What a reader of the numbers must know about these runs."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.base_models import EMBEDDED, resolve
from lm_eval_illusion.outcomes import Outcome

EMBEDDED_NOTE = (
    "The embedded model was trained on these very facts, and only so far that the effect shows:"
    " a demonstration, no evidence about large models."
)


def notes_of(outcomes: Sequence[Outcome]) -> list[str]:
    """Caveats that hold for some of the outcomes, one sentence each."""
    variants = {outcome.variant for outcome in outcomes}
    notes = []
    if any(variant.base_model in (EMBEDDED, resolve(EMBEDDED)) for variant in variants):
        notes.append(EMBEDDED_NOTE)
    top1 = sorted({v.variant for v in variants if v.beams_are_top1 and _tried(outcomes, v, "beam")})
    if top1:
        notes.append(f"beam is the best beam only for {', '.join(top1)}: that backend returns no other.")
    unranked = sorted({outcome.variant.variant for outcome in outcomes if outcome.gold_rank is None})
    if unranked:
        notes.append(f"no gold rank for some items of {', '.join(unranked)}: the backend gave none, or it was not finite.")
    if any(outcome.question_blind is None for outcome in outcomes):
        notes.append(
            "no question-blind baseline for some items: the view question_blind did not run, or recognition is by letters."
        )
    invalid = sum(outcome.invalid for outcome in outcomes)
    if invalid:
        notes.append(f"{invalid} outcomes are invalid (a tie for the top score, or NaN) and count as not recognised.")
    return notes


def _tried(outcomes: Sequence[Outcome], variant: object, strategy: str) -> bool:
    return any(outcome.variant == variant and strategy in outcome.recovered for outcome in outcomes)
