"""The filter makes the same answer of what backends return that stop at different places."""

from __future__ import annotations

import pytest
from lm_eval.api.instance import Instance
from lm_eval.tasks import TaskManager

from lm_eval_illusion.first_line import Answer
from lm_eval_illusion.plugin import tasks_folder
from lm_eval_illusion.views import VIEWS, first_lines


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (" Paris", "Paris"),
        ("\n\nParis\n\nQuestion: Where", "Paris"),
        ("\ufeff\r\n Paris.\u2028More", "Paris."),
        ("<think>\nIt is\nLyon.\n</think>\n\nParis\nLyon", "Paris"),
        ("<think>\nIt goes on", ""),
        ("\n \n", ""),
        ("", ""),
    ],
)
def test_a_response_becomes_its_first_visible_line(response, answer):
    assert first_lines([[response]], [{}]) == [[answer]]
    # What is cut already stays.
    assert first_lines([[answer]], [{}]) == [[answer]]


def test_scores_stay_and_an_answer_keeps_how_it_ended():
    ((score,), (cut,), (plain,)) = first_lines([[(-1.5, True)], [Answer("\nParis\n", True)], ["Paris"]], [{}] * 3)
    assert score == (-1.5, True)
    assert (cut, cut.reached_limit) == ("Paris", True)
    assert not hasattr(plain, "reached_limit")


@pytest.fixture(scope="module")
def tasks():
    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    return manager.load(["mqa_illusion_en", "mqa_illusion_en_mc_letters_generated"])["tasks"]


@pytest.mark.parametrize("view", [view for view in VIEWS if not view.is_scored], ids=lambda view: view.name)
def test_the_yaml_of_every_view_applies_it_to_every_output(tasks, view):
    task = tasks[f"mqa_illusion_en_{view.name}"]
    assert task.config.generation_kwargs["until"] == []
    request = Instance("generate_until", {}, ("prompt", {}), 0)
    request.resps = [f"\n {number}\nmore" for number in range(view.repeats)]
    task._instances = [request]
    task.apply_filters()
    expected = [str(number) for number in range(view.repeats)]
    assert request.filtered_resps == {view.filter_name: expected if view.repeats > 1 else "0"}


def test_the_yaml_of_the_twin_applies_it_to_the_answer_alone(tasks):
    task = tasks["mqa_illusion_en_twin"]
    task.build_all_requests(limit=1, rank=0, world_size=1)
    for request in task.instances:
        request.resps = ["\n Paris\nmore"] if request.request_type == "generate_until" else [(-2.0, False)]
    task.apply_filters()
    assert [request.filtered_resps["none"] for request in task.instances] == [*[(-2.0, False)] * 4, "Paris"]
