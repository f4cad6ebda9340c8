"""The outcome: what a variant made of one item in one language. The rows that everything behind lm_eval's files works on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """A base model, dense or pruned in one way.

    `identity`: what tells two variants of one name apart, the store key or the base model's revision. `beams_are_top1`: the
    backend returned only its best beam, so that `beam` counts that one.
    """

    base_model: str
    variant: str
    pruner: str
    sparsity_requested: float | None
    sparsity_measured: float | None
    mask_structure: str
    identity: str
    beams_are_top1: bool


@dataclass(frozen=True)
class Outcome:
    """What a variant made of one item in one language.

    `run`: the results file's name. `recovered`: by strategy (beam, sample, oneshot), for the views that ran. `gold_rank`: None
    where the backend gave none.
    """

    variant: Variant
    run: str
    family: str
    language: str
    id: str
    recognised: bool
    invalid: bool
    produced: bool
    gold_rank: int | None
    recovered: dict[str, bool]
