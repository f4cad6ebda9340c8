"""The embedded model suits a demonstration: it knows the facts, and pruning reduces production much more than recognition."""

from __future__ import annotations

from pathlib import Path

import pytest

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.plugin import register, tasks_folder

FOLDER = Path(resolve_pretrained("embedded"))


def test_the_model_is_small_and_in_float16():
    from safetensors.torch import load_file

    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 12e6
    assert {str(weight.dtype) for weight in load_file(FOLDER / "model.safetensors").values()} == {"torch.float16"}


def test_the_card_names_the_training_data():
    card = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert "trained on the very facts" in card
    assert "no evidence about large models" in " ".join(card.split())


def accuracies(tmp_path: Path, **settings: object) -> tuple[float, float]:
    """Recognition and production accuracy over all 3,600 items."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    register()
    results = simple_evaluate(
        model="pruned-hf",
        model_args={"store": str(tmp_path), "device": "cpu", **settings},
        tasks=["mqa_illusion_mc", "mqa_illusion_gen"],
        batch_size=160,
        bootstrap_iters=0,
        log_samples=False,
        task_manager=TaskManager(include_path=str(tasks_folder()), include_defaults=False),
    )
    groups = results["groups"]
    return groups["mqa_illusion_mc"]["acc,none"], groups["mqa_illusion_gen"]["match,none"]


@pytest.mark.slow
def test_wanda_at_the_default_sparsity_reduces_production_not_recognition(tmp_path):
    recognised, produced = accuracies(tmp_path, pruner="none")
    recognised_pruned, produced_pruned = accuracies(tmp_path)
    assert recognised >= 0.95
    assert produced >= 0.85
    assert recognised - recognised_pruned <= 0.05
    assert produced - produced_pruned >= 0.08
