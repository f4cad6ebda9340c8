"""lm_eval's hash over the rows: equal to lm_eval's own computation, and a file with other rows is refused."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.runs import find_runs
from lm_eval_illusion.results.task_hash import TaskHash
from lm_eval_illusion.results.task_pairs import join_tasks, read_pair
from tests.lm_eval_files import DATE, choice_row, hits, text_row, write_run, write_tasks

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "abc"], "gen": hits("match", a=1, b=0, c=1)}


def of_lm_eval(rows):
    from lm_eval.utils import hash_string

    # As in lm_eval.loggers.evaluation_tracker.EvaluationTracker.save_results_aggregated.
    return hash_string("".join(row["doc_hash"] + row["prompt_hash"] + row["target_hash"] for row in rows))


def add_hashes(path, tasks):
    """Give each row its three hashes, and the results file lm_eval's hash over them."""
    hashes = {}
    for task in tasks:
        samples = path.with_name(f"samples_{task}_{DATE}.jsonl")
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        rows = [row | {"prompt_hash": f"p{row['doc_hash']}", "target_hash": f"t{row['doc_hash']}"} for row in rows]
        samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
        hashes[task] = of_lm_eval(rows)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"task_hashes": hashes}))
    return samples


@pytest.fixture
def samples(tmp_path):
    return add_hashes(write_run(tmp_path, VIEWS), ["mqa_illusion_en_mc", "mqa_illusion_en_gen"])


def edit_rows(path, edit):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    edit(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_rows_of_the_run(samples, tmp_path):
    assert len(load_outcomes([tmp_path])) == 3


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows.reverse(),
        lambda rows: rows[1].update(prompt_hash="other"),  # the row of another view of the item
        lambda rows: rows[1].update(target_hash="other"),
        lambda rows: rows[1].pop("prompt_hash"),
    ],
)
def test_other_rows(samples, tmp_path, edit):
    edit_rows(samples, edit)
    with pytest.raises(UserError, match=rf"{samples.name} does not have the rows of its run \(their hash"):
        load_outcomes([tmp_path])


def test_other_rows_of_a_paired_task(tmp_path):
    docs = [{"n": 0}, {"n": 1}]
    tasks = {
        "gen": [text_row(doc, "x", exact_match=1.0) for doc in docs],
        "mc": [choice_row(doc, [-1.0, -2.0], 0) for doc in docs],
    }
    mc = add_hashes(write_tasks(tmp_path, tasks), tasks)
    assert len(join_tasks(find_runs([tmp_path]), [read_pair("mc=gen")], None).outcomes) == 2
    edit_rows(mc, lambda rows: rows.reverse())
    with pytest.raises(UserError, match="does not have the rows of its run"):
        join_tasks(find_runs([tmp_path]), [read_pair("mc=gen")], None)


def test_ids_that_were_exchanged(tmp_path):
    # Without a hash over the rows: the same id has another document in another view.
    write_run(tmp_path, VIEWS)
    path = tmp_path / f"samples_mqa_illusion_en_gen_{DATE}.jsonl"
    edit_rows(path, lambda rows: rows[0].update(doc=rows[1]["doc"]) or rows[1].update(doc={"id": "a"}))
    with pytest.raises(UserError, match=r'have different documents of the id "[ab]": the ids were changed'):
        load_outcomes([tmp_path])


def test_rows_of_earlier_versions_have_no_hashes(tmp_path):
    hashes = TaskHash()
    hashes.add("d", None, None)
    hashes.check(tmp_path, tmp_path, "0" * 64)


def test_half_characters_in_a_hash(tmp_path):
    hashes = TaskHash()
    hashes.add("\ud800", "p", "t")
    with pytest.raises(UserError, match="does not have the rows"):
        hashes.check(tmp_path, tmp_path, "0" * 64)
