"""Two tasks of another project, run by lm_eval with its `hf` model and paired by the report: real files, not hand-made ones."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.items import embedded_items
from tests.pairing.test_real_questions import EMBEDDED_MODEL
from tests.prepared_process import run_lm_eval

ITEMS = 12
MC = """
task: their_mc
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: gold
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""
GEN = """
task: their_gen
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: answer
generation_kwargs: {{until: ["\\n"], max_gen_toks: 16, do_sample: false}}
filter_list:
  - {{name: stripped, filter: [{{function: remove_whitespace}}, {{function: take_first}}]}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""

pytestmark = pytest.mark.slow


def test_two_tasks_of_lm_eval(tmp_path, capsys):
    data = tmp_path / "data.jsonl"
    fields = ("question", "choices", "gold", "answer")
    rows = [{name: item[name] for name in fields} for item in embedded_items("en")[:ITEMS]]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "mc.yaml").write_text(MC.format(data=data))
    (tasks / "gen.yaml").write_text(GEN.format(data=data))
    command = [
        "--model",
        "hf",
        "--model_args",
        f"pretrained={EMBEDDED_MODEL},dtype=float32",
        "--tasks",
        "their_mc,their_gen",
    ]
    command += ["--include_path", tasks, "--output_path", tmp_path / "runs", "--log_samples", "--batch_size", "8"]
    done = run_lm_eval(list(map(str, command)))
    assert done.returncode == 0, done.stderr[-3000:]
    arguments = ["report", str(tmp_path / "runs"), "--pair", "their_mc=their_gen", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--fail-if", "recognition_only_rate > 99 % at dense"]) == 0
    (row,) = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["rows"]
    results = json.loads(next((tmp_path / "runs").rglob("results_*.json")).read_text(encoding="utf-8"))["results"]
    assert row["n"] == ITEMS
    # The embedded model was trained on these facts: both rates are near 1, and there is no tie.
    assert row["recognition_accuracy"]["value"] == results["their_mc"]["acc,none"] > 0.8
    assert row["production_accuracy"]["value"] == results["their_gen"]["exact_match,stripped"] > 0.8
