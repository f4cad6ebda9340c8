"""The join of the views, calculated by hand, and the message for each kind of wrong file."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from tests.lm_eval_files import DATE, DENSE, PRUNED, hits, write_run

MC = [
    {"id": "a", "acc": 1.0, "acc_norm": 0.0, "gold_rank": 3},
    {"id": "b", "acc": 0.0, "acc_norm": 1.0, "gold_rank": 12},
    {"id": "c", "acc": 0.0, "invalid": 1.0, "gold_rank": float("nan")},
]
GEN = hits("match", c=1, b=0, a=0)  # another order: the join is on the id
WHOLE = {"mc": MC, "gen": GEN}


def by_id(outcomes):
    return {outcome.id: outcome for outcome in outcomes}


def test_views_are_joined_on_the_item_id(tmp_path):
    write_run(
        tmp_path,
        {
            **WHOLE,
            "oneshot": hits("match", a=1, b=0, c=1),
            "sample": hits("match_any", b=1, a=0, c=0),
            "beam": [{"id": i, "match_any": 1.0, "match_top1": 0.0, "distinct": 5.0} for i in "abc"],
        },
    )
    a, b, c = (by_id(load_outcomes([tmp_path]))[item_id] for item_id in "abc")
    assert (a.recognised, a.invalid, a.produced, a.gold_rank) == (True, False, False, 3)
    assert a.recovered == {"oneshot": True, "sample": False, "beam": True}
    assert (b.recognised, b.produced, b.gold_rank) == (False, False, 12)
    assert (c.recognised, c.invalid, c.produced, c.gold_rank) == (False, True, True, None)
    assert (a.family, a.language, a.variant.variant, a.run) == (
        "mqa_illusion",
        "en",
        "wanda-0.6",
        f"results_{DATE}.json",
    )


def test_recognition_by_acc_norm(tmp_path):
    write_run(tmp_path, WHOLE)
    recognised = {o.id: o.recognised for o in load_outcomes([tmp_path], "acc_norm")}
    assert recognised == {"a": False, "b": True, "c": False}


def test_several_runs_in_one_folder_are_distinguished_by_their_dates(tmp_path):
    write_run(tmp_path, WHOLE)
    write_run(tmp_path, WHOLE, illusion=DENSE, date="2026-11-23T11-00-00.000000")
    assert sorted(o.variant.variant for o in load_outcomes([tmp_path])) == ["dense"] * 3 + ["wanda-0.6"] * 3


def test_the_same_folder_twice_is_read_once(tmp_path):
    write_run(tmp_path, WHOLE)
    assert len(load_outcomes([tmp_path, tmp_path / "."])) == 3


def test_runs_of_one_variant_may_hold_different_views(tmp_path):
    write_run(tmp_path / "1", {"mc": MC})
    write_run(tmp_path / "2", {"gen": GEN})
    assert len(load_outcomes([tmp_path])) == 3


def test_another_backend_is_dense_and_has_only_its_best_beam(tmp_path):
    beam = [{"id": i, "match_any": 1.0, "match_top1": 0.0, "distinct": 1.0} for i in "abc"]
    write_run(
        tmp_path,
        {**WHOLE, "beam": beam},
        illusion=None,
        config={"model": "hf", "model_args": {"pretrained": "org/model"}},
    )
    outcome = by_id(load_outcomes([tmp_path]))["a"]
    assert (outcome.variant.base_model, outcome.variant.variant, outcome.variant.pruner) == (
        "org/model",
        "dense",
        "none",
    )
    assert outcome.recovered == {"beam": False}


def test_tasks_of_other_projects_are_left_out(tmp_path):
    path = write_run(tmp_path, WHOLE)
    path.write_text(path.read_text().replace('"configs": {', '"configs": {"hellaswag": {"metadata": {"version": 1}}, '))
    assert len(load_outcomes([path])) == 3


def drop_last_line(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def cut_in_the_middle(path):
    path.write_text(path.read_text()[:-40])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_last_line, "has 2 rows, but its run evaluated 3 items"),
        (cut_in_the_middle, r"gen_.*jsonl:3 is not a whole row"),
        (lambda path: path.write_text(""), "has 0 rows, but its run evaluated 3 items"),
    ],
)
def test_a_truncated_samples_file(tmp_path, damage, message):
    write_run(tmp_path, WHOLE)
    damage(tmp_path / f"samples_mqa_illusion_en_gen_{DATE}.jsonl")
    with pytest.raises(UserError, match=message):
        load_outcomes([tmp_path])


def test_a_file_that_ends_within_a_character(tmp_path):
    write_run(tmp_path, WHOLE)
    path = tmp_path / f"samples_mqa_illusion_en_gen_{DATE}.jsonl"
    path.write_bytes(path.read_bytes() + '{"doc": {"id": "埃'.encode()[:-1])
    with pytest.raises(UserError, match=r"jsonl:4 is not a whole row"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize("row", ['{"doc": null}', '{"doc": {"id": "a"}}', "[]", "3"])
def test_a_line_of_another_kind_of_file(tmp_path, row):
    write_run(tmp_path, WHOLE)
    (tmp_path / f"samples_mqa_illusion_en_gen_{DATE}.jsonl").write_text(row + "\n")
    with pytest.raises(UserError, match=r"jsonl:1 lacks"):
        load_outcomes([tmp_path])


def test_a_results_file_with_another_name(tmp_path):
    path = write_run(tmp_path, WHOLE)
    path.rename(path.with_name(f"mine_{DATE}.json"))  # lm_eval --output_path mine.json
    assert len(load_outcomes([tmp_path])) == 3


def test_a_results_folder_with_no_samples(tmp_path):
    path = write_run(tmp_path, WHOLE)
    for samples in tmp_path.glob("samples_*"):
        samples.unlink()
    with pytest.raises(UserError, match=f"{path.name} has no samples of .*--log_samples"):
        load_outcomes([tmp_path])


def test_an_empty_and_a_missing_folder(tmp_path):
    with pytest.raises(UserError, match=r"holds no results_\*.json"):
        load_outcomes([tmp_path])
    with pytest.raises(UserError, match="does not exist"):
        load_outcomes([tmp_path / "no"])


def test_a_truncated_results_file(tmp_path):
    path = write_run(tmp_path, WHOLE)
    cut_in_the_middle(path)
    with pytest.raises(UserError, match="is not a whole JSON file"):
        load_outcomes([tmp_path])


def test_a_foreign_json_file(tmp_path):
    (tmp_path / "results_x.json").write_text("{}")
    with pytest.raises(UserError, match="lacks config, configs, n-samples"):
        load_outcomes([tmp_path])


def test_duplicate_items(tmp_path):
    write_run(tmp_path, {"mc": MC, "gen": [*GEN, *hits("match", a=0)]})
    with pytest.raises(UserError, match=r"gen_.* has a twice"):
        load_outcomes([tmp_path])


def test_views_of_different_items(tmp_path):
    write_run(tmp_path, {"mc": MC, "gen": hits("match", a=0, b=0, x=1)})
    with pytest.raises(UserError, match=r"only gen: x; only mc: c"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize("missing", ["mc", "gen"])
def test_a_missing_view(tmp_path, missing):
    write_run(tmp_path, {view: rows for view, rows in WHOLE.items() if view != missing})
    with pytest.raises(UserError, match=f"has no view {missing} for mqa_illusion in en"):
        load_outcomes([tmp_path])


def test_two_runs_of_the_same_variant_and_task_are_refused(tmp_path):
    write_run(tmp_path / "1", WHOLE)
    write_run(tmp_path / "2", WHOLE)
    with pytest.raises(UserError, match=r"are both runs of variant wanda-0\.6 of tiny"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize(("first", "second", "lang"), [({"mc": MC}, {"gen": GEN}, "en"), (WHOLE, WHOLE, "zh")])
def test_two_checkpoints_with_one_name_are_not_mixed(tmp_path, first, second, lang):
    write_run(tmp_path / "1", first)
    write_run(tmp_path / "2", second, illusion={**PRUNED, "key": "k2"}, lang=lang)
    with pytest.raises(UserError, match="are both runs of variant"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize("setting", ["gen_kwargs", "use_cache"])
def test_runs_with_settings_that_contradict_the_views(tmp_path, setting):
    write_run(tmp_path, WHOLE, config={setting: {"temperature": 1}})
    with pytest.raises(UserError, match=f"was run with --{setting}"):
        load_outcomes([tmp_path])


def test_answer_type_and_log_likelihood_of_the_gold_choice(tmp_path):
    mc = [
        {"id": "a", "acc": 1.0, "scores": [-4.0, -0.5, -3.0, -2.0], "answer_type": "date", "asked_otherwise": True},
        {"id": "b", "scores": [-4.0, float("-inf"), -3.0, -2.0]},
    ]
    write_run(tmp_path, {"mc": mc, "gen": hits("match", a=1, b=0)})
    a, b = load_outcomes([tmp_path])
    assert (a.answer_type, a.gold_logprob) == ("date", -0.5)
    assert (b.answer_type, b.gold_logprob) == ("name", None)
    assert (a.asked_otherwise, b.asked_otherwise) == (True, None)


def with_hashes(path, value):
    results = json.loads(path.read_text())
    path.write_text(json.dumps(results | {"task_hashes": dict.fromkeys(results["configs"], value)}))


def test_variants_with_different_prompts_are_not_compared(tmp_path):
    with_hashes(write_run(tmp_path, WHOLE), "h1")
    dense = write_run(tmp_path, WHOLE, illusion=DENSE, date="2026-11-23T11-00-00.000000")
    with_hashes(dense, "h1")
    assert len(load_outcomes([tmp_path])) == 6
    with_hashes(dense, "h2")
    with pytest.raises(UserError, match="ran mqa_illusion_en_mc with different items or prompts"):
        load_outcomes([tmp_path])


def test_an_unknown_recognition_metric(tmp_path):
    with pytest.raises(UserError, match="'letter' is unknown"):
        load_outcomes([tmp_path], "letter")


CONTROLS = {
    **WHOLE,
    "mc_letters": [{"id": i, "acc": 1.0, "invalid": 0.0} for i in "abc"],
    "candidates_without_gold": hits("match", a=1, b=0, c=0),
    "question_blind": [
        {"id": "a", "acc": 1.0, "acc_norm": 0.0, "invalid": 0.0, "in_passage": 0.5},
        {"id": "b", "acc": 0.0, "acc_norm": 1.0, "invalid": 0.0},
        {"id": "c", "acc": 0.0, "acc_norm": 1.0, "invalid": 1.0},
    ],
}


@pytest.mark.parametrize(
    ("recognition", "blind"),
    [("acc", [True, False, False]), ("acc_norm", [False, True, False]), ("letters", [None, None, None])],
)
def test_control_and_baseline(tmp_path, recognition, blind):
    write_run(tmp_path, CONTROLS)
    found = by_id(load_outcomes([tmp_path], recognition))
    assert [found[i].said_without_gold for i in "abc"] == [True, False, False]
    # Letters have no question-blind counterpart.
    assert [found[i].question_blind for i in "abc"] == blind
    assert [found[i].in_passage for i in "abc"] == [0.5, None, None]


LETTERS = [
    {"id": "a", "recognised_by_letter": 1.0, "invalid": 0.0},
    {"id": "b", "recognised_by_letter": 0.0, "invalid": 0.0},
    {"id": "c", "recognised_by_letter": 0.0, "invalid": 1.0},
]


def test_a_generated_letter_counts_where_it_is_the_only_recognition(tmp_path):
    write_run(tmp_path, {"gen": WHOLE["gen"], "mc_letters_generated": LETTERS})
    found = by_id(load_outcomes([tmp_path]))
    assert [found[i].recognised for i in "abc"] == [True, False, False]
    assert [found[i].invalid for i in "abc"] == [False, False, True]
    # Nothing that only scores tell.
    assert {(one.gold_rank, one.gold_logprob, one.question_blind) for one in found.values()} == {(None, None, None)}
    with pytest.raises(UserError, match="recognition by acc needs mc"):
        load_outcomes([tmp_path], "acc")


def test_a_generated_letter_is_never_mixed_with_scores(tmp_path):
    write_run(tmp_path / "one", {**WHOLE, "mc_letters_generated": LETTERS})
    with_scores = by_id(load_outcomes([tmp_path]))
    write_run(tmp_path / "two", WHOLE)
    assert {i: one.recognised for i, one in with_scores.items()} == {
        i: one.recognised for i, one in by_id(load_outcomes([tmp_path / "two"])).items()
    }
    letters = by_id(load_outcomes([tmp_path / "one"], "recognised_by_letter"))
    assert [letters[i].recognised for i in "abc"] == [True, False, False]
    # A variant without scores beside one with scores is an error, and no number.
    write_run(tmp_path / "three", {"gen": WHOLE["gen"], "mc_letters_generated": LETTERS}, illusion=DENSE)
    with pytest.raises(
        UserError, match=r"recognition by acc needs mc .* run mc_letters_generated .* --recognition recognised_by_letter"
    ) as refused:
        load_outcomes([tmp_path / "two", tmp_path / "three"])
    assert "run both" in str(refused.value)


def test_rank_and_log_likelihood_of_the_gold_choice_do_not_depend_on_the_recognition(tmp_path):
    write_run(tmp_path, CONTROLS)
    found = by_id(load_outcomes([tmp_path], "letters"))
    assert [found[i].gold_rank for i in "abc"] == [3, 12, None]
    # The score of the gold choice is that of the hand-made rows, whether it is the highest or not.
    assert {outcome.gold_logprob for outcome in found.values()} == {-1.5}


def test_without_control_and_baseline_their_outcomes_are_undefined(tmp_path):
    write_run(tmp_path, WHOLE)
    outcome = by_id(load_outcomes([tmp_path]))["a"]
    assert (outcome.said_without_gold, outcome.question_blind, outcome.in_passage) == (None, None, None)


@pytest.mark.parametrize("scored", ["mc", "twin"])
@pytest.mark.parametrize(
    ("template", "logged", "rank", "logprob"),
    [
        # Before our models logged gold_logprob, they ranked the line break at the end of a chat prompt, here with rank 1.
        ("{{ messages }}", {"gold_rank": 1}, None, None),
        ("{{ messages }}", {"gold_rank": 5, "gold_logprob": -2.5}, 5, -2.5),
        # A gold answer of probability 0 has no finite log-likelihood, but the next tokens show that the row is not old.
        ("{{ messages }}", {"gold_rank": 5, "top_logprobs": "[[7],[-0.5]]"}, 5, -1.5),
        # Other backends give no rank; the score of the gold choice is what there is.
        ("{{ messages }}", {}, None, -1.5),
        # Without a template the prompt ends with a word.
        (None, {"gold_rank": 1}, 1, -1.5),
    ],
)
def test_older_gold_ranks_under_a_chat_template_are_unknown(tmp_path, scored, template, logged, rank, logprob):
    outcome = {"acc": 1.0} if scored == "mc" else {"recognised": 1.0}
    views = {scored: [{"id": "a", **outcome, **logged}], **({"gen": hits("match", a=1)} if scored == "mc" else {})}
    path = write_run(tmp_path, views)
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": template}))
    (found,) = load_outcomes([tmp_path])
    assert (found.gold_rank, found.gold_logprob) == (rank, logprob)
    # The rest of the row is not in doubt.
    assert found.recognised
