"""The data of the item browser, from files in the format of lm_eval."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lm_eval_illusion.report.item_browser import item_browser
from lm_eval_illusion.results.item_texts import ItemTexts
from lm_eval_illusion.results.join_views import join_views
from lm_eval_illusion.results.judge_files import Judge
from lm_eval_illusion.results.runs import find_runs, find_views
from lm_eval_illusion.results.task_pairs import join_tasks, read_pair
from tests.lm_eval_files import DENSE, choice_row, text_row, write_run, write_tasks

MC = [
    {"id": "a", "acc": 1.0, "gold_rank": 1, "scores": [-4.0, -1.0, -3.0, -2.0]},
    {"id": "b", "acc": 0.0, "invalid": 1.0, "scores": [float("nan"), float("-inf"), -3.0, -2.0]},
]
PRODUCED = [{"id": "a", "match": 1.0, "output": "two"}, {"id": "b", "match": 1.0, "output": "two, I think"}]
NOT_PRODUCED = [{"id": "a", "match": 0.0, "output": "too"}, {"id": "b", "match": 0.0, "output": ""}]
BEAMS = [{"id": item, "match_any": 0.0, "match_top1": 0.0, "output": ["x", "y"]} for item in "ab"]


def browser_of(folder, most=100):
    views = find_views(find_runs([folder]))
    texts = ItemTexts(most)
    return item_browser(join_views(views, "acc", texts), texts)


def write_two(folder):
    write_run(folder, {"mc": MC, "gen": PRODUCED}, illusion=DENSE, date="2026-11-23T11-00-00.000000")
    write_run(folder, {"mc": MC, "gen": NOT_PRODUCED, "beam": BEAMS})


def test_each_item_once_and_a_row_for_each_variant(tmp_path):
    write_two(tmp_path)
    browser = browser_of(tmp_path)
    assert [item["id"] for item in browser["items"]] == ["a", "b"]
    assert browser["items"][0]["options"] == ["one", "two", "three", "four"]
    assert browser["items"][0]["question"] == "Which is a?"
    rows = {(row["variant"], browser["items"][row["item"]]["id"]): row for row in browser["rows"]}
    assert rows["dense", "a"]["outputs"] == {"gen": ["two"]}
    assert rows["dense", "a"]["transition"] is None
    assert rows["wanda-0.6", "a"]["outputs"] == {"gen": ["too"], "beam": ["x", "y"]}
    assert rows["wanda-0.6", "a"]["transition"] == "induced_recognition_only"
    assert rows["wanda-0.6", "b"]["transition"] == "lost"
    assert rows["wanda-0.6", "a"]["scores"] == [-4.0, -1.0, -3.0, -2.0]
    assert rows["wanda-0.6", "b"]["scores"] == [None, None, -3.0, -2.0]
    assert browser["left_out"] == 0
    json.dumps(browser, allow_nan=False)


def test_what_each_judge_says_beside_the_rules(tmp_path):
    write_two(tmp_path)
    assert "judges" not in browser_of(tmp_path)
    views = find_views(find_runs([tmp_path]))
    texts = ItemTexts(100)
    outcomes = join_views(views, "acc", texts)
    first, second = Judge("m", 1), Judge("n", 2)
    said = {("dense", "a"): "different", ("dense", "b"): "same", ("wanda-0.6", "a"): "same", ("wanda-0.6", "b"): "empty"}
    judged = [replace(one, verdicts={first: said[one.variant.variant, one.id]}) for one in outcomes]
    judged[0] = replace(judged[0], verdicts=judged[0].verdicts | {second: "unclear"})
    browser = item_browser(judged, texts)
    assert browser["judges"] == ["m (prompt 1)", "n (prompt 2)"]
    rows = {(row["variant"], browser["items"][row["item"]]["id"]): row["judged"] for row in browser["rows"]}
    by_first = {key: values[0] for key, values in rows.items()}
    assert by_first == {
        ("dense", "a"): "rules_only",
        ("dense", "b"): "agreed",
        ("wanda-0.6", "a"): "judge_only",
        ("wanda-0.6", "b"): "agreed",
    }
    assert sorted(str(values[1]) for values in rows.values()) == ["None", "None", "None", "unclear"]


def test_the_rule_of_each_answer(tmp_path):
    rules = {"gen": "denied", "oneshot": "words"}
    views = {
        view: [{"id": item, "match": 0.0, "match_rule": rule, "match_version": 2} for item in "ab"]
        for view, rule in rules.items()
    }
    write_run(tmp_path, {"mc": MC, **views})
    assert [(row["rule"], row["rules"]) for row in browser_of(tmp_path)["rows"]] == [("denied", rules)] * 2
    twin = [{"id": item, "match_rule": "equal", "match_version": 2} for item in "ab"]
    write_run(tmp_path / "twin", {"twin": twin})
    assert [(row["rule"], row["rules"]) for row in browser_of(tmp_path / "twin")["rows"]] == [("equal", {"gen": "equal"})] * 2


def test_above_the_limit_whole_items_are_left_out(tmp_path):
    write_two(tmp_path)
    browser = browser_of(tmp_path, most=3)
    assert len(browser["items"]) == 1
    assert sorted(row["variant"] for row in browser["rows"]) == ["dense", "wanda-0.6"]
    assert browser["left_out"] == 2


def test_documents_of_paired_tasks(tmp_path):
    docs = [{"n": 0}, {"n": 1}]
    write_tasks(
        tmp_path,
        {
            "mc": [choice_row(doc, [-1.0, -2.0], 0) for doc in docs],
            "gen": [text_row(doc, f"said {doc['n']}", exact_match=0.0) for doc in docs],
        },
    )
    texts = ItemTexts(100)
    paired = join_tasks(find_runs([tmp_path]), [read_pair("mc=gen")], None, texts)
    browser = item_browser(paired.outcomes, texts)
    assert [item["question"] for item in browser["items"]] == ["Q: 0\nA:", "Q: 1\nA:"]
    assert (browser["items"][0]["options"], browser["items"][0]["gold"]) == (["option 0", "option 1"], 0)
    assert [row["outputs"] for row in browser["rows"]] == [{"gen": ["said 0"]}, {"gen": ["said 1"]}]
    assert browser["rows"][0]["cell"] == "recognition_only"


@pytest.fixture
def browser_with(tmp_path):
    """Return a function that reads runs, changes a text of the item `a` and returns the browser's data."""

    def make(**fields):
        write_two(tmp_path)
        texts = ItemTexts(100)
        outcomes = join_views(find_views(find_runs([tmp_path])), "acc", texts)
        sampled = texts._sampled["a"]
        for key, item in sampled.items.items():
            sampled.items[key] = replace(item, **fields)
        return item_browser(outcomes, texts)

    return make


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("question", 7, "7"),
        ("context", {"a": [1]}, '{"a": [1]}'),
        ("answer", "\ud800", "\\ud800"),
        ("options", None, []),
        ("options", "yes", ["yes"]),
        ("options", [1, None, "x"], ["1", "", "x"]),
        ("aliases", "one", ["one"]),
        ("aliases", None, None),
        ("gold", "1", None),
        ("gold", True, None),
    ],
)
def test_a_document_of_other_types_gives_the_types_of_the_page(browser_with, field, value, shown):
    browser = browser_with(**{field: value})
    assert next(item for item in browser["items"] if item["id"] == "a")[field] == shown


def test_long_texts_and_lists_are_cut_and_say_so(browser_with, monkeypatch):
    browser = browser_with(context="x" * 1_000_000, options=["o"] * 300)
    (item,) = (item for item in browser["items"] if item["id"] == "a")
    assert item["context"] == "x" * 20_000 + " … (cut: 1,000,000 characters in all)"
    assert item["options"] == ["o"] * 200 + ["… (100 more are left out)"]
    # All texts together: those of two items and of four rows have a few hundred characters besides the long one.
    monkeypatch.setattr("lm_eval_illusion.report.item_browser.MOST_IN_ALL", 5_000)
    (item,) = (item for item in browser_with(context="x" * 1_000_000)["items"] if item["id"] == "a")
    assert item["context"].startswith("x" * 2_000 + " … (cut")
