"""The outcome: the result of a variant on one item in one language. Analysis and report use only outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field

from lm_eval_illusion.results.judge_files import Judge
from lm_eval_illusion.results.next_tokens import NextTokens
from lm_eval_illusion.results.variants import Variant
from lm_eval_illusion.views import VIEWS

POOLED = "all"
"""The language of a row over all languages."""
WITHOUT_LANGUAGE = "und"
"""The language of an item whose task names none (ISO 639-2: undetermined); such items are only in the pooled row."""

RECOVERY_VIEWS = tuple(view for view in VIEWS if view.role == "recovery")
CONTROL_VIEW = next(view for view in VIEWS if view.role == "control")
"""The control of the strategy that shows the answer."""
RECOVERY_STRATEGIES = tuple(view.name for view in RECOVERY_VIEWS)
"""The strategies that `Outcome.recovered` may contain."""
ANSWER_SHOWING_STRATEGIES = frozenset(view.name for view in RECOVERY_VIEWS if view.shows_answer)
"""Strategies with the answer in the prompt. They do not count for `any` and `demoted`, which measure whether the model still has it."""
SINGLE_BEAM_STRATEGIES = tuple(view.name for view in VIEWS if view.role == "recovery" and view.single_beam_metric)
"""Strategies that count the best beam only where the backend returns no other: see `Variant.beams_are_top1`."""
OUTPUT_LABELS = {view.name: view.label for view in VIEWS if not view.is_scored}
"""The views that generate text: name -> label in the report."""

PRODUCTION = next(view for view in VIEWS if view.role == "production")
"""The view whose outcome metric decides whether an item is produced."""
CONTROL = next(view for view in VIEWS if view.role == "control")
"""The view whose outcome metric is `Outcome.said_without_gold`."""
BASELINE = next(view for view in VIEWS if view.role == "baseline")
"""The view of `Outcome.question_blind` and `Outcome.in_passage`."""
GOLD_SCORES = next(view for view in VIEWS if view.gives_gold_scores)
"""The view of `Outcome.gold_rank`, `Outcome.gold_logprob` and `Outcome.next_tokens`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a variant on one item in one language.

    `run`: the name of the results file. `recovered`: strategy -> whether it produces the answer, for the strategies that ran.
    `gold_rank`: rank of the gold answer's first token after the open prompt, 1 for the greedy choice; None if the backend gave none.
    Tied tokens share the mean of their ranks, so it may end in .5; a whole rank is an int.
    `said_without_gold`: whether the control of `candidates` produces the answer. `question_blind`: recognised without context and
    question. `in_passage`: expected accuracy of guessing among the options that occur in the passage. These three are None if their
    view did not run; `in_passage` also for a closed-book item. `answer_type`: "" if the items have none.
    `gold_logprob`: log-likelihood in nats of the gold answer from its first visible token on, or of the gold choice where the backend
    tells no more; None if it is unknown or not finite. `next_tokens`: the likeliest tokens at the end of the open prompt; None if the
    backend gave none. `failure_mode`: how the greedy answer fails, one of `failures.FAILURE_MODES`; None if the item is produced, or in
    paired tasks. `chat_template`: whether the prompts were made by a chat template, as in `ResultsFile`.
    `verdicts`: of each judge that judged the greedy answer, one of `judge_files.VERDICTS` or `OUTDATED`.
    paired tasks. `chat_template`: whether the prompts were made by a chat template, as in `ResultsFile`. `exact_match`: whether the greedy
    answer is the gold answer or an alias and nothing else. `match_rule`: the rule that found the answer, or why it does not count.
    `match_version`: the version of the rules that judged, 1 for files without it. These three are None for tasks of other projects, the
    first two also for files of version 1. `asked_otherwise`: whether the item has an option whose question asks for another kind of thing;
    None if the items do not say so.
    """

    variant: Variant
    run: str
    family: str
    language: str
    id: str
    recognised: bool
    invalid: bool
    produced: bool
    gold_rank: float | None
    recovered: dict[str, bool]
    said_without_gold: bool | None = None
    question_blind: bool | None = None
    in_passage: float | None = None
    answer_type: str = ""
    gold_logprob: float | None = None
    next_tokens: NextTokens | None = None
    failure_mode: str | None = None
    chat_template: str | None = None
    verdicts: dict[Judge, str] = field(default_factory=dict)
    exact_match: bool | None = None
    match_rule: str | None = None
    match_version: int | None = None
    asked_otherwise: bool | None = None
