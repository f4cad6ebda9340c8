"""The validity verdict: whether the open view measures what the dense model knows, or a fault of the setup.

A model that ends its turn at once, or answers in its own form until it has seen an example, produces little also where it knows the
answer. Every number about compression would then be about the prompt. The verdict is about the dense model, whose answers compression
did not change; the rows of its pruned variants have the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from lm_eval_illusion.analysis.records import Row, Validity
from lm_eval_illusion.results.outcomes import POOLED, WITHOUT_LANGUAGE, Outcome
from lm_eval_illusion.results.results_file import TEMPLATE_ABSENT, TEMPLATE_APPLIED, TEMPLATE_NOT_APPLIED

FLOOR_PER_CENT = 5
"""Dense production is at the floor if it is below this share of the items, and so always if no item is produced.

Of 200 items fewer than 10 are then known. The interval of a share of 10 items is up to 53 points wide.
"""
RISE_IN_POINTS = 15
"""If one example raises dense production by more, the form of the answers decides what is produced."""
EMPTY_PER_CENT = 10
"""If more of the dense answers are empty, the model often ends its turn before it answers."""
EXAMPLE = "oneshot"
"""The recovery strategy with one example in the prompt."""

AT_FLOOR = f"dense production is at the floor (below {FLOOR_PER_CENT} %)"
RAISED_BY_EXAMPLE = f"one example raises dense production by more than {RISE_IN_POINTS} points"
MANY_EMPTY = f"more than {EMPTY_PER_CENT} % of the dense answers are empty"
NO_DENSE = "the dense model was not evaluated here: run it with pruner=none on the same tasks"

APPLY_TEMPLATE = "apply the chat template of the model's tokenizer, with --apply_chat_template"
APPLY_TEMPLATE_IF_ANY = "if the model's tokenizer has a chat template, apply it with --apply_chat_template"
COMPARE_AFTER_EXAMPLE = (
    f"compare the answers after one example instead, with report --pair FAMILY_LANG_mc=FAMILY_LANG_{EXAMPLE} --on id"
)
TRY_EXAMPLE = f"run the view {EXAMPLE}, which shows whether the model answers after an example"
ASK_FOR_BARE_ANSWER = "ask for the bare answer with --system_instruction, or compare the answers after one example"
READ_ANSWERS = "read the dense answers in the item browser, and take items that the dense model answers"


def with_validity(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> list[Row]:
    """Return the rows with the verdict on the dense model of the same base model, family and language.

    `outcomes` are those of all variants. A row over all languages has the verdict on all of them, and so has a row of one answer type: the
    setup does not depend on the answer, and a rare type has few items.
    """
    verdicts = verdicts_of(outcomes)
    unknown = Validity(None, [NO_DENSE])
    return [replace(row, validity=verdicts.get((row.base_model, row.family, row.language), unknown)) for row in rows]


def verdicts_of(outcomes: Sequence[Outcome]) -> Mapping[tuple[str, str, str], Validity]:
    """Return the verdict for each base model, family and language of which there are outcomes of the dense model, POOLED included."""
    dense: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.variant.is_dense:
            for language in {POOLED, outcome.language} - {WITHOUT_LANGUAGE}:
                dense[outcome.variant.base_model, outcome.family, language].append(outcome)
    return {key: validity_of(group) for key, group in dense.items()}


def validity_of(dense: Sequence[Outcome]) -> Validity:
    """Return the verdict on outcomes of a dense model, at least one.

    A check whose view did not run, or whose answers were not judged, is left out. No check asks whether its share could be chance: with
    few items the verdict is as uncertain as all other numbers, and it is better not to claim an effect.
    """
    reasons = [f"{problem}: {_remedy(problem, dense)}" for problem in _problems(dense)]
    return Validity(not reasons, reasons)


def _problems(dense: Sequence[Outcome]) -> Iterator[str]:
    produced = sum(outcome.produced for outcome in dense)
    if 100 * produced < FLOOR_PER_CENT * len(dense):
        yield AT_FLOOR
    if _is_raised_by_example(dense):
        yield RAISED_BY_EXAMPLE
    if 100 * sum(outcome.failure_mode == "empty" for outcome in dense) > EMPTY_PER_CENT * len(dense):
        yield MANY_EMPTY


def _is_raised_by_example(dense: Sequence[Outcome]) -> bool:
    tried = [outcome for outcome in dense if EXAMPLE in outcome.recovered]
    rise = sum(outcome.recovered[EXAMPLE] - outcome.produced for outcome in tried)
    return 100 * rise > RISE_IN_POINTS * len(tried)


def _remedy(problem: str, dense: Sequence[Outcome]) -> str:
    """Return what to change about a problem of the open view; it depends on whether the prompts were made by a chat template."""
    templates = {outcome.chat_template for outcome in dense}
    template = templates.pop() if len(templates) == 1 else None
    if template == TEMPLATE_NOT_APPLIED:
        return APPLY_TEMPLATE
    if _is_raised_by_example(dense):
        after_example = ASK_FOR_BARE_ANSWER if template == TEMPLATE_APPLIED else COMPARE_AFTER_EXAMPLE
    elif any(EXAMPLE in outcome.recovered for outcome in dense):
        after_example = READ_ANSWERS
    else:
        after_example = TRY_EXAMPLE
    return (
        after_example if template in (TEMPLATE_APPLIED, TEMPLATE_ABSENT) else f"{APPLY_TEMPLATE_IF_ANY}; else {after_example}"
    )
