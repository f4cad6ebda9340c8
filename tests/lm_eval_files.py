"""Hand-made results and samples files in the format of lm_eval, for the tests of the reader."""

from __future__ import annotations

import json
from pathlib import Path

DATE = "2026-11-23T10-00-00.000000"
PRUNED = {
    "base_model": "tiny",
    "base_revision": "r1",
    "variant": "wanda-0.6",
    "pruner": "wanda",
    "sparsity_requested": 0.6,
    "sparsity_measured": 0.5998,
    "bits_measured": 16.0,
    "mask_structure": "0:0",
    "key": "k1",
}
DENSE = {
    **PRUNED,
    "variant": "dense",
    "pruner": "none",
    "sparsity_requested": None,
    "sparsity_measured": 0.0,
    "key": None,
}


def write_run(
    folder: Path,
    views: dict[str, list[dict]],
    *,
    illusion: dict | None = PRUNED,
    config: dict | None = None,
    lang: str = "en",
    date: str = DATE,
) -> Path:
    """Write one run and return its results file. `views`: for each view the metrics of its rows, with the item's `id`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {view: f"mqa_illusion_{lang}_{view}" for view in views}
    results = {
        "config": {
            "model": "pruned-hf",
            "model_args": {},
            **({"illusion": illusion} if illusion else {}),
            **(config or {}),
        },
        "configs": {name: {"metadata": {"family": "mqa_illusion", "view": view, "lang": lang}} for view, name in names.items()},
        "n-samples": {name: {"original": 200, "effective": len(views[view])} for view, name in names.items()},
    }
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(results))
    for view, name in names.items():
        lines = (json.dumps(row(view, dict(metrics))) + "\n" for metrics in views[view])
        (folder / f"samples_{name}_{date}.jsonl").write_text("".join(lines))
    return path


def row(view: str, metrics: dict) -> dict:
    """Return a row of a samples file."""
    item_id = metrics.pop("id")
    doc = {"id": item_id, "answer_type": metrics.pop("answer_type", "name")}
    if "asked_otherwise" in metrics:
        doc["asked_otherwise"] = metrics.pop("asked_otherwise")
    answers = [metrics.pop("output", "something")]
    if view == "twin":
        recognised, produced = metrics.get("recognised", 0.0), metrics.get("produced", 0.0)
        only = float(recognised == 1 and produced == 0)
        made = {"recognised": recognised, "produced": produced, "recognition_only": only, "acc_norm": 0.0, "invalid": 0.0}
        metrics = {**made, **metrics}
        scores = [-4.0, -1.5, -3.0, -2.0] if recognised == 1 else [-1.0, -1.5, -3.0, -2.0]
        scores = metrics.pop("scores", [-1.5, -1.5, -3.0, -2.0] if metrics["invalid"] == 1 else scores)
        doc["gold"] = 1
        answers = [*([str(score), "False"] for score in scores), *answers]
    if view in ("mc", "mc_letters", "question_blind"):
        metrics = {"acc": 0.0, **({} if view == "mc_letters" else {"acc_norm": 0.0}), "invalid": 0.0, **metrics}
        # The gold choice is the second; at a tie no choice is the highest.
        by_metrics = [-4.0, -1.5, -3.0, -2.0] if metrics["acc"] == 1 else [-1.0, -1.5, -3.0, -2.0]
        scores = metrics.pop("scores", [-1.5, -1.5, -3.0, -2.0] if metrics["invalid"] == 1 else by_metrics)
        doc["gold"] = 1
        answers = [[str(score), "False"] for score in scores]
    if view in ("mc", "gen", "twin"):
        doc |= {"question": f"Which is {item_id}?", "choices": ["one", "two", "three", "four"], "gold": 1, "answer": "two"}
    return {
        "doc_id": 0,
        "doc": doc,
        "target": "two",
        "filtered_resps": answers,
        "filter": "none",
        "metrics": list(metrics),
        "doc_hash": f"hash {item_id}",
        **metrics,
    }


def hits(metric: str, **by_id: float) -> list[dict]:
    """Return rows with one metric: hits("match", a=1, b=0)."""
    return [{"id": item_id, metric: float(value)} for item_id, value in by_id.items()]


def write_tasks(
    folder: Path, tasks: dict[str, list[dict]], *, model: str = "org/model", groups: dict | None = None, date: str = DATE
) -> Path:
    """Write a run of lm_eval's `hf` with tasks of other projects and return its results file. `tasks`: the whole rows of each task."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {
        "config": {"model": "hf", "model_args": {"pretrained": model}},
        "configs": {name: {"metadata": {"version": 1.0}} for name in tasks},
        "group_subtasks": groups or {},
        "n-samples": {name: {"effective": len({row["doc_id"] for row in rows})} for name, rows in tasks.items()},
    }
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(results))
    for name, rows in tasks.items():
        (folder / f"samples_{name}_{date}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def choice_row(doc: dict, scores: list[float], gold: int, **more) -> dict:
    """Return a row of a multiple-choice task, with log-likelihoods as strings, as lm_eval writes them."""
    return {
        "doc_id": doc["n"],
        "doc": doc,
        "target": str(gold),
        "arguments": {f"gen_args_{n}": {"arg_0": f"Q: {doc['n']}\nA:", "arg_1": f" option {n}"} for n in range(len(scores))},
        "resps": [[[str(score), "False"]] for score in scores],
        "filtered_resps": [[str(score), "False"] for score in scores],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": f"hash {doc['n']}",
        "acc": float(max(range(len(scores)), key=scores.__getitem__) == gold),
        **more,
    }


def text_row(doc: dict, output: str, filter_name: str = "none", **metrics) -> dict:
    """Return a row of a task that generates text."""
    return {
        "doc_id": doc["n"],
        "doc": doc,
        "target": "the answer",
        "arguments": {"gen_args_0": {"arg_0": f"Q: {doc['n']}\nA:", "arg_1": {"until": ["\n"]}}},
        "resps": [[output]],
        "filtered_resps": [output],
        "filter": filter_name,
        "metrics": list(metrics),
        "doc_hash": f"hash {doc['n']}",
        **metrics,
    }
