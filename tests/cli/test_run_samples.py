"""--samples that name no task of --tasks: lm_eval would evaluate every document of every task."""

from __future__ import annotations

import sys

import pytest
from lm_eval.tasks import _index
from lm_eval.tasks._index import Entry, Kind

from lm_eval_illusion.cli import main
from lm_eval_illusion.cli.run_samples import check_samples
from lm_eval_illusion.errors import UserError


def task(name, **cfg):
    return Entry(name, Kind.TASK, None, {"task": name, **cfg})


def group(name, *members):
    return Entry(name, Kind.GROUP, None, {"group": name, "task": list(members)})


INDEX = {
    entry.name: entry
    for entry in (
        *(task("mmlu_law"), task("mmlu_art"), task("cola"), task("own", **{"class": object})),
        # A task of ours has a class, and its own name.
        task("ours_en_twin", **{"class": object, "metadata": {"view": "twin"}}),
        task("odd", **{"class": object, "metadata": 1.0}),
        *(group("mmlu", "mmlu_all"), group("mmlu_all", "mmlu_law", "mmlu_art", "mmlu")),
        *(group("inline", {"task": "cola", "num_fewshot": 1}), group("open", "cola", "elsewhere")),
        Entry("glue", Kind.TAG, None, None, {"cola"}),
    )
}


@pytest.mark.parametrize(
    ("samples", "tasks", "known"),
    [
        (["other"], ["cola"], "give 'cola'$"),
        # A group has no documents of its own.
        (["mmlu"], ["mmlu"], "give 'mmlu_art', 'mmlu_law'$"),
        (["cola"], ["mmlu_*"], "give 'mmlu_art', 'mmlu_law'$"),
        (["mmlu_law"], ["glue"], "give 'cola'$"),
        (["ours_en_mc"], ["ours_en_twin"], "give 'ours_en_twin'$"),
    ],
)
def test_samples_of_no_task(samples, tasks, known):
    with pytest.raises(UserError, match=f"--samples names '{samples[0]}', and no task of --tasks, .*: {known}"):
        check_samples(samples, tasks, INDEX)


@pytest.mark.parametrize(
    ("samples", "tasks"),
    [
        (["cola"], ["glue"]),
        (["mmlu_law"], ["mmlu"]),
        (["mmlu_art"], ["mmlu_*"]),
        # A file may name more tasks than are run.
        (["other", "cola"], ["cola", "mmlu"]),
        # The index does not tell the names of these.
        (["x"], ["inline"]),
        (["x"], ["open"]),
        (["x"], ["own"]),
        (["x"], ["odd"]),
        (["ours_en_twin"], ["ours_en_twin", "cola"]),
        (["x"], ["file.yaml", "cola"]),
        (["x"], []),
        ([], ["cola"]),
    ],
)
def test_right_samples_and_those_that_cannot_be_checked(samples, tasks):
    check_samples(samples, tasks, INDEX)


def test_the_command_refuses_them_before_the_model_is_loaded(capsys, monkeypatch):
    # The command changes both for its process.
    monkeypatch.setattr(_index.TaskIndex, "build", staticmethod(_index.TaskIndex.build))
    monkeypatch.setattr(sys, "argv", sys.argv)
    # There is no such model, so lm_eval would refuse it if it came that far.
    run = ["run", "--model", "nowhere", "--tasks", "mqa_illusion_en", "--samples"]
    assert main([*run, '{"mqa_illusion_fi_mc": [1]}']) == 2
    assert "--samples names 'mqa_illusion_fi_mc', and no task of --tasks" in capsys.readouterr().err
    assert main([*run, '{"mqa_illusion_en_mc": [1]}']) == 2
    assert "nowhere" in capsys.readouterr().err
