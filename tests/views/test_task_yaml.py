"""The task YAMLs, one per language and view: generated from the `View` records, and loadable by lm_eval."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.plugin import tasks_folder
from lm_eval_illusion.views import TWIN, VIEWS, open_prompt
from lm_eval_illusion.views.task_yaml import task_names, write_task_files

ROOT = Path(__file__).parents[2]
NAMES = [TWIN.name, *(view.name for view in VIEWS)]


@pytest.fixture(scope="module")
def manager():
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(tasks_folder()), include_defaults=False)


def test_every_yaml_is_the_generated_one_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_tasks.py"), str(tmp_path)], check=True)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.yaml"))
    tasks = ROOT / "tasks"
    by_hand = set(tasks.rglob("family.yaml"))
    assert written == sorted(path.relative_to(tasks) for path in set(tasks.rglob("*.yaml")) - by_hand)
    assert all((tmp_path / path).read_bytes() == (tasks / path).read_bytes() for path in written)


def test_a_new_language_and_a_new_family_are_found_in_their_folders(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "model")
    shutil.copytree(ROOT / "lm_eval_illusion", tmp_path / "lm_eval_illusion", ignore=ignored)
    languages, tasks, tools = tmp_path / "lm_eval_illusion" / "languages", tmp_path / "tasks", tmp_path / "tools"
    shutil.copy(languages / "es.toml", languages / "qq.toml")
    for family in ("mqa_illusion", "mine"):
        (tasks / family).mkdir(parents=True)
        shutil.copy(ROOT / "tasks" / "mqa_illusion" / "family.yaml", tasks / family)
    (tasks / "mine" / "dataset.py").write_text('LANGUAGES = ("fi", "qq")')
    shutil.copytree(ROOT / "tasks" / "mqa_illusion" / "items", tasks / "mqa_illusion" / "items")
    (tasks / "mqa_illusion" / "items" / "qq.jsonl").write_text("")
    tools.mkdir()
    shutil.copy(ROOT / "tools" / "make_tasks.py", tools)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, str(tools / "make_tasks.py")], check=True, env=environment)
    assert "task: mqa_illusion_qq_gen\n" in (tasks / "mqa_illusion" / "qq" / "gen.yaml").read_text()
    for family, expected in (("mqa_illusion", sorted([*embedded_languages(), "qq"])), ("mine", ["fi", "qq"])):
        words = (tasks / family / "groups" / "all.yaml").read_text().split()
        assert [word for word in words if word.startswith(f"{family}_")] == [f"{family}_{lang}" for lang in expected]


@pytest.mark.parametrize("family", ["null", "no", "Off", "cities"])
def test_names_that_yaml_reads_as_something_else_come_back_and_none_is_forgotten(tmp_path, family):
    languages = ["en", "no", "zh"]
    write_task_files(tmp_path, family, languages)
    contents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.yaml")]
    tasks = {content["task"] for content in contents if "group" not in content}
    groups = {content["group"]: content["task"] for content in contents if "group" in content}
    assert sorted([*tasks, *groups]) == sorted(task_names(family, languages))
    assert {member for members in groups.values() for member in members} <= {*tasks, *groups}
    of_tasks = [content["metadata"] for content in contents if "group" not in content]
    assert {metadata["family"] for metadata in of_tasks} == {family}
    assert {metadata["lang"] for metadata in of_tasks} == set(languages)
    assert {content.get("target_delimiter", " ") for content in contents if content.get("task") == f"{family}_zh_mc"} == {""}


def test_every_task_and_group_exists(manager):
    xquad, tydiqa = "ar de el en es hi ro ru th tr vi zh".split(), "ar bn en fi id ko ru sw te".split()
    families = {"mqa_illusion": embedded_languages()}
    families |= {f"mqa_illusion_xquad{book}": xquad for book in ("", "_closed")}
    families |= {f"mqa_illusion_tydiqa{book}": tydiqa for book in ("", "_closed")}
    tasks = {f"{name}_{lang}_{form}" for name, languages in families.items() for lang in languages for form in NAMES}
    groups = {f"{name}{part}" for name in families for part in ("", "_core", "_core_served", *(f"_{form}" for form in NAMES))}
    groups |= {f"{name}_{lang}" for name, languages in families.items() for lang in languages}
    assert set(manager.all_subtasks) == tasks
    assert set(manager.all_groups) == groups


def test_groups_contain_the_tasks_of_their_names(manager):
    loaded = manager.load(["mqa_illusion_core"])["tasks"]
    assert {name.rsplit("_", 1)[1] for name in loaded} == {"twin", "oneshot", "sample"}
    assert len(loaded) == 3 * len(embedded_languages())
    # A generated letter tells nothing more where the letters are scored.
    of_finnish = {f"mqa_illusion_fi_{form}" for form in NAMES if form != "mc_letters_generated"}
    assert set(manager.load(["mqa_illusion_fi"])["tasks"]) == of_finnish


def test_the_group_of_servers_asks_for_no_scores(manager):
    loaded = manager.load(["mqa_illusion_core_served"])["tasks"]
    asked = {"mc_letters_generated", "gen", "oneshot", "sample"}
    assert set(loaded) == {f"mqa_illusion_{lang}_{view}" for lang in embedded_languages() for view in asked}
    assert {task.OUTPUT_TYPE for task in loaded.values()} == {"generate_until"}


def test_the_groups_of_families_and_languages_average_the_metrics_of_the_twin(manager):
    loaded = manager.load(["mqa_illusion"])["groups"]
    for name in ("mqa_illusion", "mqa_illusion_fi"):
        means = loaded[name].aggregate_metric_list
        assert [mean.metric for mean in means] == ["recognised", "produced", "recognition_only"]
        assert all(mean.weight_by_size and mean.filter_list == ["none"] for mean in means)


def test_the_twin_asks_what_its_two_views_ask(manager):
    for lang in ("en", "zh"):
        names = [f"mqa_illusion_{lang}_{form}" for form in ("mc", "gen", "twin")]
        tasks = manager.load(names)["tasks"]
        for task in tasks.values():
            task.build_all_requests(limit=2, rank=0, world_size=1)
        asked = [[(request.request_type, *request.args) for request in tasks[name].instances] for name in names]
        # Four choices and an answer for each of two items.
        assert asked[2] == [*asked[0][:4], asked[1][0], *asked[0][4:], asked[1][1]]
        assert [request.idx for request in tasks[names[2]].instances] == [0, 1, 2, 3, 4] * 2


def test_mc_and_gen_have_the_same_prompt(manager):
    for lang in embedded_languages():
        tasks = manager.load([f"mqa_illusion_{lang}_mc", f"mqa_illusion_{lang}_gen"])["tasks"]
        prompts = []
        for task in tasks.values():
            task.build_all_requests(limit=3, rank=0, world_size=1)
            prompts.append(list(dict.fromkeys(instance.args[0] for instance in task.instances)))
        assert prompts[0] == prompts[1]
        assert prompts[0][0] == open_prompt(next(iter(tasks.values())).eval_docs[0])


def test_no_space_before_a_chinese_answer(manager):
    for lang, first in (("zh", ""), ("th", " "), ("en", " ")):
        task = manager.load([f"mqa_illusion_{lang}_mc"])["tasks"][f"mqa_illusion_{lang}_mc"]
        task.build_all_requests(limit=1, rank=0, world_size=1)
        assert [instance.args[1] for instance in task.instances] == [first + c for c in task.eval_docs[0]["choices"]]


def test_beam_and_sample_request_k_outputs(manager):
    tasks = manager.load(["mqa_illusion_en_beam", "mqa_illusion_en_sample"])["tasks"]
    assert {name: task.config.repeats for name, task in tasks.items()} == {
        "mqa_illusion_en_beam": 5,
        "mqa_illusion_en_sample": 10,
    }
    assert tasks["mqa_illusion_en_beam"].config.generation_kwargs["num_beams"] == 5


def test_metadata_names_family_view_and_language(manager):
    task = manager.load(["mqa_illusion_te_oneshot"])["tasks"]["mqa_illusion_te_oneshot"]
    named = {key: task.config.metadata[key] for key in ("family", "view", "lang")}
    assert named == {"family": "mqa_illusion", "view": "oneshot", "lang": "te"}
