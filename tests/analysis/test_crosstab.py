"""Outcome classes and rates against values computed by hand and by brute force, and their properties."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion import cross_tabulate
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.outcomes import Outcome
from tests.analysis.plain_rows import row_of
from tests.outcome_examples import DENSE, WANDA


def outcome(
    recognised=False,
    produced=False,
    rank=None,
    recovered=None,
    *,
    lang="en",
    variant=WANDA,
    item_id="a",
    invalid=False,
):
    return Outcome(
        variant,
        "results_x.json",
        "mqa_illusion",
        lang,
        item_id,
        recognised,
        invalid,
        produced,
        rank,
        recovered or {},
    )


def test_a_row_by_hand():
    none = {"beam": False, "sample": False}
    eight = [
        outcome(True, True, 1, {"beam": True, "sample": True}),
        outcome(True, True, 1, {"beam": True, "sample": False}),
        outcome(True, False, 2, {"beam": True, "sample": False}),  # demoted: beam, rank
        outcome(True, False, 11, {"beam": False, "sample": True}),  # demoted: sample
        outcome(True, False, 10, none),  # demoted: rank
        outcome(True, False, 400, none),  # erased
        outcome(False, True, 1, none),
        outcome(False, False, 900, none, invalid=True),
    ]
    row = row_of([replace(example, id=str(number)) for number, example in enumerate(eight)])
    assert (row["n"], row["invalid"]) == (8, 1)
    assert row["cells"] == {"both": 2, "recognition_only": 4, "production_only": 1, "neither": 1}
    assert row["recognition_accuracy"]["value"] == 6 / 8
    assert row["production_accuracy"]["value"] == 3 / 8
    assert row["illusion_gap"]["value"] == 3 / 8
    assert row["recognition_only_rate"]["value"] == 4 / 8
    assert row["recognition_only_share"]["value"] == 4 / 6
    counts = {name: (by["n"], by["recovered"], by["value"]) for name, by in row["recovery"].items()}
    assert counts == {"beam": (4, 1, 0.25), "sample": (4, 1, 0.25), "any": (4, 2, 0.5)}
    # ranks of the errors: 2, 10, 11, 400; the median lies between 10 and 11; 0.9 x 4 = 3.6, hence p90 is the fourth
    assert row["gold_rank"] == {"median": 10.5, "p90": 400, "share_at_most_10": 0.5}
    assert (row["demoted"]["value"], row["erased"]["value"]) == (0.75, 0.25)
    # the error of rank 2 was recovered by beam search, that of rank 11 by a sample; those of ranks 10 and 400 were not
    by_rank = {by["ranks"]: (by["n"], by["recovered"]) for by in row["recovery_by_rank"]}
    assert by_rank == {"1": (0, 0), "2": (1, 1), "3-5": (0, 0), "6-10": (1, 0), "11-100": (1, 1), ">100": (1, 0)}
    # Wilson of 4 of 8 is symmetric about a half: 0.5 +- z sqrt(0.25/8 + z2/256) / (1 + z2/8) = 0.5 +- 0.2848
    assert row["recognition_only_rate"]["ci"] == pytest.approx([0.2152, 0.7848], abs=1e-4)


def test_an_undefined_value_is_null_and_never_0():
    row = row_of([outcome(False, True), outcome(False, False)])
    assert row["recognition_only_share"] == {"value": None, "ci": None}
    assert row["gold_rank"] == {"median": None, "p90": None, "share_at_most_10": None}
    assert row["demoted"] == row["erased"] == {"value": None, "ci": None}
    assert row["recovery"] == {}
    assert row["recognition_only_rate"]["value"] == 0


def test_errors_without_strategy_and_rank_are_neither_demoted_nor_erased():
    assert row_of([outcome(True, False)])["erased"]["value"] is None
    assert row_of([outcome(True, False), outcome(True, False, 5)])["demoted"]["value"] == 1


def test_a_recovery_rate_is_taken_over_the_errors_with_that_strategy():
    row = row_of([outcome(True, False, 20, {"beam": True}), outcome(True, False, 20, {})])
    assert (row["recovery"]["beam"]["n"], row["recovery"]["any"]["n"]) == (1, 1)


def test_the_report_has_the_schema_and_a_pooled_row_first():
    outcomes = [outcome(True, lang=lang, variant=variant) for lang in ("zh", "en") for variant in (WANDA, DENSE)]
    report = cross_tabulate(outcomes)
    assert set(report) == {
        *("schema", "recognition_metric", "production_metric", "variants", "rows"),
        *("answer_type_rows", "leaderboard", "calibration_languages", "noise", "rules_version"),
    }
    assert [(row["variant"], row["language"], row["n"]) for row in report["rows"]] == [
        ("dense", "all", 2),
        ("dense", "en", 1),
        ("dense", "zh", 1),
        ("wanda-0.6", "all", 2),
        ("wanda-0.6", "en", 1),
        ("wanda-0.6", "zh", 1),
    ]
    assert [variant["sparsity_measured"] for variant in report["variants"]] == [0.0, 0.5998]
    assert [variant["bits_measured"] for variant in report["variants"]] == [None, None]
    assert set(report["rows"][0]) == {
        *("base_model", "variant", "family", "language", "n", "invalid", "cells", "recognition_accuracy"),
        *(
            "production_accuracy",
            "illusion_gap",
            "recognition_only_rate",
            "recognition_only_share",
            "recovery",
            "recovery_by_rank",
            "gold_rank",
        ),
        *(
            "demoted",
            "erased",
            "candidates_without_gold",
            "question_blind",
            "in_passage",
            "vs_dense",
            "failure_modes",
            "judges",
            "validity",
            "exact_match",
            "beyond_exact",
            "match_rules",
            "asked_otherwise",
        ),
    }


outcomes_strategy = st.lists(
    st.builds(
        outcome,
        st.booleans(),
        st.booleans(),
        st.none() | st.integers(1, 50),
        st.dictionaries(st.sampled_from(["beam", "sample", "oneshot"]), st.booleans()),
        lang=st.sampled_from(["en", "zh"]),
        variant=st.sampled_from([WANDA, DENSE]),
        item_id=st.sampled_from("abcdefgh"),
    ),
    max_size=30,
    unique_by=lambda drawn: (drawn.variant.variant, drawn.language, drawn.id),
)


@given(outcomes_strategy)
def test_properties_of_every_row(outcomes):
    report = cross_tabulate(outcomes)
    for row in report["rows"]:
        cells = row["cells"]
        assert sum(cells.values()) == row["n"]
        gap = row["recognition_accuracy"]["value"] - row["production_accuracy"]["value"]
        assert row["illusion_gap"]["value"] == pytest.approx(gap)
        for by in row["recovery"].values():
            assert by["n"] <= cells["recognition_only"]
        if row["demoted"]["value"] is not None:
            assert row["demoted"]["value"] + row["erased"]["value"] == pytest.approx(1)
        if "any" in row["recovery"] and row["recovery"]["any"]["n"]:
            best = max(by["recovered"] for name, by in row["recovery"].items() if name != "any")
            assert row["recovery"]["any"]["recovered"] >= best
    pooled = sum(row["n"] for row in report["rows"] if row["language"] == "all")
    assert pooled == len(outcomes)
    json.dumps(report, allow_nan=False)


@given(outcomes_strategy, st.integers())
def test_the_order_of_the_rows_changes_nothing(outcomes, seed):
    shuffled = list(outcomes)
    random.Random(seed).shuffle(shuffled)
    assert cross_tabulate(outcomes) == cross_tabulate(shuffled)


def test_a_duplicate_item_is_an_error():
    with pytest.raises(UserError, match=r"item a of mqa_illusion in en is twice in wanda-0\.6 of tiny"):
        cross_tabulate([outcome(True), outcome(False)])


def test_answer_types_have_rows_if_there_are_several():
    examples = [
        replace(outcome(True, lang=lang), id=kind, answer_type=kind) for lang in ("en", "zh") for kind in ("date", "name")
    ]
    rows = cross_tabulate(examples)["answer_type_rows"]
    assert [(row["answer_type"], row["language"], row["n"]) for row in rows] == [("date", "all", 2), ("name", "all", 2)]
    assert cross_tabulate(examples[::2])["answer_type_rows"] == []


def test_parallel_items_are_one_cluster():
    # 10 items with the same result in 4 languages: the interval is that of 10 rows, not of 40. Wilson of 5 of 10: [0.2366, 0.7634].
    examples = [
        replace(outcome(number < 5, lang=lang), id=str(number)) for number in range(10) for lang in ("en", "fi", "te", "zh")
    ]
    low, high = cross_tabulate(examples)["rows"][0]["recognition_accuracy"]["ci"]
    assert high - low >= 0.7634 - 0.2366
    assert (low + high) / 2 == pytest.approx(0.5)


@given(outcomes_strategy)
def test_outcome_classes_by_brute_force(outcomes):
    row = row_of(outcomes)
    for name, recognised, produced in (
        ("both", True, True),
        ("recognition_only", True, False),
        ("production_only", False, True),
        ("neither", False, False),
    ):
        assert row["cells"][name] == len([o for o in outcomes if o.recognised == recognised and o.produced == produced])


@pytest.mark.parametrize(
    ("identities", "is_refused"),
    [(("k1", "k2"), True), (("k1", "k1"), False), (("k1", ""), False), (("None", "k1", ""), False), (("", "k1", "k2"), True)],
)
def test_two_checkpoints_of_one_name_are_refused_and_an_unknown_one_is_not(identities, is_refused):
    # The tasks have no item in common, so nothing else would show that these are two models.
    examples = [
        outcome(variant=replace(WANDA, identity=identity), lang=f"lang {number}") for number, identity in enumerate(identities)
    ]
    if is_refused:
        with pytest.raises(UserError, match=r"different checkpoints of the name wanda-0\.6 of tiny \(k1 and k2\)"):
            cross_tabulate(examples)
    else:
        assert cross_tabulate(examples)["rows"][0]["n"] == len(examples)


def test_items_whose_options_are_asked_otherwise_are_counted_where_the_items_say_so():
    by_id = {"a": True, "b": False, "c": False, "d": None}
    said = [replace(outcome(True), id=name, asked_otherwise=known) for name, known in by_id.items()]
    # One of the three that say so; of the fourth it is unknown.
    assert row_of(said)["asked_otherwise"] == {"n": 1, "value": pytest.approx(1 / 3)}
    assert row_of(said[3:])["asked_otherwise"] is None
