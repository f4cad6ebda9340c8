"""The tasks that an lm_eval command names, and which of them belong to a view."""

from __future__ import annotations

import pytest

from lm_eval_illusion.models.command_checks import NamedTasks, read_named, tasks_of_view


@pytest.mark.parametrize(
    ("arguments", "tasks"),
    [
        (["--tasks", "a,b"], ["a", "b"]),
        (["run", "--model", "hf", "-t", "a", "b,c", "--limit", "3"], ["a", "b", "c"]),
        (["--tasks=a"], ["a"]),
        (["--model", "hf"], []),
    ],
)
def test_tasks_are_separated_by_commas_or_spaces(arguments, tasks):
    assert read_named(arguments).tasks == tasks


def beams_of(*tasks, folders=()):
    return tasks_of_view(NamedTasks(list(tasks), list(folders)), "beam")


def test_a_group_name_selects_the_tasks_of_the_group():
    assert beams_of("mqa_illusion_fi") == ["mqa_illusion_fi_beam"]
    assert len(beams_of("mqa_illusion", "mqa_illusion_fi_beam")) == 18
    assert len(beams_of("mqa_illusion_beam")) == 18
    assert beams_of("mqa_illusion_core", "mqa_illusion_fi_gen", "somebodys") == []


def test_tasks_in_a_folder_of_include_path(tmp_path):
    (tmp_path / "one.yaml").write_text("task: mine_en_beam\nmetadata: {family: mine, view: beam, lang: en}\n")
    (tmp_path / "other.yaml").write_text("task: theirs_beam\n")
    (tmp_path / "group.yaml").write_text("group: mine\ntask: [mine_en_beam, theirs_beam, {task: theirs_beam}]\n")
    named = read_named(["--include_path", str(tmp_path), "--tasks", "mine"])
    assert tasks_of_view(named, "beam") == ["mine_en_beam"]
    assert beams_of("mine") == []
