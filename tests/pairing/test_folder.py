"""`lm-eval-illusion pair`: a folder that stock lm_eval takes, whole or not at all."""

from __future__ import annotations

import json

import pytest
from lm_eval.tasks import TaskManager

from lm_eval_illusion.cli import main
from lm_eval_illusion.task_files import VIEWS

CITIES = "Paris Madrid Rome Oslo Vienna Lisbon Athens Dublin Warsaw Prague".split()


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "cities.jsonl"
    rows = [{"id": city, "lang": "en", "question": f"Which is city {n}?", "answer": city} for n, city in enumerate(CITIES)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_the_folder_holds_every_view_and_says_what_was_dropped(questions, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["pair", str(questions), "--name", "cities", "--out", str(out)]) == 0
    account = capsys.readouterr().out
    assert "10 questions read, 10 ids." in account
    assert "Items: en 9." in account
    manager = TaskManager(include_path=str(out), include_defaults=False)
    tasks = manager.load(["cities"])["tasks"]
    assert set(tasks) == {f"cities_en_{view}" for view in VIEWS}
    docs = list(tasks["cities_en_mc"].test_docs())
    assert len(docs) == 9
    assert all(len(doc["choices"]) == 4 and set(doc["choices"]) <= set(CITIES) for doc in docs)


@pytest.mark.parametrize(
    ("name", "message"), [("mqa_illusion_xquad", "is a family of"), ("2x", "can't name tasks"), ("a/b", "can't name tasks")]
)
def test_a_bad_name_writes_nothing(questions, tmp_path, capsys, name, message):
    assert main(["pair", str(questions), "--name", name, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == [questions]


def test_a_bad_line_writes_nothing(questions, tmp_path, capsys):
    questions.write_text(questions.read_text() + "\n{}")
    assert main(["pair", str(questions), "--name", "cities", "--out", str(tmp_path / "out")]) == 2
    assert "cities.jsonl:11" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == [questions]


def test_a_folder_that_exists_is_left_alone(questions, tmp_path, capsys):
    assert main(["pair", str(questions), "--name", "cities", "--out", str(tmp_path)]) == 2
    assert "exists: give a new folder" in capsys.readouterr().err
