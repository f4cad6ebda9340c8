"""Names of lm_eval's own tasks, without lm_eval's index."""

from __future__ import annotations

import importlib.util
import re
import sys
import time
from pathlib import Path

from lm_eval_illusion.harness_names import names_below, names_of_lm_eval


def test_every_way_of_naming_is_found_and_sentences_are_not(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one.yaml").write_text(
        'task: plain\ntag: [flow_1, "flow-2"]\ndoc_to_text: "x"\ndescription: |\n  task: Answer the question\n  group:\n'
    )
    (tmp_path / "a" / "b" / "two.yaml").write_text(
        "group: 'quoted'  # a comment\ntask:\n  - first\n\n  - group: inner\n    task:\n    - deep\n  - task: named\ntag: null\n"
    )
    (tmp_path / "a" / "included").write_text("tag:\r\n  - of_include\r\n")
    (tmp_path / "a" / "notes.md").write_text("task: in_text\n")
    found = set(names_below(tmp_path))
    assert found == {"plain", "flow_1", "flow-2", "quoted", "first", "inner", "deep", "named", "of_include"}


def test_a_folder_that_is_not_there_has_no_names(tmp_path):
    assert list(names_below(tmp_path / "absent")) == []


def test_names_that_lm_eval_has_in_each_role_are_found():
    # A task, groups, a task made by Python code, tags, of which one stands in a file without an ending, and folders.
    expected = (
        "hellaswag",
        "mmlu",
        "mgsm_direct",
        "xquad",
        "squadv2",
        "ai2_arc",
        "truthfulqa_multi",
        "paloma",
        "xquad_en",
        "arc",
        "mgsm",
    )
    assert {name: names_of_lm_eval().get(name) for name in expected} == {name: name for name in expected}


def test_lm_eval_is_not_imported_and_it_takes_less_than_two_seconds(monkeypatch):
    for module in [module for module in sys.modules if module.partition(".")[0] == "lm_eval"]:
        monkeypatch.delitem(sys.modules, module)
    start = time.process_time()
    found = names_of_lm_eval.__wrapped__()
    assert time.process_time() - start < 2
    assert len(found) > 10_000
    assert "lm_eval" not in sys.modules


def test_every_name_of_lm_evals_index_is_found(tmp_path, monkeypatch):
    # A part of lm_eval's tasks with each way of naming; its whole index takes 6 s.
    from lm_eval.tasks._index import TaskIndex

    monkeypatch.setattr("lm_eval_illusion.plugin.tasks_folder", lambda: tmp_path)
    folder = Path(importlib.util.find_spec("lm_eval").submodule_search_locations[0]) / "tasks"
    parts = ["afrobench/naijarc", "arc", "bertaqa", "paloma", "squadv2", "super_glue", "truthfulqa-multi", "xquad"]
    build = getattr(TaskIndex.build, "without_ours_first", TaskIndex.build)
    index = {name for name in build([folder / part for part in parts]) if re.fullmatch("[A-Za-z0-9_-]+", name)}
    assert len(index) > 100
    assert index - {name for part in parts for name in names_below(folder / part)} == set()
