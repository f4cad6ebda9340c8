"""Judge files beside the samples: which verdict is about which answer, and what is refused."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.greedy_answers import content_hash
from lm_eval_illusion.results.item_texts import ItemTexts
from lm_eval_illusion.results.join_views import join_views, load_outcomes
from lm_eval_illusion.results.judge_files import (
    OUTDATED,
    Judge,
    is_of_a_judge,
    judge_file_name,
    judge_folder,
    read_judge_rows,
    read_verdicts,
)
from lm_eval_illusion.results.runs import find_runs, find_views
from tests.lm_eval_files import DATE, hits, write_run

SAMPLES = f"samples_mqa_illusion_en_gen_{DATE}.jsonl"
FIRST, SECOND = Judge("org/m", 1), Judge("other", 1)


def line(item, verdict, output, judge=FIRST, samples=SAMPLES, **more):
    content = content_hash("en", f"Which is {item}?", ["two"], output)
    row = {"judge": judge.model, "prompt_version": judge.prompt_version, "samples": samples, "variant": "v", "language": "en"}
    return json.dumps(row | {"id": item, "verdict": verdict, "content": content} | more) + "\n"


def verdicts(folder):
    return {outcome.id: outcome.verdicts for outcome in load_outcomes([folder])}


@pytest.fixture
def folder(tmp_path):
    rows = [{"id": "a", "match": 1.0, "output": "two"}, {"id": "b", "match": 0.0, "output": "x"}]
    write_run(tmp_path, {"mc": [{"id": "a"}, {"id": "b"}], "gen": rows})
    return tmp_path


def test_without_a_judge_file_there_are_no_verdicts(folder):
    assert verdicts(folder) == {"a": {}, "b": {}}


def test_the_verdicts_of_two_judges_are_kept_apart(folder):
    (folder / "judge_org-m.jsonl").write_text(line("a", "same", "two") + line("b", "unclear", "x"))
    (folder / "judge_other.jsonl").write_text(line("a", "different", "two", SECOND))
    assert verdicts(folder) == {"a": {FIRST: "same", SECOND: "different"}, "b": {FIRST: "unclear"}}


def test_two_prompts_are_two_judges(folder):
    (folder / "judge_org-m.jsonl").write_text(line("a", "same", "two") + line("a", "different", "two", Judge("org/m", 2)))
    assert verdicts(folder)["a"] == {FIRST: "same", Judge("org/m", 2): "different"}


@pytest.mark.parametrize("output", ["Two", "two ", ""])
def test_a_verdict_on_another_response_is_outdated(output, folder):
    (folder / "judge_org-m.jsonl").write_text(line("a", "same", output))
    assert verdicts(folder) == {"a": {FIRST: OUTDATED}, "b": {}}


def test_an_equal_answer_in_another_samples_file_has_the_verdict(folder):
    # So the verdicts stay where new rules are applied to stored answers, which makes other files with the same answers.
    (folder / "judge_org-m.jsonl").write_text(line("a", "same", "two", samples="samples_elsewhere.jsonl"))
    assert verdicts(folder)["a"] == {FIRST: "same"}


def test_a_rescored_run_has_the_verdicts_of_its_run(folder):
    (folder / "judge_org-m.jsonl").write_text(line("a", "same", "two") + line("b", "same", "another response"))
    rescored = folder / "rescored_v2"
    rescored.mkdir()
    for path in [*folder.glob("*.json"), *folder.glob("samples_*")]:
        path.rename(rescored / path.name)
    assert verdicts(rescored) == {"a": {FIRST: "same"}, "b": {FIRST: OUTDATED}}
    assert judge_folder(rescored / "x") == judge_folder(folder / "x") == folder
    # Only a folder of this very name is one of a rescored run.
    assert judge_folder(folder / "rescored_v" / "x") == folder / "rescored_v"


def test_a_file_beside_other_samples_does_not_count(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "judge_org-m.jsonl").write_text(line("a", "same", "two"))
    assert verdicts(folder)["a"] == {}


def test_the_answer_of_a_twin(tmp_path):
    rows = [{"id": "a", "recognised": 1.0, "produced": 1.0, "output": "two"}]
    write_run(tmp_path, {"twin": rows})
    (tmp_path / "judge_org-m.jsonl").write_text(line("a", "same", "two"))
    assert verdicts(tmp_path) == {"a": {FIRST: "same"}}


def test_a_verdict_changes_no_outcome(folder):
    before = [(outcome.id, outcome.produced, outcome.failure_mode) for outcome in load_outcomes([folder])]
    (folder / "judge_org-m.jsonl").write_text(line("a", "different", "two") + line("b", "same", "x"))
    assert [(outcome.id, outcome.produced, outcome.failure_mode) for outcome in load_outcomes([folder])] == before


@pytest.mark.parametrize("view", ["gen", "twin"])
def test_the_texts_of_the_item_browser_are_those_without_a_judge(view, tmp_path):
    """The hash of an answer needs its texts, but the sample of the browser counts and keeps only its own items."""
    outputs = {"abcdef"[number]: f"said {number}" for number in range(6)}
    rows = [{"id": item, "match" if view == "gen" else "produced": 0.0, "output": text} for item, text in outputs.items()]
    write_run(tmp_path, {"gen": rows, "mc": [{"id": item} for item in outputs]} if view == "gen" else {"twin": rows})
    found = []
    for content in ("", "".join(line(item, "different", text) for item, text in outputs.items())):
        (tmp_path / "judge_org-m.jsonl").write_text(content)
        texts = ItemTexts(3)
        outcomes = join_views(find_views(find_runs([tmp_path])), "acc", texts)
        sampled = [outcome.id for outcome in outcomes if texts.contains(outcome.id)]
        answers = [
            texts.answers(outcome.variant, ("mqa_illusion", "en", outcome.id)).outputs
            for outcome in outcomes
            if outcome.id in sampled
        ]
        found.append((sampled, answers))
    assert found[0] == found[1]
    assert len(found[0][0]) == 3
    assert all(outcome.verdicts == {FIRST: "different"} for outcome in outcomes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{\n", r"judge_org-m\.jsonl:1 is no row"),
        (line("a", "same", "two") + "[]\n", r"judge_org-m\.jsonl:2 is no row"),
        ('{"judge": "x"}\n', "lacks|missing"),
        (line("a", "same", "two", prompt_version="1"), "is no row"),
        (line("a", "right", "two"), 'the verdict "right", not one of same'),
        (line("a", "same", "two") + line("a", "different", "two", samples="y"), "has two verdicts"),
        ("[" * 99_999, "is no row"),
    ],
)
def test_a_wrong_file_is_one_line(text, reason, folder):
    (folder / "judge_org-m.jsonl").write_text(text)
    with pytest.raises(UserError, match=reason) as caught:
        load_outcomes([folder])
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(folder):
    (folder / "judge_org-m.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(UserError, match="is no row"):
        read_judge_rows(folder / "judge_org-m.jsonl")


def test_blank_lines_and_foreign_files_do_not_matter(folder):
    (folder / "judge_org-m.jsonl").write_text("\n" + line("a", "same", "two") + "\n")
    (folder / "judge_notes.txt").write_text("mine")
    (folder / "judges.jsonl").write_text("mine")
    (folder / ".judge_org-m.jsonl.lock").write_text("")
    assert verdicts(folder)["a"] == {FIRST: "same"}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o-mini", "judge_gpt-4o-mini.jsonl"),
        ("org/Model 7B:free", "judge_org-Model-7B-free.jsonl"),
        ("../../x", "judge_..-..-x.jsonl"),
        ("判", "judge_-.jsonl"),
        ("x" * 999, f"judge_{'x' * 100}.jsonl"),
    ],
)
def test_the_name_of_the_file_leads_nowhere_else(model, name):
    assert judge_file_name(model) == name
    assert is_of_a_judge(name)


@pytest.mark.parametrize(
    "name", ["samples_x.jsonl", "judge.jsonl", "judge_x.json", "results_judge_x.jsonl", "judge_x.jsonl.bak"]
)
def test_other_files_are_not_of_a_judge(name):
    assert not is_of_a_judge(name)


def test_no_folder_is_listed_twice(folder):
    write_run(folder, {"twin": hits("produced", c=1)}, date="2026-11-24T10-00-00.000000")
    (folder / "judge_org-m.jsonl").write_text(line("a", "same", "two"))
    assert list(read_verdicts([folder / "x", folder / "y"]).by_folder) == [folder]
