"""The demonstration: the embedded model, dense and pruned, asked every way, and the report."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError

VARIANTS: tuple[dict[str, Any], ...] = (
    {"pruner": "none"},
    {"pruner": "wanda", "sparsity": 0.6},
    {"pruner": "wanda", "sparsity": 0.7},
    {"pruner": "sparsegpt", "sparsity": 0.7},
    {"pruner": "magnitude", "sparsity": 0.6},
)
ITEMS_A_LANGUAGE = 15
BATCH_ROWS = 160


def run_demo(out: Path, limit: int | None = None) -> None:
    """Evaluate every variant on the first `limit` items of each language and write the report to `out`."""
    from lm_eval_illusion.items import embedded_languages
    from lm_eval_illusion.report import report_command

    items = limit or ITEMS_A_LANGUAGE
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
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    from lm_eval_illusion.plugin import MODEL_NAME, register, tasks_folder

    register()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tracker = EvaluationTracker(output_path=str(runs))
    results = simple_evaluate(
        model=MODEL_NAME,
        model_args=variant,
        tasks=["mqa_illusion"],
        limit=items,
        batch_size=BATCH_ROWS,
        bootstrap_iters=0,
        task_manager=TaskManager(include_path=str(tasks_folder()), include_defaults=False),
        evaluation_tracker=tracker,
    )
    if results is None:  # another rank than 0: the first one writes
        return
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    _check_written(runs, set(samples))


def _check_written(runs: Path, tasks: set[str]) -> None:
    """lm_eval turns an error in writing into a warning, so look for the files."""
    written = {path.name for path in runs.rglob("samples_*.jsonl")}
    missing = [task for task in sorted(tasks) if not any(name.startswith(f"samples_{task}_") for name in written)]
    if missing or not list(runs.rglob("results_*.json")):
        raise UserError(f"lm_eval could not write its results to {runs}: is it writable, is the disk full?")
