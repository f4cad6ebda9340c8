"""Caveats: missing languages and items, and mixed versions of lm_eval, are noted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.embedded import model_folder
from lm_eval_illusion.report.notes import EMBEDDED_NOTE, notes_of
from lm_eval_illusion.results.rules_version import TODAYS_VERSION
from lm_eval_illusion.results.runs import find_runs
from tests.lm_eval_files import DENSE as DENSE_RUN
from tests.lm_eval_files import hits, write_run
from tests.outcome_examples import DENSE, WANDA, outcome, outcomes


def notes_with(word, *arguments):
    return [note for note in notes_of(*arguments) if word in note]


def test_a_language_that_a_variant_lacks():
    examples = [*outcomes("bb", variant=DENSE), *outcomes("bb", variant=DENSE, language="fi"), *outcomes("bb")]
    assert notes_with("lack", examples) == [
        "wanda-0.6 of tiny was not evaluated on mqa_illusion in fi: its pooled rows lack these languages."
    ]


def test_recognition_by_a_generated_letter_is_noted():
    examples = outcomes("bb")
    assert notes_with("letter that the model generated", examples, (), (), "recognised_by_letter")
    for scored in ("acc", "acc_norm", "letters"):
        assert not notes_with("letter that the model generated", examples, (), (), scored)


def test_fewer_items_than_the_other_variant():
    (note,) = notes_with("compared", [*outcomes("bbbb", variant=DENSE), *outcomes("bb")])
    assert note.startswith("wanda-0.6 of tiny was evaluated on 2 of the 4 items of mqa_illusion")


def test_items_whose_options_are_asked_otherwise():
    # Two variants answered the same two items, of which one has a stranger among its options.
    examples = [
        replace(one, asked_otherwise=one.id == "1") for variant in (DENSE, WANDA) for one in outcomes("bb", variant=variant)
    ]
    (note,) = notes_with("asked otherwise", examples)
    assert note.startswith("1 of 2 items of mqa_illusion have options that are asked otherwise")
    assert notes_with("asked otherwise", [replace(one, asked_otherwise=False) for one in examples]) == []
    assert notes_with("asked otherwise", outcomes("bb")) == []


def test_no_note_for_runs_with_the_same_items():
    assert notes_with("evaluated on", [*outcomes("bb", variant=DENSE), *outcomes("bb")]) == []


def test_two_versions_of_lm_eval(tmp_path):
    views = {"mc": [{"id": "a"}], "gen": hits("match", a=1)}
    for version, illusion, date in (
        ("0.4.13", DENSE_RUN, "2026-11-23T11-00-00.000000"),
        ("0.5.0", None, "2026-11-23T12-00-00.000000"),
    ):
        path = write_run(tmp_path, views, illusion=illusion, date=date)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"lm_eval_version": version}))
    assert notes_with("mixed", [], find_runs([tmp_path])) == [
        "runs of lm_eval 0.4.13 and 0.5.0 are mixed: a task may have changed between them."
    ]


@pytest.mark.parametrize(
    ("model", "views", "notes"),
    [
        ("served", ["beam"], ["beam is the best beam only for wanda-0.6: that backend returns no other."]),
        ("served", [], []),
        ("pruned-vllm", ["beam"], []),
        ("pruned-hf", ["beam"], []),
    ],
)
def test_a_backend_with_one_beam(tmp_path, model, views, notes):
    beam = {"id": "a", "match_any": 1.0, "match_top1": 1.0, "distinct": 1.0}
    write_run(
        tmp_path,
        {"mc": [{"id": "a"}], "gen": hits("match", a=0), "sample": hits("match_any", a=0), **{view: [beam] for view in views}},
        config={"model": model},
    )
    assert notes_with("best beam", load_outcomes([tmp_path])) == notes


def test_answers_that_other_rules_judged():
    older = "version 1 of the matching rules judged the answers, that of today is"
    (note,) = notes_with("matching rules", outcomes("b", match_version=1))
    assert note.startswith(older)
    assert note.endswith("lm-eval-illusion rescore RUNS applies today's rules, without a model.")
    (note,) = notes_with("matching rules", outcomes("b", match_version=TODAYS_VERSION + 1))
    assert note.endswith("update this package to compare with other runs.")
    assert notes_with("matching rules", outcomes("b", match_version=TODAYS_VERSION)) == []
    assert notes_with("matching rules", outcomes("b")) == []


def test_no_question_blind_baseline():
    assert notes_with("question_blind", outcomes("b")) == [
        "no question-blind baseline for some items: the view question_blind did not run, or recognition is by letters."
    ]
    assert notes_with("question_blind", outcomes("b", question_blind=False)) == []


TRAINED = "trained on"
OTHER = (
    "The embedded model has a million parameters and was trained on the facts of mqa_illusion alone: its numbers in"
    " mqa_illusion_xquad are no evidence about large models."
)


@pytest.mark.parametrize(
    ("models_and_families", "notes"),
    [
        ([("embedded", "mqa_illusion")], [EMBEDDED_NOTE]),
        ([(str(model_folder()), "mqa_illusion")], [EMBEDDED_NOTE]),
        # Another model, or other facts: nobody trained it on these.
        ([("org/model", "mqa_illusion")], []),
        ([("embedded", "mqa_illusion_xquad")], [OTHER]),
        ([("embedded", "mqa_illusion_xquad"), ("org/model", "mqa_illusion")], [OTHER]),
        ([("embedded", "mqa_illusion_xquad"), ("embedded", "mqa_illusion")], [EMBEDDED_NOTE, OTHER]),
    ],
)
def test_only_the_embedded_model_was_trained_on_the_facts_of_its_family(models_and_families, notes):
    examples = [
        outcome("a", "both", variant=replace(WANDA, base_model=model), family=family) for model, family in models_and_families
    ]
    assert notes_with(TRAINED, examples) == notes


def test_no_gold_rank():
    (note,) = notes_with("gold rank", outcomes("b"))
    assert note == (
        "no gold rank for some items of wanda-0.6: the backend gave none, it was not finite, the view"
        " mc did not run, or an older version of this package ranked the line break at the end of a chat prompt."
    )
    assert notes_with("gold rank", outcomes("b", gold_rank=1)) == []
    # Documents of two paired tasks have no view that could give a rank.
    assert notes_with("gold rank", outcomes("b", language="und")) == []
