"""The outcome: what a variant made of one item in one language. The rows that everything behind lm_eval's files works on."""

from __future__ import annotations

from dataclasses import dataclass

POOLED = "all"
"""The language of a row over all languages."""
WITHOUT_LANGUAGE = "und"
"""The language of an item of a task that names none (ISO 639-2: undetermined): it has the pooled row alone."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A base model, dense or pruned in one way.

    `identity`: what tells two variants of one name apart, the store key or the base model's revision. `beams_are_top1`: the
    backend returned only its best beam, so that `beam` counts that one. What it was pruned with, None for the dense model and where it is
    not known: `calibration_language`, `calibration_samples` of `calibration_length` tokens, `pruning_seed`; of OWL alone `owl_lambda` and
    `owl_m`. `bits_measured`: the mean
    bits of a weight of the linear layers, those of its dtype where it is not quantised; None where the backend did not measure it.
    """

    base_model: str
    variant: str
    pruner: str
    sparsity_requested: float | None
    sparsity_measured: float | None
    mask_structure: str
    identity: str
    beams_are_top1: bool
    calibration_language: str | None = None
    calibration_samples: int | None = None
    calibration_length: int | None = None
    pruning_seed: int | None = None
    bits_measured: float | None = None
    owl_lambda: float | None = None
    owl_m: float | None = None

    @property
    def is_dense(self) -> bool:
        """Dense is no special case: it is the variant of no pruner."""
        return self.pruner == "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a variant made of one item in one language.

    `run`: the results file's name. `recovered`: by strategy (beam, sample, oneshot, candidates), for the views that ran. `gold_rank`:
    None where the backend gave none. `said_without_gold`: the control of `candidates`, the answer after the distractors alone.
    `question_blind`: recognised with context and question removed. `in_passage`: the chance to be right by picking an option that
    stands in the passage. These three are None where their view did not run, or for a closed-book item. `answer_type`: "" where the
    items have none. `gold_logprob`: log-likelihood of the gold choice in nats, None where the backend gave none.
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
    said_without_gold: bool | None = None
    question_blind: bool | None = None
    in_passage: float | None = None
    answer_type: str = ""
    gold_logprob: float | None = None
