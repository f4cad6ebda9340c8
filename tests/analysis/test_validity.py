"""The validity verdict: three checks of the dense model, at their bounds, and the advice that fits the run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.records import Validity
from lm_eval_illusion.analysis.validity import (
    APPLY_TEMPLATE,
    APPLY_TEMPLATE_IF_ANY,
    ASK_FOR_BARE_ANSWER,
    AT_FLOOR,
    COMPARE_AFTER_EXAMPLE,
    MANY_EMPTY,
    NO_DENSE,
    RAISED_BY_EXAMPLE,
    READ_ANSWERS,
    TRY_EXAMPLE,
    validity_of,
)
from tests.outcome_examples import DENSE, WANDA, outcomes


def answers(produced, of, after_example=None, empty=0, **fields):
    """Outcomes of the dense model: the first `produced` items are produced, the last `empty` not produced ones are empty.

    `after_example`: how many items are produced after one example, from the last; None if that view did not run.
    """
    made = outcomes("b" * produced + "r" * (of - produced), variant=DENSE, **fields)
    made = [replace(o, failure_mode="empty") if i >= of - empty else o for i, o in enumerate(made)]
    if after_example is None:
        return made
    return [replace(o, recovered={"oneshot": i >= of - after_example}) for i, o in enumerate(made)]


def problems(dense):
    verdict = validity_of(dense)
    assert verdict.ok is (not verdict.reasons)
    return [reason.partition(": ")[0] for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("dense", "found"),
    [
        # 5 % of 200 are 10.
        (answers(10, 200), []),
        (answers(9, 200), [AT_FLOOR]),
        # Of few items no share lies between 0 and 5 %. No item is known, whatever their number.
        (answers(1, 20), []),
        (answers(0, 20), [AT_FLOOR]),
        (answers(0, 1), [AT_FLOOR]),
        # 15 points of 200 are 30 items, exactly that is not more.
        (answers(100, 200, after_example=130), []),
        (answers(100, 200, after_example=131), [RAISED_BY_EXAMPLE]),
        (answers(100, 200, after_example=60), []),
        # In floating point, 0.65 - 0.5 is more than 0.15.
        (answers(10, 20, after_example=13), []),
        (answers(10, 20, after_example=14), [RAISED_BY_EXAMPLE]),
        # 10 % of 50 are 5.
        (answers(40, 50, empty=5), []),
        (answers(40, 50, empty=6), [MANY_EMPTY]),
        (answers(0, 200, after_example=81, empty=190), [AT_FLOOR, RAISED_BY_EXAMPLE, MANY_EMPTY]),
    ],
)
def test_each_check_at_its_bound(dense, found):
    assert problems(dense) == found


def test_the_example_is_compared_over_the_items_that_it_was_asked_for():
    # 4 of 5 with the example, 2 of the same 5 without; the other 95 items, of a language without that view, are all produced.
    asked, others = answers(2, 5, after_example=4), answers(95, 95)
    assert problems([*asked, *others]) == [RAISED_BY_EXAMPLE]
    # Other ways of failing than to say nothing are no fault of the setup.
    loops = [replace(o, failure_mode=None if o.produced else "repetition") for o in answers(10, 20)]
    assert problems(loops) == []


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_checks_are_those_of_the_issue(items):
    dense = [
        replace(o, produced=made, recovered={"oneshot": after}, failure_mode="empty" if empty and not made else None)
        for o, (made, after, empty) in zip(answers(0, len(items)), items, strict=True)
    ]
    n = len(items)
    # In units of a hundredth of an item, so that nothing is rounded.
    production, with_example = 100 * sum(made for made, _, _ in items), 100 * sum(after for _, after, _ in items)
    empty = 100 * sum(is_empty and not made for made, _, is_empty in items)
    expected = [
        *([AT_FLOOR] if production < 5 * n else []),
        *([RAISED_BY_EXAMPLE] if with_example - production > 15 * n else []),
        *([MANY_EMPTY] if empty > 10 * n else []),
    ]
    assert problems(dense) == expected


@pytest.mark.parametrize(
    ("template", "dense", "advice"),
    [
        ("not applied", {"after_example": 10}, APPLY_TEMPLATE),
        ("not applied", {}, APPLY_TEMPLATE),
        # A base model has no template to apply: it answers after an example, or it does not.
        ("absent", {"after_example": 10}, COMPARE_AFTER_EXAMPLE),
        ("absent", {"after_example": 0}, READ_ANSWERS),
        ("absent", {}, TRY_EXAMPLE),
        ("applied", {"after_example": 10}, ASK_FOR_BARE_ANSWER),
        ("applied", {"after_example": 0}, READ_ANSWERS),
        # Another backend does not tell whether the tokenizer has one.
        (None, {"after_example": 10}, f"{APPLY_TEMPLATE_IF_ANY}; else {COMPARE_AFTER_EXAMPLE}"),
        (None, {"after_example": 0}, f"{APPLY_TEMPLATE_IF_ANY}; else {READ_ANSWERS}"),
    ],
)
def test_the_advice_fits_the_run(template, dense, advice):
    verdict = validity_of(answers(0, 40, **dense, chat_template=template))
    assert {reason.partition(": ")[2] for reason in verdict.reasons} == {advice}


def test_runs_with_and_without_a_template_get_the_advice_for_an_unknown_one():
    dense = [*answers(0, 5, chat_template="applied"), *answers(0, 5, chat_template="not applied")]
    assert validity_of(dense).reasons == [f"{AT_FLOOR}: {APPLY_TEMPLATE_IF_ANY}; else {TRY_EXAMPLE}"]


def test_a_row_has_the_verdict_on_the_dense_model_in_its_language_and_family():
    def both(produced, **fields):
        dense = [replace(o, **fields) for o in answers(produced, 20)]
        return [*dense, *(replace(o, variant=WANDA, produced=False) for o in dense)]

    other = replace(WANDA, base_model="other")
    report = tabulate(
        [
            *both(15, language="en"),
            *both(0, language="fi"),
            *both(0, family="xquad"),
            # Without a dense run; what the pruned model produces does not matter.
            *(replace(o, variant=other) for o in answers(20, 20)),
        ]
    )
    floor = Validity(False, [f"{AT_FLOOR}: {APPLY_TEMPLATE_IF_ANY}; else {TRY_EXAMPLE}"])
    verdicts = {(row.base_model, row.variant, row.family, row.language): row.validity for row in report.rows}
    for variant in ("dense", "wanda-0.6"):
        of = {key[2:]: verdict for key, verdict in verdicts.items() if key[:2] == ("tiny", variant)}
        assert of == {
            ("mqa_illusion", "all"): Validity(True, []),  # 15 of 40
            ("mqa_illusion", "en"): Validity(True, []),
            ("mqa_illusion", "fi"): floor,
            ("xquad", "all"): floor,
            ("xquad", "en"): floor,
        }
    unknown = [verdict for key, verdict in verdicts.items() if key[0] == "other"]
    assert unknown == [Validity(None, [NO_DENSE])] * 2
    assert {(entry.base_model, entry.family): entry.validity.ok for entry in report.leaderboard} == {
        ("tiny", "mqa_illusion"): True,
        ("tiny", "xquad"): False,
        ("other", "mqa_illusion"): None,
    }


def test_a_row_of_one_answer_type_has_the_verdict_on_all_of_them():
    # Of the three dates none is produced: too few to say anything about the setup.
    dense = [*answers(20, 30, answer_type="name"), *(replace(o, id=f"date {o.id}") for o in answers(0, 3, answer_type="date"))]
    report = tabulate(dense)
    assert {row.answer_type: row.validity.ok for row in report.answer_type_rows} == {"name": True, "date": True}
