"""The headline: variant, verbs and numbers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.records import Rate, Validity
from lm_eval_illusion.report.headline import headline, headline_parts, worst_row
from tests.report.report_examples import make_report, record

NOT_DENSE = record(make_report(variants=(("wanda-0.7", "wanda", 0.7),), items=4)[0])
COMPARED = record(make_report(items=4)[0])
COMPARISON = next(row.vs_dense for row in COMPARED.rows if row.vs_dense)


def report_of(*rows, families=("xquad",)):
    """Return a report with pooled rows, each (variant, vs_dense)."""
    entry, row = NOT_DENSE.variants[0], NOT_DENSE.rows[0]
    accuracies = {"recognition_accuracy": Rate(0.796, None), "production_accuracy": Rate(0.201, None)}
    return replace(
        NOT_DENSE,
        variants=[replace(entry, variant=name, pruner="none" if name == "dense" else "wanda") for name, _ in rows],
        rows=[
            replace(
                row,
                variant=name,
                family=family,
                n=3600,
                illusion_gap=Rate(0.595, None),
                vs_dense=vs_dense,
                **accuracies,
            )
            for family in families
            for name, vs_dense in rows
        ],
    )


def change(recognition, production, known=3571, induced=1402):
    return replace(
        COMPARISON,
        known=known,
        induced_recognition_only=induced,
        recognition_change=Rate(recognition, None),
        production_change=Rate(production, None),
        gap_change=Rate(None if recognition is None else recognition - production, None),
    )


@pytest.mark.parametrize(
    ("recognition", "production", "text"),
    [
        (-0.172, -0.554, "recognition fell by 17.2 points, production by 55.4;"),
        (0.031, -0.2, "recognition rose by 3.1 points, production fell by 20.0;"),
        (0.031, 0.2, "recognition rose by 3.1 points, production by 20.0;"),
        (-0.0001, -0.2, "recognition did not change, production fell by 20.0 points;"),
        (-0.2, -0.0004, "recognition fell by 20.0 points, production did not change;"),
        (0.0, -0.0, "recognition did not change, production did not change;"),
        (-0.01, -0.02, "recognition fell by 1.0 point, production by 2.0;"),
    ],
)
def test_verbs(recognition, production, text):
    sentence = headline(report_of(("dense", None), ("wanda-0.7", change(recognition, production))))
    assert sentence.startswith(f"wanda-0.7 of Qwen3-8B: {text}")
    assert " 0.0 point" not in sentence
    assert "-0" not in sentence.replace("wanda-0", "")


@pytest.mark.parametrize(
    ("known", "induced", "text"),
    [
        (3571, 1402, "of 3,571 answers that the dense model gave, 1,402 (39 %) are still recognised and no longer produced."),
        (10, 1, "of 10 answers that the dense model gave, 1 (10 %) is still recognised and no longer produced."),
        (1, 1, "of 1 answer that the dense model gave, 1 (100 %) is still recognised and no longer produced."),
        (10, 0, "of 10 answers that the dense model gave, none is still recognised and no longer produced."),
        (0, 0, "the dense model gave no right answer, so there was none to lose."),
    ],
)
def test_known_items(known, induced, text):
    sentence = headline(report_of(("dense", None), ("wanda-0.7", change(-0.1, -0.2, known, induced))))
    assert sentence.endswith(f"; {text}")


def test_the_worst_is_the_one_whose_gap_grew_most():
    report = report_of(
        ("dense", None), ("wanda-0.5", change(-0.1, -0.2)), ("wanda-0.7", change(-0.1, -0.5)), ("wanda-0.9", change(-0.7, -0.7))
    )
    assert worst_row(report).variant == "wanda-0.7"


def test_several_families_are_named():
    report = report_of(("dense", None), ("wanda-0.7", change(-0.1, -0.5)), families=("xquad", "tydiqa"))
    assert headline(report).startswith("wanda-0.7 of Qwen3-8B, on xquad: ")


def test_without_a_dense_run():
    assert headline(report_of(("wanda-0.7", None))) == (
        "wanda-0.7 of Qwen3-8B: 79.6 % of 3,600 items are recognised, 20.1 % produced, a gap of 59.5 points;"
        " no dense run was given to compare it with."
    )


def test_recognition_by_a_generated_letter_is_called_that():
    """No one takes it for recognition by scores: the metric stands beside the number."""
    alone = replace(report_of(("wanda-0.7", None)), recognition_metric="recognised_by_letter")
    assert "79.6 % of 3,600 items are recognised by a generated letter, 20.1 % produced" in headline(alone)
    changed = replace(report_of(("wanda-0.7", change(-0.172, -0.554))), recognition_metric="recognised_by_letter")
    assert "recognition by a generated letter fell by 17.2 points, production by 55.4;" in headline(changed)
    scored = replace(changed, recognition_metric="letters")
    assert "recognition fell by 17.2 points" in headline(scored)


def test_without_a_pruned_variant():
    assert headline(report_of(("dense", None))).endswith("a gap of 59.5 points; no compressed variant was given.")


def test_the_headline_of_a_report_without_defined_numbers():
    report = report_of(("wanda-0.7", change(None, None)))
    report = replace(report, rows=[replace(report.rows[0], illusion_gap=Rate(None, None))])
    assert headline(report) == "Nothing was measured: no item has a defined recognition and production."
    assert headline(tabulate([])) == headline(report)


def test_headline_of_an_example_report():
    report = record(make_report()[0])
    row = worst_row(report)
    assert headline(report).startswith(f"{row.variant} of Qwen3-8B: recognition fell by ")


FLOOR = "dense production is at the floor (below 5 %): apply the template"
RAISED = "one example raises it: apply the template"


def with_validity(report, **reasons_of):
    """Return the report whose rows of these families (or languages, or else "all") are not valid for these reasons, others are valid."""
    return replace(
        report,
        rows=[
            replace(row, validity=Validity(not reasons, list(reasons)))
            for row in report.rows
            for reasons in [reasons_of.get(row.family) or reasons_of.get(row.language) or ()]
        ],
    )


def test_nothing_is_claimed_where_the_dense_model_was_not_measured():
    report = with_validity(report_of(("dense", None), ("wanda-0.7", change(-0.1, -0.5))), all=(FLOOR, RAISED))
    assert headline(report) == (
        "No illusion is claimed for Qwen3-8B: dense production is at the floor (below 5 %) and one example raises it."
        " What to change: apply the template."
    )
    assert worst_row(report) is None
    # Also without a compressed variant.
    assert headline(with_validity(report_of(("dense", None)), all=(FLOOR,))).startswith("No illusion is claimed for Qwen3-8B: ")


def test_what_is_valid_is_claimed_and_what_is_not_is_named():
    report = report_of(
        ("dense", None), ("wanda-0.7", change(-0.1, -0.5)), ("wanda-0.9", change(-0.1, -0.9)), families=("a", "b")
    )
    sentence = headline(with_validity(report, b=(FLOOR,)))
    assert sentence.startswith("wanda-0.9 of Qwen3-8B, on a: recognition fell by 10.0 points, production by 90.0;")
    assert sentence.endswith(
        " No illusion is claimed for Qwen3-8B on b: dense production is at the floor (below 5 %). What to change: apply the template."
    )
    # The worse family is the one that is not valid.
    rows = [
        row if row.family == "b" or row.vs_dense is None else replace(row, vs_dense=change(-0.1, -0.2)) for row in report.rows
    ]
    assert worst_row(with_validity(replace(report, rows=rows), b=(FLOOR,))).family == "a"


def test_languages_that_are_not_valid_are_named():
    report = record(make_report(items=4)[0])
    assert headline(with_validity(report)) == headline(report)
    sentence = headline(with_validity(report, ar=(FLOOR,), th=(RAISED, FLOOR)))
    assert sentence.startswith(headline(report))
    # The page shows the first part large, and every other one below it.
    assert headline_parts(with_validity(report, ar=(FLOOR,), th=(RAISED, FLOOR)))[0] == headline(report)
    assert sentence.endswith(
        " Not valid in 2 of 4 languages of Qwen3-8B (ar, th): dense production is at the floor (below 5 %) and one example raises it."
        " What to change: apply the template."
    )


def test_a_verdict_that_is_not_known_changes_nothing():
    report = report_of(("wanda-0.7", None))
    unknown = replace(report, rows=[replace(row, validity=Validity(None, ["no dense run"])) for row in report.rows])
    assert headline(unknown) == headline(report)
