"""Rows of the twin: the outcomes of a run with the twin alone are those of a run with its two views."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results import ItemTexts, find_runs, find_views, join_views
from tests.lm_eval_files import DATE, hits, write_run

# Recognised and produced, recognised only, neither, produced with a tie.
TWIN = [
    {"id": "a", "recognised": 1.0, "produced": 1.0, "acc_norm": 0.0, "gold_rank": 1, "output": "two"},
    {"id": "b", "recognised": 1.0, "produced": 0.0, "acc_norm": 1.0, "gold_rank": 7.5, "output": "one"},
    {"id": "c", "recognised": 0.0, "produced": 0.0, "output": "", "truncated": 1.0},
    {"id": "d", "recognised": 0.0, "produced": 1.0, "invalid": 1.0, "output": "two"},
]
MC = [
    {"id": row["id"], "acc": row["recognised"], **{k: row[k] for k in ("acc_norm", "gold_rank", "invalid") if k in row}}
    for row in TWIN
]
GEN = [{"id": row["id"], "match": row["produced"], **{k: row[k] for k in ("output", "truncated") if k in row}} for row in TWIN]
SAMPLES = f"samples_mqa_illusion_en_twin_{DATE}.jsonl"


def read(folder, recognition="acc"):
    texts = ItemTexts(100)
    outcomes = join_views(find_views(find_runs([folder])), recognition, texts)
    answers = {outcome.id: texts.answers(outcome.variant, ("mqa_illusion", "en", outcome.id)) for outcome in outcomes}
    return outcomes, {item_id: (answer.scores, answer.outputs) for item_id, answer in answers.items()}


@pytest.mark.parametrize("recognition", ["acc", "acc_norm"])
def test_the_twin_alone_gives_the_outcomes_and_texts_of_both_views(tmp_path, recognition):
    others = {"oneshot": hits("match", a=1, b=1, c=0, d=0)}
    write_run(tmp_path / "twin", {"twin": TWIN, **others})
    write_run(tmp_path / "views", {"mc": MC, "gen": GEN, **others})
    outcomes, texts = read(tmp_path / "twin", recognition)
    assert (outcomes, texts) == read(tmp_path / "views", recognition)
    recognised = {"acc": [True, True, False, False], "acc_norm": [False, True, False, False]}[recognition]
    assert [outcome.recognised for outcome in outcomes] == recognised
    assert [outcome.produced for outcome in outcomes] == [True, False, False, True]
    assert [outcome.invalid for outcome in outcomes] == [False, False, False, True]
    assert [outcome.gold_rank for outcome in outcomes] == [1, 7.5, None, None]
    assert texts["b"] == ((-4.0, -1.5, -3.0, -2.0), {"gen": ("one",), "oneshot": ("something",)})


@pytest.mark.parametrize("views", [{"mc": MC}, {"gen": GEN}, {"mc": MC, "gen": GEN}])
def test_the_twin_beside_its_views(tmp_path, views):
    write_run(tmp_path / "alone", {"mc": MC, "gen": GEN})
    # In the same run or in two runs of one variant.
    write_run(tmp_path / "same", {"twin": TWIN, **views})
    write_run(tmp_path / "two" / "1", {"twin": TWIN})
    write_run(tmp_path / "two" / "2", views)
    assert read(tmp_path / "same") == read(tmp_path / "two") == read(tmp_path / "alone")


def test_recognition_by_letters_takes_only_the_answer_from_the_twin(tmp_path):
    letters = [{"id": i, "acc": float(i in "cd"), "scores": [-2.0, -1.0 if i in "cd" else -9.0, -3.0, -4.0]} for i in "abcd"]
    write_run(tmp_path / "twin", {"twin": TWIN, "mc_letters": letters})
    write_run(tmp_path / "views", {"mc": MC, "gen": GEN, "mc_letters": letters})
    outcomes, texts = read(tmp_path / "twin", "letters")
    assert (outcomes, texts) == read(tmp_path / "views", "letters")
    assert [outcome.recognised for outcome in outcomes] == [False, False, True, True]
    assert texts["c"] == ((-2.0, -1.0, -3.0, -4.0), {"gen": ("",)})


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ({"mc": [{**MC[0], "acc": 0.0}, *MC[1:]]}, r'acc of the item "a" is 0 in .*_mc_.*, but 1 in .*_twin_'),
        (
            {"gen": [*GEN[:1], {**GEN[1], "match": 1.0}, *GEN[2:]]},
            r'match of the item "b" is 1 in .*_gen_.*, but 0 in .*_twin_',
        ),
        ({"mc": MC[:3]}, r"have different items \(only .*: d"),
    ],
)
def test_a_twin_and_a_view_that_contradict_each_other(tmp_path, views, message):
    write_run(tmp_path, {"twin": TWIN, **views})
    with pytest.raises(UserError, match=message):
        load_outcomes([tmp_path])


def test_on_other_backends_the_view_counts_where_rounding_makes_the_twin_differ(tmp_path):
    other = {"model": "hf", "model_args": "pretrained=tiny"}
    write_run(tmp_path, {"twin": TWIN, "mc": [{**MC[0], "acc": 0.0}, *MC[1:]]}, illusion=None, config=other)
    assert [outcome.recognised for outcome in load_outcomes([tmp_path])] == [False, True, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recognised": 0.0}, "recognised is 0, but by the log-likelihoods of the choices it is 1"),
        ({"recognition_only": 1.0}, "recognition_only is 1, but recognised is 1 and produced is 1"),
        ({"produced": 0.5}, r"produced is 0\.5, not 0 or 1"),
        ({"truncated": 2}, r"truncated is 2\.0, not 0 or 1"),
        ({"filtered_resps": [["-1.0", "False"]] * 4}, "has not the scores of the choices and then 1 answer"),
        ({"filtered_resps": ["a", *[["-1.0", "False"]] * 3, "b"]}, "has not the scores of the choices and then 1 answer"),
        ({"filtered_resps": []}, "has not the scores of the choices and then 1 answer"),
        ({"filtered_resps": [["-1.0", "False"]] * 3 + ["b"]}, "the document has 4 choices, but the row has 3 scores"),
    ],
)
def test_a_damaged_row_of_a_twin(tmp_path, change, message):
    write_run(tmp_path, {"twin": TWIN})
    lines = (tmp_path / SAMPLES).read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), **change})
    (tmp_path / SAMPLES).write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=message) as error:
        load_outcomes([tmp_path])
    assert f"{SAMPLES}:1 " in str(error.value) or f"{SAMPLES}:1:" in str(error.value)
