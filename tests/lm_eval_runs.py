"""Real runs of lm_eval in this process, with any model class."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from lm_eval_illusion.evaluation import task_manager


def run_lm_eval(folder: Path, model: str, model_args: dict[str, Any] | str) -> Path:
    """Evaluate two items in the views mc and gen as lm_eval's command does; return the results file."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    import tests.quick_environment  # noqa: F401
    from lm_eval_illusion.plugin import register

    register()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks = ["mqa_illusion_en_mc", "mqa_illusion_en_gen"]
    tracker = EvaluationTracker(output_path=str(folder))
    results = simple_evaluate(
        model=model,
        model_args=model_args,
        tasks=tasks,
        limit=2,
        device="cpu",
        bootstrap_iters=0,
        task_manager=task_manager(tasks, {}),
        evaluation_tracker=tracker,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    (path,) = folder.rglob("results_*.json")
    return path
