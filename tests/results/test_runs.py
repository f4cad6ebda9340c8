"""The tasks of a run: which are ours, where their samples are, and groups that a results file may name."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.runs import find_runs, find_views
from tests.lm_eval_files import DATE, DENSE, hits, write_run

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0), "oneshot": hits("match", a=1, b=1)}
LATER = "2026-11-23T11-00-00.000000"
ONESHOT = "mqa_illusion_en_oneshot"


def change(path, edit):
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("view", "gen", r'metadata\.view is "gen", but the task is named oneshot'),
        ("view", "onesho", r'metadata\.view is "onesho", but the task is named oneshot'),
        ("view", 3, r"metadata\.view is 3, not text"),
        ("view", None, r"metadata\.view is null, not text"),
        ("lang", ["en"], r"metadata\.lang is a list of 1, not text"),
        ("lang", "all", r'metadata\.lang is "all", not a plain name'),
        ("lang", "", r'metadata\.lang is "", not a plain name'),
        ("lang", "e\x1b[2J", r"metadata\.lang is .* not a plain name"),
        ("family", "a=b", r'metadata\.family is "a=b", not a plain name'),
        ("family", 1, r"metadata\.family is 1, not text"),
        ("\ud800", 1, r"metadata has half a character"),
    ],
)
def test_a_task_of_ours_with_wrong_metadata_is_not_left_out(tmp_path, field, value, message):
    # Left out without a word, the report would lack a view, a language or a variant.
    path = write_run(tmp_path, VIEWS)
    change(path, lambda content: content["configs"][ONESHOT]["metadata"].update({field: value}))
    with pytest.raises(UserError, match=rf"{path.name}: configs\.{ONESHOT}\.{message}"):
        find_views(find_runs([tmp_path]))


@pytest.mark.parametrize("field", ["family", "lang", "view"])
def test_a_task_of_ours_without_a_field_of_its_metadata(tmp_path, field):
    path = write_run(tmp_path, VIEWS)
    change(path, lambda content: content["configs"][ONESHOT]["metadata"].pop(field))
    with pytest.raises(UserError, match=rf"configs\.{ONESHOT}\.metadata lacks {field}"):
        find_views(find_runs([tmp_path]))


def test_tasks_of_other_projects_with_the_same_fields_are_left_out(tmp_path):
    path = write_run(tmp_path, VIEWS)
    others = {"arc_gen": {"lang": "en"}, "arc_mc": {"lang": "ar", "family": 7}, "x": {"family": "f", "lang": "en", "view": 3}}
    change(path, lambda content: content["configs"].update({name: {"metadata": metadata} for name, metadata in others.items()}))
    assert len(find_views(find_runs([tmp_path]))) == 3


@pytest.mark.parametrize(
    ("task", "metadata"),
    [
        ("open_qa", {"family": "Open QA", "view": "en", "lang": "en"}),
        ("other_task", {"family": "qa", "view": "x", "lang": "fi-FI-x-" + "a" * 40}),
        ("qa_all", {"family": "qa", "view": "x", "lang": "all"}),
        # The view is a word of ours, or the end of the name is, but the rest does not fit.
        ("openqa", {"family": "Open QA", "view": "gen", "lang": "en"}),
        ("openqa_gen", {"family": "Open QA", "view": "open", "lang": "en"}),
        ("qa_fi_open", {"family": "qa", "view": "open", "lang": "fi"}),
    ],
)
def test_a_task_of_another_project_with_all_three_fields(tmp_path, task, metadata):
    path = write_run(tmp_path, VIEWS)
    change(path, lambda content: content["configs"].update({task: {"metadata": metadata}}))
    assert len(find_views(find_runs([tmp_path]))) == 3


def test_two_tasks_of_one_view(tmp_path):
    path = write_run(tmp_path, VIEWS)
    change(path, lambda content: content["configs"].update({"copy": content["configs"]["mqa_illusion_en_gen"]}))
    change(path, lambda content: content["n-samples"].update({"copy": {"effective": 2}}))
    samples = path.with_name(f"samples_mqa_illusion_en_gen_{DATE}.jsonl")
    path.with_name(f"samples_copy_{DATE}.jsonl").write_bytes(samples.read_bytes())
    with pytest.raises(UserError, match=r"\(mqa_illusion_en_gen\) and .* \(copy\) are both the view gen of mqa_illusion in en"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize("task", ["../mqa_illusion_en_gen", "a/b_gen", "a\0_gen"])
def test_a_task_name_that_leads_to_another_folder(tmp_path, task):
    path = write_run(tmp_path, VIEWS)
    change(path, lambda content: content["configs"].update({task: content["configs"]["mqa_illusion_en_gen"]}))
    with pytest.raises(UserError, match="which is no part of a file name"):
        find_views(find_runs([tmp_path]))


def test_a_task_name_of_ten_thousand_characters(tmp_path):
    path = write_run(tmp_path, VIEWS)
    change(path, lambda content: content["configs"].update({"x" * 10_000: content["configs"]["mqa_illusion_en_gen"]}))
    with pytest.raises(UserError, match=r"has no samples of x+ ") as error:
        find_views(find_runs([tmp_path]))
    assert len(str(error.value)) < len(str(path)) + 400


def test_two_results_files_of_one_samples_file(tmp_path):
    # A copied and edited results file would count the same rows for another variant.
    path = write_run(tmp_path, VIEWS)
    copy = path.with_name(f"results_copy_{DATE}.json")
    copy.write_bytes(path.read_bytes())
    change(copy, lambda content: content["config"].update({"illusion": DENSE}))
    with pytest.raises(UserError, match=r"have the same samples, .*: one of the results files is a copy or renamed"):
        load_outcomes([tmp_path])


def test_a_link_to_the_samples_of_another_run(tmp_path):
    first = write_run(tmp_path, VIEWS)
    second = write_run(tmp_path, VIEWS, illusion=DENSE, date=LATER)
    names = [path.name.replace("results", "samples_mqa_illusion_en_gen") + "l" for path in (first, second)]
    (tmp_path / names[1]).unlink()
    (tmp_path / names[1]).symlink_to(names[0])
    with pytest.raises(UserError, match="have the same samples"):
        load_outcomes([tmp_path])


def test_two_dense_variants_of_one_model(tmp_path):
    # Others would be compared with whichever comes last.
    write_run(tmp_path, VIEWS, illusion=DENSE)
    write_run(tmp_path, VIEWS, illusion={**DENSE, "variant": "dense2"}, date=LATER)
    with pytest.raises(UserError, match="are both dense runs of tiny, of variants dense and dense2"):
        load_outcomes([tmp_path])


def test_groups_that_contain_themselves_or_each_other(tmp_path):
    path = write_run(tmp_path, VIEWS)
    # 2**60 ways lead from g0 to the task, and a group may contain itself.
    groups = {f"g{n}": [f"g{n + 1}"] * 2 for n in range(60)} | {"g60": [ONESHOT, "g0", "g60", "nowhere"]}
    change(path, lambda content: content.update({"group_subtasks": groups}))
    (run,) = find_runs([path])
    assert run.leaves("g0") == [ONESHOT]
    assert run.leaves("nowhere") == []


@pytest.mark.parametrize("value", ["x" * 10_000, {"temperature": "x" * 10_000}])
def test_a_long_setting_is_cut_in_the_message(tmp_path, value):
    write_run(tmp_path, VIEWS, config={"gen_kwargs": value})
    with pytest.raises(UserError, match="was run with --gen_kwargs") as error:
        load_outcomes([tmp_path])
    assert len(str(error.value)) < 500
