"""From real questions to the report: the embedded model with plain `lm_eval`, and a chat model with random weights.

The embedded model knows only the embedded facts and the other model nothing, so the answers are wrong. Checked is the data flow.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.views import GENERATED_LETTERS, VIEWS
from tests.prepared_process import run_command, run_lm_eval
from tests.tiny_models import make_tiny_tokenizer, save_tiny

DATA = Path(__file__).parents[3] / "shared" / "data" / "xquad.jsonl"
EMBEDDED_MODEL = Path(__file__).parents[2] / "lm_eval_illusion" / "embedded" / "model"
LIMIT = 3
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}[{{ message['role'] }}]\n{{ message['content'] }}\n[end]\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n{% endif %}"
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")]


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The questions of the two languages: to pair those of the other ten would take most of the time, and test_build.py does it."""
    lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    chosen = [line for line in lines if json.loads(line)["lang"] in ("en", "zh")]
    assert len(chosen) == 2 * 200
    file = tmp_path_factory.mktemp("questions") / "xquad.jsonl"
    file.write_text("".join(chosen), encoding="utf-8")
    return file


def arguments(model: Path, questions: Path, out: Path) -> list[str]:
    return [
        *("--model", "pruned-hf", "--model_args", f"pretrained={model},dtype=float32,calibration=embedded"),
        *("--tasks", "mqa_illusion_xquad_en,mqa_illusion_xquad_zh", "--metadata", f"items={questions}"),
        *("--limit", str(LIMIT), "--batch_size", "4", "--output_path", str(out), "--log_samples"),
    ]


def report_of(runs: Path, out: Path, recognition: str = "acc") -> dict:
    assert main(["report", str(runs), "--out", str(out), "--recognition", recognition]) == 0
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def check_report(report: dict) -> None:
    assert {row["language"] for row in report["rows"]} == {"en", "zh", "all"}
    for row in report["rows"]:
        assert row["n"] == (2 * LIMIT if row["language"] == "all" else LIMIT)
        assert row["family"] == "mqa_illusion_xquad"
        assert sum(row["cells"].values()) == row["n"]
        assert 0 <= row["question_blind"]["value"] <= 1
        assert 0 <= row["in_passage"] <= 1


def samples_of(runs: Path, view: str) -> list[dict]:
    # The 2 begins the date: without it, the pattern of `candidates` would also match `candidates_without_gold`.
    files = runs.rglob(f"samples_mqa_illusion_xquad_en_{view}_2*.jsonl")
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_the_embedded_model_on_real_questions(questions, tmp_path, capsys):
    done = run_lm_eval(arguments(EMBEDDED_MODEL, questions, tmp_path / "runs"))
    assert done.returncode == 0, done.stderr[-3000:]
    check_report(report_of(tmp_path / "runs", tmp_path / "report"))
    letters = report_of(tmp_path / "runs", tmp_path / "letters", "letters")
    assert letters["recognition_metric"] == "letters"


def test_a_chat_model_on_real_questions(questions, tmp_path, capsys):
    model = save_tiny("qwen3", tmp_path / "model")
    tokenizer = make_tiny_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(model)
    # `run` takes the same arguments, and indexes lm_eval's thousands of tasks only where one of them is named.
    done = run_command(["run", *arguments(model, questions, tmp_path / "runs"), "--apply_chat_template"])
    assert done.returncode == 0, done.stderr[-3000:]
    check_report(report_of(tmp_path / "runs", tmp_path / "report"))
    # The family's group has all views but the one for servers without scores.
    for view in (view for view in VIEWS if view.name != GENERATED_LETTERS):
        samples = samples_of(tmp_path / "runs", view.name)
        assert len(samples) == LIMIT
        for sample in samples:
            check_chat_prompt(sample["arguments"]["gen_args_0"]["arg_0"], turns=2 if view.name == "oneshot" else 1)


def check_chat_prompt(prompt: str, turns: int) -> None:
    """The prompt has one BOS token, `turns` user messages, each with an answer, and the beginning of the assistant's message."""
    assert prompt.startswith("<s>[user]\n")
    assert prompt.count("<s>") == 1
    assert prompt.count("[user]") == prompt.count("[assistant]") == turns
    assert prompt.endswith("[assistant]\n")
