"""A new view is one `View` record: in a copy of the package it then appears in everything that knows views."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VIEW = """
VIEWS += (
    View(
        name="short",
        description="the open prompt, answered with few tokens.",
        label="short answers",
        request_type="generate_until",
        role="recovery",
        prompt=prompts.open_prompt,
        score=metrics.score_answer,
        metrics=(Metric("match"), Metric("f1", "optional")),
        outcome_metric="match",
        decoding=DecodingSettings(max_gen_toks=8),
        is_core=True,
    ),
)
"""
CHECKS = """
import json, sys
from pathlib import Path
from lm_eval.api.instance import Instance
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.command_checks import refuse_changed_settings
from lm_eval_illusion.progress import view_of
from lm_eval_illusion.report.item_browser import item_browser
from lm_eval_illusion.results import ItemTexts, find_runs, find_views, join_views
from lm_eval_illusion.views.task_yaml import write_task_files, write_view_files

runs, tasks = map(Path, sys.argv[1:])
write_view_files(tasks / "views")
write_task_files(tasks / "family", "family", ["fi"])
item = {"id": "1", "choices": [], "shot": {}}
try:
    refuse_changed_settings([Instance("generate_until", item, ("prompt", {}), 0, metadata=("family_fi_short", 0, 1))])
    refused = ""
except UserError as error:
    refused = str(error)
texts = ItemTexts(100)
outcomes = join_views(find_views(find_runs([runs])), "acc", texts)
browser = item_browser(outcomes, texts)
print(json.dumps({
    "refused": refused,
    "progress": view_of("family_fi_short"),
    "recovered": {outcome.id: outcome.recovered for outcome in outcomes},
    "outputs": [row["outputs"]["short"] for row in browser["rows"]],
}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A folder with a copy of the package, with the view added."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "lm_eval_illusion", folder / "lm_eval_illusion", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "lm_eval_illusion" / "views" / "spec.py").open("a", encoding="utf-8") as spec:
        spec.write(VIEW)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A run with the new view."""
    from tests.lm_eval_files import hits, write_run

    folder = tmp_path_factory.mktemp("runs")
    short = [{**row, "output": f"short {row['id']}"} for row in hits("match", a=1, b=0)]
    write_run(folder, {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=0, b=0), "short": short})
    return folder


def run(package: Path, *arguments: object) -> str:
    """The output of Python with the copy of the package."""
    environment = {**os.environ, "PYTHONPATH": str(package)}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=package)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_tasks_refusals_reader_and_item_browser_handle_a_new_view(package, runs, tmp_path):
    found = json.loads(run(package, "-c", CHECKS, runs, tmp_path))
    assert "max_gen_toks: 8\n" in (tmp_path / "views" / "short.yaml").read_text()
    assert (tmp_path / "family" / "fi" / "short.yaml").is_file()
    groups = {name: (tmp_path / "family" / name).read_text() for name in ("fi/group.yaml", "groups/core.yaml")}
    assert "family_fi_short\n" in groups["fi/group.yaml"]
    assert "family_short\n" in groups["groups/core.yaml"]
    assert "metric: match, aggregation: mean" in (tmp_path / "family" / "groups" / "short.yaml").read_text()
    assert "not with the settings of the view short" in found["refused"]
    assert found["progress"] == "short"
    assert found["recovered"] == {"a": {"short": True}, "b": {"short": False}}
    assert found["outputs"] == [["short a"], ["short b"]]


@pytest.mark.slow
def test_the_report_handles_a_new_view(package, runs, tmp_path):
    from pyarrow import parquet

    terminal = run(package, "-m", "lm_eval_illusion.cli", "report", runs, "--out", tmp_path)
    (row,) = (row for row in json.loads((tmp_path / "report.json").read_text())["rows"] if row["language"] == "all")
    assert row["recovery"]["short"]["value"] == row["recovery"]["any"]["value"] == 0.5
    assert parquet.read_table(tmp_path / "outcomes.parquet")["recovered_short"].to_pylist() == [True, False]
    page, markdown = ((tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    # The terminal leaves out the strategies that did not run.
    assert re.search(r"┃ +short ┃ +any ┃", terminal)
    assert re.search(r"│ +50\.0 │ +50\.0 │", terminal)
    assert "| beam | oneshot | sample | short | any | candidates | w/o gold |" in markdown
    assert "| – | – | – | 50.0 | 50.0 | – | – |" in markdown
    assert (
        "- **short**: share of the recognition-only errors recovered: the open prompt, answered with few tokens\n" in markdown
    )
    assert "- **any**: share of the recognition-only errors recovered: any of these four\n" in markdown
    assert "<dt>short</dt><dd>The open prompt, answered with few tokens.</dd>" in page
    assert "<dt>any</dt><dd>Any of these four.</dd>" in page
    assert '"short": "short answers"' in page
    assert "short" in (tmp_path / "figures" / "recovery.svg").read_text(encoding="utf-8")
