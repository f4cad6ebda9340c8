"""`lm-eval-illusion pair`: a folder that plain lm_eval loads, written completely or not at all."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from lm_eval._cli import HarnessCLI
from lm_eval.config.evaluate_config import EvaluatorConfig
from lm_eval.tasks import TaskManager

from lm_eval_illusion.cli import main
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.pairing.task_folder import next_command
from lm_eval_illusion.views import TWIN, VIEWS

XQUAD = Path(__file__).parents[3] / "shared" / "data" / "xquad.jsonl"
CITIES = "Paris Madrid Rome Oslo Vienna Lisbon Athens Dublin Warsaw Prague".split()


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "cities.jsonl"
    rows = [{"id": city, "lang": "en", "question": f"Which is city {n}?", "answer": city} for n, city in enumerate(CITIES)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def own_tasks_left_out(tmp_path_factory, monkeypatch):
    """Indexing the tasks of the package takes a second each time."""
    monkeypatch.setattr("lm_eval_illusion.plugin.tasks_folder", lambda: tmp_path_factory.mktemp("no_tasks"))


def test_the_folder_has_every_view_and_the_summary_the_counts(questions, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["pair", str(questions), "--name", "cities", "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:4] == [
        "10 questions read, 10 ids.",
        "Items: en 9.",
        "Held out as one-shot examples: 1.",
        "Dropped: 0 of 10 ids.",
    ]
    assert f"Details, examples: {out / 'pairing.txt'}" in printed
    text = (out / "pairing.txt").read_text(encoding="utf-8")
    assert text.startswith(f"Items of cities, made from {questions}"[:90])
    assert text.splitlines()[2:6] == printed[:4]
    manager = TaskManager(include_path=str(out), include_defaults=False)
    tasks = manager.load(["cities"])["tasks"]
    assert set(tasks) == {f"cities_en_{form.name}" for form in (TWIN, *VIEWS) if form.name != "mc_letters_generated"}
    docs = list(tasks["cities_en_mc"].test_docs())
    assert len(docs) == 9
    assert all(len(doc["choices"]) == 4 and set(doc["choices"]) <= set(CITIES) for doc in docs)


@pytest.mark.usefixtures("own_tasks_left_out")
@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("null", "a folder with 'quotes' and $HOME"),
        ("no", "a/b/"),
        ("off", "out*[x]"),
        ("y", "-out"),
        ("NaN", "Städte"),
    ],
)
def test_the_next_step_is_a_command_that_finds_the_tasks(questions, tmp_path, monkeypatch, capsys, name, out):
    monkeypatch.chdir(tmp_path)
    assert main(["pair", str(questions), "--name", name, f"--out={out}"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Now: lm_eval ")
    monkeypatch.setattr(sys, "argv", ["lm_eval", "run", *shlex.split(last)[2:]])
    config = EvaluatorConfig.from_cli(HarnessCLI().parse_args())  # refuses --log_samples without --output_path
    assert config.tasks == [name]
    # What `lm_eval` does with these two.
    manager = TaskManager(include_path=config.include_path, include_defaults=False)
    assert manager.match_tasks(config.tasks) == [name]
    tasks = manager.load([f"{name}_mc"])["tasks"]
    assert {task: tasks[task].config.metadata["family"] for task in tasks} == {f"{name}_en_mc": name}


@pytest.mark.parametrize("out", ["a\nb", "it's \x1b[2Jf", "\u202e\\", "a\udcffb c", "--x\t"])
def test_a_shell_reads_any_folder_back(out):
    command = next_command("cities", Path(out))
    assert command == for_terminal(command)
    echo = command.replace("lm_eval --model hf --model_args pretrained=MODEL --include_path", "printf '%s|'")
    done = subprocess.run(["bash", "-c", echo], capture_output=True, check=True)
    assert os.fsdecode(done.stdout).split("|")[0].removeprefix("./") == out


@pytest.mark.usefixtures("own_tasks_left_out")
def test_a_folder_within_a_task_folder_is_one_of_its_own(questions, tmp_path, capsys):
    outer = tmp_path / "outer"
    assert main(["pair", str(questions), "--name", "cities", "--out", str(outer)]) == 0
    assert main(["pair", str(questions), "--name", "towns", "--out", str(outer / "inner")]) == 0
    for folder, names in ((outer, ["cities", "towns"]), (outer / "inner", ["towns"])):
        manager = TaskManager(include_path=str(folder), include_defaults=False)
        assert [name for name in manager.all_groups if "_" not in name] == names
        assert len(manager.all_subtasks) == len(names) * (len(VIEWS) + 1)


@pytest.mark.parametrize("out", ["__pycache__", ".ipynb_checkpoints/x", "a/__pycache__/b"])
def test_a_folder_where_lm_eval_does_not_look_is_refused(questions, tmp_path, capsys, out):
    assert main(["pair", str(questions), "--name", "cities", "--out", str(tmp_path / out)]) == 2
    error = capsys.readouterr().err
    assert "where lm_eval looks for no task" in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [questions]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mqa_illusion_xquad", "begins with mqa_illusion"),
        ("mqa_illusion_gen", "begins with mqa_illusion"),
        ("MQA_illusion", "begins with mqa_illusion"),
        ("x" * 101, "longer than 100"),
        ("x" * 300, "longer than 100"),
        ("2x", "can't be part of task names"),
        ("a/b", "can't be part of task names"),
        ("ab\n", "can't be part of task names"),
        ("mmlu", "name 'mmlu' is 'mmlu' of lm_eval's own tasks"),
        ("belebele", "of lm_eval's own tasks"),
        ("nq_open", "of lm_eval's own tasks"),
    ],
)
def test_a_wrong_name_writes_nothing(questions, tmp_path, capsys, name, message):
    assert main(["pair", str(questions), "--name", name, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == [questions]


def test_a_wrong_line_writes_nothing(questions, tmp_path, capsys):
    questions.write_text(questions.read_text() + "\n{}")
    assert main(["pair", str(questions), "--name", "cities", "--out", str(tmp_path / "out")]) == 2
    assert "cities.jsonl:11" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == [questions]


def test_an_existing_folder_is_not_changed(questions, tmp_path, capsys):
    assert main(["pair", str(questions), "--name", "cities", "--out", str(tmp_path)]) == 2
    assert "exists: give a new folder" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["x" * 300, "x\0y", "new/" + "x" * 300, "cities.jsonl/out", "loop/out"])
def test_a_path_that_cannot_be_written_is_reported_and_nothing_is_left(questions, tmp_path, capsys, out):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = sorted(tmp_path.iterdir())
    assert main(["pair", str(questions), "--name", "cities", "--out", str(tmp_path / out)]) == 2
    error = capsys.readouterr().err
    assert "can't be written" in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_parents_are_made_and_removed_again_if_writing_fails(questions, tmp_path, capsys, monkeypatch):
    out = tmp_path / "a" / "b" / ("x" * 250)
    assert main(["pair", str(questions), "--name", "cities", "--out", str(out)]) == 0
    assert (out / "family.yaml").exists()

    def disk_full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lm_eval_illusion.pairing.task_folder.write_task_files", disk_full)
    assert main(["pair", str(questions), "--name", "cities", "--out", str(tmp_path / "c" / "d" / "out")]) == 2
    assert "No space left" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_long_numbers_are_paired(questions, tmp_path):
    rows = [{"id": f"n{n}", "lang": "en", "question": f"Which is code {n}?", "answer": str(n) * 500} for n in range(1, 8)]
    questions.write_text("\n".join(map(json.dumps, rows)))
    assert main(["pair", str(questions), "--name", "codes", "--out", str(tmp_path / "out")]) == 0


def test_the_summary_is_printed_on_an_ascii_terminal(questions, tmp_path):
    rows = [{"id": f"стол{n}", "lang": "ru", "question": f"Город {n}?", "answer": f"{city}"} for n, city in enumerate(CITIES)]
    questions.write_text("\n".join(map(json.dumps, rows)))
    command = [
        sys.executable,
        "-m",
        "lm_eval_illusion.cli",
        "pair",
        str(questions),
        "--name",
        "x",
        "--out",
        str(tmp_path / "стол"),
    ]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "Items: ru 9." in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not XQUAD.exists(), reason="needs the shared data")
def test_every_hash_seed_of_python_writes_the_same_bytes(tmp_path):
    written = []
    # Half of the ids in all twelve languages: the rules of each language are used, in two processes.
    rows = XQUAD.read_text(encoding="utf-8").splitlines(keepends=True)
    ids = {json.loads(row)["id"]: row for row in rows}.keys()
    chosen = set(sorted(ids)[::2])
    questions = tmp_path / "xquad.jsonl"
    questions.write_text("".join(row for row in rows if json.loads(row)["id"] in chosen), encoding="utf-8")
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        command = [sys.executable, "-m", "lm_eval_illusion.cli", "pair", str(questions), "--name", "x", "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
        files = sorted(file for file in out.rglob("*") if file.is_file())
        written.append([(file.relative_to(out), file.read_bytes()) for file in files])
    assert written[0] == written[1]
