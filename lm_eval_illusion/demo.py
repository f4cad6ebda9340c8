"""The demonstration: the embedded model, dense and pruned, asked every way, and the report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

VARIANTS: tuple[dict[str, Any], ...] = (
    {"pruner": "none"},
    {"pruner": "wanda", "sparsity": 0.6},
    {"pruner": "wanda", "sparsity": 0.7},
    {"pruner": "sparsegpt", "sparsity": 0.7},
    {"pruner": "magnitude", "sparsity": 0.6},
)
ITEMS_PER_LANGUAGE = 15
BATCH_ROWS = 160


def run_demo(out: Path, limit: int | None = None) -> None:
    """Evaluate every variant on the first `limit` items of each language and write the report to `out`."""
    from lm_eval_illusion.items import embedded_languages
    from lm_eval_illusion.report.command import report_command

    items = limit or ITEMS_PER_LANGUAGE
    # A folder of its own for each demo: a second one does not meet the runs of the first.
    runs = out / f"runs-{time.strftime('%Y%m%dT%H%M%S')}"
    print(
        f"{items} items in each of {len(embedded_languages())} languages, {len(VARIANTS)} variants of the embedded model.\n"
        "It was trained on these very facts, only so far that the effect shows: a demonstration, no evidence about large models."
    )
    for number, variant in enumerate(VARIANTS, 1):
        print(f"[{number}/{len(VARIANTS)}] " + " ".join(str(value) for value in variant.values()), flush=True)
        evaluate_variant(variant, items, runs)
    report_command([runs], out)


def evaluate_variant(variant: dict[str, Any], items: int, runs: Path) -> None:
    """One lm_eval run of the whole family, its results and samples written below `runs` as lm_eval writes them."""
    from lm_eval_illusion.evaluation import evaluate

    evaluate(variant, ["mqa_illusion"], runs, limit=items, batch_size=BATCH_ROWS, metadata={})
