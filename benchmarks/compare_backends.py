"""Compare stock `hf` with `pruned-hf` item by item: `python -m benchmarks.compare_backends [--pretrained FOLDER] [--items 60]`.

Both evaluate the same tasks in float32 on the CPU, without and with the chat template if the tokenizer has one. Printed for each view:
the largest difference of a log-likelihood, and how many greedy answers differ after the views' filter. Beams and samples are left out:
stock `hf` returns its best beam only, ends beams of a batch by a rule of its own, and draws other random numbers. The exit code is 1 if a
score differs by more than 0.001, or an answer at all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.embedded import EMBEDDED, resolve_pretrained
from lm_eval_illusion.views import TWIN, VIEWS

MOST_DIFFERENCE = 1e-3
"""Of a log-likelihood in nats: rounding in float32 makes less."""
COMPARED = (TWIN.name, *(view.name for view in VIEWS if view.repeats == 1 and view.name not in ("mc", "gen")))
"""The twin has the requests of `mc` and `gen`."""


@dataclass(frozen=True)
class Difference:
    """The differences of one task. `score`: the largest one of a log-likelihood; `answers`: pairs of different answers."""

    task: str
    template: bool
    items: int
    score: float
    answers: list[tuple[str, str]]

    @property
    def is_small(self) -> bool:
        """Whether rounding explains it."""
        return self.score <= MOST_DIFFERENCE and not self.answers

    def __str__(self) -> str:
        template = "chat template" if self.template else "no template"
        line = (
            f"{self.task:45} {template:13} {self.items} items: scores {self.score:.1e}, different answers {len(self.answers)}"
        )
        return "\n".join([line, *(f"    hf {one!r}, pruned-hf {other!r}" for one, other in self.answers[:5])])


def differences(
    pretrained: str, items: int, lang: str, templates: Sequence[bool], views: Sequence[str] = COMPARED, batch_size: int = 1
) -> list[Difference]:
    """Evaluate both model classes and return the differences of each task.

    `templates`: whether to apply the chat template, for each evaluation. `batch_size`: of stock `hf`, which pads the prompts of a batch.
    """
    from lm_eval.models.huggingface import HFLM

    from lm_eval_illusion.models.hf import PrunedHFLM

    folder = resolve_pretrained(pretrained)
    stock = HFLM(folder, device="cpu", dtype="float32", batch_size=batch_size)
    ours = PrunedHFLM(pretrained, pruner="none", device="cpu", dtype="float32", batch_size=8)
    names = [f"mqa_illusion_{lang}_{view}" for view in views]
    found = []
    for template in templates:
        expected, samples = (_samples(model, names, items, template) for model in (stock, ours))
        found += [_difference(name, template, expected[name], samples[name]) for name in names]
    return found


def _samples(model: Any, names: Sequence[str], items: int, template: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each task as lm_eval logs them."""
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager

    from lm_eval_illusion.plugin import tasks_folder

    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    results = evaluate(model, manager.load(list(names)), limit=items, bootstrap_iters=0, apply_chat_template=template)
    rows: dict[str, list[dict[str, Any]]] = results["samples"]
    return rows


def _difference(name: str, template: bool, expected: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> Difference:
    pairs = [
        (one, other)
        for first, second in zip(expected, rows, strict=True)
        for one, other in zip(first["filtered_resps"], second["filtered_resps"], strict=True)
    ]
    scores = [abs(one[0] - other[0]) for one, other in pairs if not isinstance(one, str)]
    answers = [(str(one), str(other)) for one, other in pairs if isinstance(one, str) and one != other]
    return Difference(name, template, len(rows), max(scores, default=0.0), answers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the differences and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pretrained", default=EMBEDDED, help="a folder or a name on the hub")
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--lang", default="en")
    parser.add_argument("--batch-size", type=int, default=1, help="of stock hf")
    options = parser.parse_args(arguments)

    from transformers import AutoTokenizer

    from lm_eval_illusion.models.chat_templates import has_chat_template

    has_template = has_chat_template(AutoTokenizer.from_pretrained(resolve_pretrained(options.pretrained)))
    templates = [False, True] if has_template else [False]
    found = differences(options.pretrained, options.items, options.lang, templates, batch_size=options.batch_size)
    print(*found, sep="\n")
    return 0 if all(difference.is_small for difference in found) else 1


if __name__ == "__main__":
    sys.exit(main())
