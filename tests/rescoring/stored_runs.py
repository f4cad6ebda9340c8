"""Runs for the tests of rescoring: those of the embedded model, and the same as if older rules had judged them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from lm_eval_illusion.results.sample_file import read_rows
from lm_eval_illusion.views import form_of_task

BY_RULES = ("match", "exact_match", "f1", "match_any", "match_top1", "match_mean", "produced", "recognition_only")
"""The metrics that depend on the rules."""
FIELDS = ("match_rule", "match_version")


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def change_rows(path: Path, change: Callable[[dict], None]) -> None:
    rows = rows_of(path)
    for row in rows:
        change(row)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def make_older(folder: Path) -> None:
    """Change the files of runs as if rules that find nothing had judged them, before rows stated a version."""

    def judge(row: dict) -> None:
        for name in BY_RULES:
            if name in row:
                row[name] = 0.0
        if "recognised" in row:
            row["recognition_only"] = float(row["recognised"] == 1)
            row.pop("exact_match", None)
        for name in FIELDS:
            row.pop(name, None)

    for path in folder.rglob("samples_*.jsonl"):
        change_rows(path, judge)
    for path in folder.rglob("results_*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        for name, metrics in [*content["results"].items(), *content.get("groups", {}).items()]:
            for key in metrics:
                metric = key.split(",")[0].removesuffix("_stderr")
                if metric in BY_RULES and (form_of_task(name) or "," in key) and metrics[key] != "N/A":
                    metrics[key] = 0.0
        for metrics in (*content["results"].values(), *content.get("groups", {}).values()):
            if "recognition_only,none" in metrics:
                metrics["recognition_only,none"] = metrics["recognised,none"]
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")


def versions(path: Path) -> set[int | None]:
    return {row.match_version for row in read_rows(path, ())}
