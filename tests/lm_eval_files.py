"""Hand-made files as lm_eval writes them, for the tests of what reads them."""

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
    """One run: `views` maps a view to its rows' metrics with the item's `id`. Returns the results file."""
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
    """A row of a samples file."""
    item_id = metrics.pop("id")
    if view == "mc":
        metrics = {"acc": 0.0, "acc_norm": 0.0, "invalid": 0.0, **metrics}
    return {"doc_id": 0, "doc": {"id": item_id}, "filter": "none", "metrics": list(metrics), **metrics}


def hits(metric: str, **by_id: float) -> list[dict]:
    """Rows with one metric: hits("match", a=1, b=0)."""
    return [{"id": item_id, metric: float(value)} for item_id, value in by_id.items()]
