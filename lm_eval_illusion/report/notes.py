"""Caveats about the runs of a report: gaps, mixed versions, missing views, invalid outcomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lm_eval_illusion.embedded import EMBEDDED, FAMILY, resolve_pretrained
from lm_eval_illusion.report.engine_notes import engines_and_dtypes
from lm_eval_illusion.report.shown import shown_name
from lm_eval_illusion.results import join_truncated
from lm_eval_illusion.results.dense_files import stands_for_dense
from lm_eval_illusion.results.join_views import BY_LETTER, DEFAULT_RECOGNITION
from lm_eval_illusion.results.judge_files import OUTDATED
from lm_eval_illusion.results.outcomes import BASELINE, GOLD_SCORES, SINGLE_BEAM_STRATEGIES, WITHOUT_LANGUAGE, Outcome
from lm_eval_illusion.results.rules_version import TODAYS_VERSION, rules_version_of
from lm_eval_illusion.results.runs import Run
from lm_eval_illusion.results.same_base import unchecked_bases
from lm_eval_illusion.results.variants import Variant

MOST_NAMES = 40
"""The largest number of names in a note; of more, it tells how many there are."""
EMBEDDED_NOTE = (
    "The embedded model was trained on these very facts, and only so far that the effect shows:"
    " a demonstration, no evidence about large models."
)
"""For the embedded model in the family with the facts that it was trained on."""
OTHER_FAMILY_NOTE = (
    f"The embedded model has a million parameters and was trained on the facts of {FAMILY} alone:"
    " its numbers in {families} are no evidence about large models."
)
"""For the embedded model in another family."""


def notes_of(
    outcomes: Sequence[Outcome],
    runs: Sequence[Run] = (),
    equal_samples: Sequence[Variant] = (),
    recognition: str = DEFAULT_RECOGNITION,
) -> list[str]:
    """Return the caveats that apply to these outcomes and to the runs that they were read from, one sentence each.

    `recognition`: the criterion that they were read by.
    `equal_samples`: the variants of which all samples of each item are equal.
    """
    variants = {outcome.variant for outcome in outcomes}
    notes = _about_the_embedded_model(outcomes) + _files_for_dense(variants)
    if recognition in BY_LETTER:
        notes.append(
            f"recognition is by a letter that the model generated ({recognition}), not by the scores of the options: its rates and gaps"
            " are not comparable with those of reports by scores. A server that does not constrain the answer gives more invalid ones."
        )
    of_one_beam = [outcome for outcome in outcomes if outcome.variant.beams_are_top1]
    for strategy in SINGLE_BEAM_STRATEGIES:
        top1 = sorted({outcome.variant.variant for outcome in of_one_beam if strategy in outcome.recovered})
        if top1:
            notes.append(f"{strategy} is the best beam only for {_listed(top1)}: that backend returns no other.")
    # Documents of other tasks have no language; no view could give them a rank.
    ours = [outcome for outcome in outcomes if outcome.language != WITHOUT_LANGUAGE]
    unranked = sorted({outcome.variant.variant for outcome in ours if outcome.gold_rank is None})
    if unranked:
        notes.append(
            f"no gold rank for some items of {_listed(unranked)}: the backend gave none, it was not finite, the view"
            f" {GOLD_SCORES.name} did not run, or an older version of this package ranked the line break at the end of a chat prompt."
        )
    if any(outcome.question_blind is None for outcome in ours):
        notes.append(
            f"no question-blind baseline for some items: the view {BASELINE.name} did not run, or recognition is by letters."
        )
    invalid = sum(outcome.invalid for outcome in outcomes)
    if invalid:
        notes.append(
            f"{invalid} outcomes are invalid (a tie for the top score, NaN, or a generated answer that is no letter) and count as not"
            " recognised."
        )
    if equal_samples:
        names = _listed(f"{variant.variant} of {variant.base_model}" for variant in equal_samples)
        notes.append(
            f"all samples of each item are equal for {names}: the engine used one seed for them, did not sample, or every answer is certain"
            " or empty. Recovery by sample is then that of one answer; --model served gives each sample a seed of its own."
        )
    notes += _asked_otherwise(outcomes)
    notes += _outdated_verdicts(outcomes)
    keys = {variant.key for variant in variants}
    evaluated = [run for run in runs if run.variant.key in keys]
    return (
        notes
        + _older_rules(outcomes)
        + _gaps(outcomes)
        + _mixed_versions(runs)
        + unchecked_bases(evaluated)
        + engines_and_dtypes([run.variant for run in evaluated] or variants)
    )


def _asked_otherwise(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a note for each family with items whose options are answers of questions that ask for another kind of thing."""
    strangers: dict[str, dict[tuple[str, str], bool]] = defaultdict(dict)
    for outcome in outcomes:
        if outcome.asked_otherwise is not None:
            strangers[outcome.family][outcome.language, outcome.id] = outcome.asked_otherwise
    return [
        f"{sum(items.values())} of {len(items)} items of {shown_name(family)} have options that are asked otherwise, such as a name beside"
        " a thing: they are easier to recognise, and pair --strict drops them."
        for family, items in sorted(strangers.items())
        if any(items.values())
    ]


def _older_rules(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a note if other rules than those of this version of the package judged the answers."""
    version = rules_version_of(outcomes)
    if version is None or version == TODAYS_VERSION:
        return []
    remedy = (
        "lm-eval-illusion rescore RUNS applies today's rules, without a model"
        if version < TODAYS_VERSION
        else "update this package to compare with other runs"
    )
    return [f"version {version} of the matching rules judged the answers, that of today is {TODAYS_VERSION}: {remedy}."]


def _outdated_verdicts(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a note for each judge with verdicts about other responses than those of the samples."""
    outdated = Counter(judge for outcome in outcomes for judge, verdict in outcome.verdicts.items() if verdict == OUTDATED)
    return [
        f"{number} verdicts of {shown_name(judge.name)} are ignored: they are about other responses or items than those of the samples."
        for judge, number in sorted(outdated.items())
    ]


def _about_the_embedded_model(outcomes: Sequence[Outcome]) -> list[str]:
    names = (EMBEDDED, resolve_pretrained(EMBEDDED))
    families = {outcome.family for outcome in outcomes if outcome.variant.base_model in names}
    others = _listed(sorted(families - {FAMILY}))
    return [
        *([EMBEDDED_NOTE] if FAMILY in families else []),
        *([OTHER_FAMILY_NOTE.format(families=others)] if others else []),
    ]


def _files_for_dense(variants: Iterable[Variant]) -> list[str]:
    """Return a note for each base model without a dense run, of which a GGUF file stands for the dense model."""
    return [
        f"{shown_name(variant.base_model)} has no run of its dense model: {shown_name(variant.variant)}, its GGUF file with the most bits"
        " per weight, stands for it."
        for variant in sorted(variants, key=lambda it: it.key)
        if stands_for_dense(variant)
    ]


def _gaps(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a note for each variant that was evaluated on fewer items than others of its base model: its pooled rows cover fewer."""
    items: dict[tuple[str, str], dict[str, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    for outcome in outcomes:
        items[outcome.variant.base_model, outcome.family][outcome.variant.variant].add((outcome.language, outcome.id))
    return [note for (model, family), by_variant in items.items() for note in _gaps_of(model, family, by_variant)]


def _gaps_of(model: str, family: str, by_variant: Mapping[str, set[tuple[str, str]]]) -> Iterator[str]:
    everything = set().union(*by_variant.values())
    languages = {language for language, _ in everything}
    model, family = shown_name(model), shown_name(family)
    for variant, items in sorted(by_variant.items()):
        name = f"{shown_name(variant)} of {model}"
        missing = _listed(sorted(languages - {language for language, _ in items}))
        if missing:
            yield f"{name} was not evaluated on {family} in {missing}: its pooled rows lack these languages."
        elif len(items) < len(everything):
            yield (
                f"{name} was evaluated on {len(items)} of the {len(everything)} items of {family}: it is compared with"
                " the dense model over the items of both, its other numbers are over its own items."
            )


def _mixed_versions(runs: Sequence[Run]) -> list[str]:
    versions = sorted({str(version) for run in runs if (version := run.results.lm_eval_version)})
    if len(versions) < 2:
        return []
    return [
        f"runs of lm_eval {' and '.join(map(shown_name, versions[:MOST_NAMES]))} are mixed: a task may have changed between them."
    ]


def _listed(names: Iterable[str]) -> str:
    return join_truncated(map(shown_name, names), MOST_NAMES)
