"""The records of report.json (schema 1).

A field is a key of the JSON object, in the same order; None is null there and stands for an undefined value. `Report` is computed by
`analysis.crosstab.tabulate` and read by every renderer in `report`. `report_json` returns the plain dictionary of report.json,
`read_report_json` reads it back.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import msgspec

Interval: TypeAlias = tuple[float, float]
"""Lower and upper bound of a 95 % interval."""
Number: TypeAlias = int | float
"""A gold rank, which ends in .5 if tokens are tied, or the median of some."""


class Rate(msgspec.Struct, frozen=True):
    """A share, or the mean of a change, with its interval; both None where the denominator is empty."""

    value: float | None
    ci: Interval | None


class RecoveryRate(msgspec.Struct, frozen=True):
    """How many of `n` recognition-only errors a strategy recovered, and the share with its interval."""

    n: int
    recovered: int
    value: float | None
    ci: Interval | None


class FailureRate(msgspec.Struct, frozen=True):
    """The `n` items that fail in one mode, and their share of all items with its interval."""

    n: int
    value: float | None
    ci: Interval | None


class RecoveryAtRank(msgspec.Struct, frozen=True):
    """The recovery by any strategy of the errors whose gold rank is in the bucket `ranks`, e.g. "3-5"."""

    ranks: str
    n: int
    recovered: int
    value: float | None
    ci: Interval | None


class ClassCounts(msgspec.Struct, frozen=True):
    """How many items are in each outcome class. Its key in report.json is `cells`."""

    both: int
    recognition_only: int
    production_only: int
    neither: int


class RankSummary(msgspec.Struct, frozen=True):
    """Gold ranks: median, the smallest rank that 90 % do not exceed, the share of ranks that are at most 10."""

    median: Number | None
    p90: Number | None
    share_at_most_10: float | None


class RankDistribution(msgspec.Struct, frozen=True):
    """`n` gold ranks, summarised and counted: `histogram` maps a bucket such as "3-5" to a count."""

    n: int
    median: Number | None
    p90: Number | None
    share_at_most_10: float | None
    histogram: dict[str, int]


class KnownRanks(msgspec.Struct, frozen=True):
    """Gold ranks of the known items under the dense and under the pruned model."""

    dense: RankDistribution
    pruned: RankDistribution


class McNemarTest(msgspec.Struct, frozen=True):
    """The discordant items of a McNemar test and its p-value; `p_holm`: corrected over the languages, None in a pooled row."""

    dense_only: int
    pruned_only: int
    p: float | None
    p_holm: float | None


class SmallestEffect(msgspec.Struct, frozen=True):
    """The smallest true change that a test on these items detects with 80 % power."""

    production: float | None
    recognition: float | None


class LogprobDrop(msgspec.Struct, frozen=True):
    """The fall of the gold choice's log-likelihood from dense to pruned in nats, over `n` known items."""

    n: int
    median: float | None
    mean: Rate


class InducedAtKl(msgspec.Struct, frozen=True):
    """The known items whose divergence is in one third, `low` to `high` nats: how many of `n` are induced recognition-only errors."""

    low: float
    high: float
    n: int
    induced: int
    value: float | None
    ci: Interval | None


AnyRate: TypeAlias = Rate | RecoveryRate | RecoveryAtRank | InducedAtKl | FailureRate


class NoiseVerdict(msgspec.Struct, frozen=True):
    """Whether each change exceeds the noise floor; None where an interval is undefined."""

    production: bool | None
    recognition: bool | None
    gap: bool | None


class Validity(msgspec.Struct, frozen=True):
    """Whether the open view measures what the dense model knows: `analysis.validity`.

    `ok`: None where there is no dense run to judge by. `reasons`: what is wrong and what to change, one sentence each as "problem: remedy".
    """

    ok: bool | None = None
    reasons: list[str] = msgspec.field(default_factory=list)


class DenseComparison(msgspec.Struct, frozen=True, kw_only=True):
    """`vs_dense`: a pruned variant against the dense model over the `n` items of both; changes are pruned minus dense.

    `known`: items that the dense model produces; the three counts and rates that follow are over these. `kl`: mean over the `n` items of
    a lower bound of KL(dense || pruned) of the next token at the end of the open prompt, in nats; `kl_by_transition`: the same over the
    known items of each transition. `top1_agreement`: share of the items on which both have the same likeliest token. `induced_by_kl`: by
    thirds of the known items, the smallest divergences first; empty below three items. Items without next tokens are left out.
    """

    n: int
    known: int
    retained: int
    induced_recognition_only: int
    lost: int
    retained_rate: Rate
    induced_rate: Rate
    lost_rate: Rate
    mcnemar_production: McNemarTest
    mcnemar_recognition: McNemarTest
    production_change: Rate
    recognition_change: Rate
    gap_change: Rate
    smallest_effect: SmallestEffect
    gold_rank: KnownRanks
    logprob_drop: LogprobDrop
    clears_noise: NoiseVerdict | None
    kl: Rate = Rate(None, None)
    top1_agreement: Rate = Rate(None, None)
    kl_by_transition: dict[str, Rate] = {}
    induced_by_kl: list[InducedAtKl] = []


class JudgeAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """The rules against one judge on the items of a row: which answers are right?

    `judged`: items with a verdict that is right or wrong, of which `empty` were wrong without asking. `unclear`: the judge's reply was no
    verdict. `outdated`: its verdict is about another response. `unjudged`: items without a reply. All that follows is over the judged
    items: `both`, `rules_only`, `judge_only` and `neither` count the items that are right by the one, the other, both or none;
    `production`: share that is right by the judge; `kappa`: Cohen's, from -1 to 1.
    """

    judge: str
    prompt_version: int
    judged: int
    empty: int
    unclear: int
    outdated: int
    unjudged: int
    both: int
    rules_only: int
    judge_only: int
    neither: int
    production: Rate
    production_by_rules: Rate
    agreement: Rate
    kappa: Rate


class MatchRules(msgspec.Struct, frozen=True):
    """Which matching rule decided how many items, by the rule's name, the most frequent first.

    `found`: the rules that found the produced answers. `rejected`: of the other items, why a mention of the answer does not count, such as
    `denied`, or `not_said`.
    """

    found: dict[str, int]
    rejected: dict[str, int]


class ItemCount(msgspec.Struct, frozen=True):
    """A property of the items, not of a sample of them: how many have it, and their share of the items of which it is known."""

    n: int
    value: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one variant on one task family, in one language or over all of them (`language` is "all").

    `answer_type`: set in the rows of one answer type, else None and not in the JSON. `recovery`: by strategy. `in_passage`: expected
    accuracy of picking an option that occurs in the passage; a property of the items, so it has no interval. `failure_modes`: by mode,
    over all items; empty where the answers were not judged. `judges`: one for each judge with verdicts on these items. `validity`: the
    verdict on the dense model of the same base model, family and language.
    over all items; empty where the answers were not judged. `validity`: the verdict on the dense model of the same base model, family and
    language. `exact_match`: share of items whose answer equals the gold answer or an alias. `beyond_exact`: production minus `exact_match`.
    `match_rules`: None where the rows state no rule. `asked_otherwise`: items with an option whose question asks for another kind of
    thing; None where the items do not say so.
    """

    base_model: str
    variant: str
    family: str
    language: str
    answer_type: str | None = None
    n: int
    invalid: int
    cells: ClassCounts
    recognition_accuracy: Rate
    production_accuracy: Rate
    illusion_gap: Rate
    recognition_only_rate: Rate
    recognition_only_share: Rate
    recovery: dict[str, RecoveryRate]
    recovery_by_rank: list[RecoveryAtRank]
    gold_rank: RankSummary
    demoted: Rate
    erased: Rate
    candidates_without_gold: Rate
    question_blind: Rate
    in_passage: float | None
    vs_dense: DenseComparison | None
    validity: Validity = msgspec.field(default_factory=Validity)
    failure_modes: dict[str, FailureRate] = {}
    judges: list[JudgeAgreement] = []
    exact_match: Rate = Rate(None, None)
    beyond_exact: Rate = Rate(None, None)
    match_rules: MatchRules | None = None
    asked_otherwise: ItemCount | None = None


class VariantEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A variant and the results files (`runs`) that its outcomes come from."""

    base_model: str
    variant: str
    pruner: str
    sparsity_requested: float | None
    sparsity_measured: float | None
    bits_measured: float | None
    mask_structure: str | None
    owl_lambda: float | None
    owl_m: float | None
    calibration_source: str | None = None
    calibration_language: str | None
    calibration_samples: int | None
    calibration_length: int | None
    pruning_seed: int | None
    dtype: str | None = None
    runs: list[str]


class LeaderboardEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's ranks within a task family, 1 is best; `rank_error`: rank by recognition minus rank by production."""

    base_model: str
    variant: str
    family: str
    sparsity_measured: float | None
    production: Rate
    recognition: Rate
    recognition_only_rate: Rate
    rank_by_production: int
    rank_by_recognition: int
    rank_error: int
    validity: Validity = msgspec.field(default_factory=Validity)


class CalibrationEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A variant calibrated in one language and evaluated in another (or in all), against the dense model."""

    calibration_language: str
    language: str
    variant: str
    n: int
    known: int
    production_change: Rate
    induced_rate: Rate
    validity: Validity = msgspec.field(default_factory=Validity)


class CalibrationTable(msgspec.Struct, frozen=True, kw_only=True):
    """Variants of one family and pruning setting that differ in their calibration language only.

    `calibration_source`: the source of all their calibration texts, None if each language has its own.
    """

    base_model: str
    pruner: str
    sparsity_requested: float | None
    mask_structure: str | None
    owl_lambda: float | None
    owl_m: float | None
    pruning_seed: int | None
    dtype: str | None = None
    calibration_samples: int | None
    calibration_length: int | None
    calibration_source: str | None = None
    family: str
    calibration_languages: list[str]
    languages: list[str]
    cells: list[CalibrationEntry]


class Flips(msgspec.Struct, frozen=True):
    """Items that are right in one of two dense runs only, and the share of items that differ."""

    first_only: int
    second_only: int
    flips: Rate


class GapFlips(msgspec.Struct, frozen=True):
    """The share of items whose recognition minus production differs between two dense runs."""

    flips: Rate


class NoiseRow(msgspec.Struct, frozen=True, kw_only=True):
    """The differences of two dense runs on one task family, in one language or over all of them."""

    base_model: str
    family: str
    language: str
    n: int
    production: Flips
    recognition: Flips
    gap: GapFlips
    gap_change: Rate


class Noise(msgspec.Struct, frozen=True):
    """The noise floor: the results files of two dense runs and the differences between them."""

    runs: list[str]
    rows: list[NoiseRow]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in report.json; `recognition_metric` and `production_metric` name the metrics that the outcomes were read from.

    `rules_version`: the version of the matching rules that judged the answers; None if lm_eval judged them, as in paired tasks.
    """

    schema: int
    recognition_metric: str
    production_metric: str
    variants: list[VariantEntry]
    rows: list[Row]
    answer_type_rows: list[Row]
    leaderboard: list[LeaderboardEntry]
    calibration_languages: list[CalibrationTable]
    noise: Noise | None
    rules_version: int | None = None


def report_json(report: Report) -> dict[str, Any]:
    """Return the plain dictionary that report.json holds.

    Raises:
        ValueError: A number is NaN or infinite. JSON has neither; an undefined number must be None.
    """
    plain = msgspec.to_builtins(report)
    plain["rows"] = [row_json(row) for row in report.rows]
    plain["answer_type_rows"] = [row_json(row) for row in report.answer_type_rows]
    # The JSON round trip turns tuples (intervals) into lists.
    loaded: dict[str, Any] = json.loads(json.dumps(plain, allow_nan=False))
    return loaded


def row_json(row: Row) -> dict[str, Any]:
    """Return a row as in report.json: without `answer_type`, or with it and then with `language` as the last key."""
    plain: dict[str, Any] = msgspec.to_builtins(row)
    if row.answer_type is None:
        del plain["answer_type"]
    else:
        plain["language"] = plain.pop("language")
    return plain


def read_report_json(plain: object) -> Report:
    """Return the record of a parsed report.json.

    Raises:
        msgspec.ValidationError: A field is missing or has another type.
    """
    return msgspec.convert(plain, Report)
