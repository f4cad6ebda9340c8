"""Time and compare `pruned-hf` and `pruned-vllm` view by view: `python -m benchmarks.vllm_views --pretrained FOLDER [--items 20]`.

It runs in the environment that `make test-vllm` makes. Each model class runs in a process of its own, with one thread, in float32 on
the CPU. Printed for each view: wall seconds and processor seconds (those of vLLM's own processes included), their ratio, and what
differs: the largest difference of a log-likelihood, items whose gold rank differs, answers and beams that differ. Samples differ by
design: of them the number of different ones is printed. `--before FOLDER` also runs the `pruned-vllm` of another checkout of this
project. The exit code is 1 if a score differs by more than 0.0001, or an answer or a beam at all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

MOST_DIFFERENCE = 1e-4
"""Of a log-likelihood in nats."""
ENGINE = {"enforce_eager": True, "max_model_len": 2048, "dtype": "float32"}
"""vLLM's arguments on a CPU."""
THREAD = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_CPU_KVCACHE_SPACE": "2"}


class ViewRun(NamedTuple):
    """A view as one model class answered it: seconds, and the rows as lm_eval logs them."""

    wall: float
    processor: float
    rows: list[dict[str, Any]]


def answer_views(
    model_class: str, model_args: Mapping[str, Any], views: Sequence[str], lang: str, items: int
) -> dict[str, ViewRun]:
    """Load a model class in this process and evaluate each view with it."""
    import psutil
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager

    from lm_eval_illusion.plugin import tasks_folder

    model = load(model_class, model_args)
    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)

    def processor_seconds() -> float:
        process = psutil.Process()
        times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))

    runs = {}
    for view in views:
        name = f"mqa_illusion_{lang}_{view}"
        tasks = manager.load([name])
        start, used = time.perf_counter(), processor_seconds()
        results = evaluate(model, tasks, limit=items, bootstrap_iters=0)
        wall, processor = time.perf_counter() - start, processor_seconds() - used
        rows = [{key: row[key] for key in row if key not in ("doc", "arguments")} for row in results["samples"][name]]
        runs[view] = ViewRun(wall, processor, rows)
        print(f"{model_class:12} {view:24} {wall:8.1f} s wall {processor:8.1f} s processor", file=sys.stderr, flush=True)
    return runs


def load(model_class: str, model_args: Mapping[str, Any]) -> Any:
    """Return the model of a name for `--model`."""
    if model_class == "pruned-hf":
        from lm_eval_illusion.models.hf import PrunedHFLM

        return PrunedHFLM(**model_args, device="cpu", dtype="float32", batch_size=8)
    from lm_eval_illusion.models.vllm import PrunedVLLM

    return PrunedVLLM(**model_args, **ENGINE, batch_size="auto")


class Differences(NamedTuple):
    """What differs between two runs of a view. `score`: the largest difference of a log-likelihood."""

    score: float
    ranks: int
    answers: int
    different_samples: str

    def __str__(self) -> str:
        return f"scores {self.score:.1e}, gold ranks {self.ranks}, answers {self.answers}{self.different_samples}"


def compare(view: str, expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> Differences:
    """Compare the rows of a view item by item."""
    from lm_eval_illusion.views import view_named

    asked = view_named(view)
    is_scored = asked is not None and asked.is_scored
    score, ranks, answers, samples = 0.0, 0, 0, ""
    for one, other in zip(expected, found, strict=True):
        assert one["doc_id"] == other["doc_id"]
        texts = [row["filtered_resps"] for row in (one, other)]
        if is_scored:
            pairs = zip(one["resps"], other["resps"], strict=True)
            score = max(score, *(abs(float(a[0][0]) - float(b[0][0])) for a, b in pairs))
            ranks += one.get("gold_rank") != other.get("gold_rank")
        elif view != "sample":
            answers += texts[0] != texts[1]
    if view == "sample":
        counts = [len(set(_flat(row["filtered_resps"]))) for row in found]
        samples = f", different samples of an item {min(counts)} to {max(counts)}"
    return Differences(score, ranks, answers, samples)


def _flat(answers: Any) -> list[str]:
    return [answers] if isinstance(answers, str) else [text for answer in answers for text in _flat(answer)]


def run(model_class: str, options: argparse.Namespace, checkout: Path | None = None) -> dict[str, ViewRun]:
    """Run `answer_views` in a process of its own, with the package of `checkout` if one is given."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runs.json"
        arguments = ["--worker", model_class, "--write", str(file), "--pretrained", options.pretrained, "--lang", options.lang]
        arguments += ["--items", str(options.items), "--views", *options.views, "--model_args", *options.model_args]
        environment = {**os.environ, **THREAD, "CUDA_VISIBLE_DEVICES": ""}
        if checkout is not None:
            environment["PYTHONPATH"] = str(checkout)
        subprocess.run([sys.executable, __file__, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
        return {view: ViewRun(*values) for view, values in json.loads(file.read_text(encoding="utf-8")).items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison, or with `--worker` one model class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pretrained", required=True)
    parser.add_argument(
        "--model_args", nargs="*", default=["pruner=none"], help="pruning arguments of both classes, NAME=VALUE"
    )
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--lang", default="en")
    parser.add_argument("--views", nargs="*", default=None)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.views is None:
        from lm_eval_illusion.views import VIEWS

        options.views = [view.name for view in VIEWS]
    if options.worker:
        model_args = {"pretrained": options.pretrained, **dict(pair.split("=", 1) for pair in options.model_args)}
        runs = answer_views(options.worker, model_args, options.views, options.lang, options.items)
        options.write.write_text(json.dumps(runs, default=str), encoding="utf-8")
        return 0
    expected, found = run("pruned-hf", options), run("pruned-vllm", options)
    before: dict[str, ViewRun] = {}
    if options.before is not None:
        # It refuses beams.
        options.views = [view for view in options.views if view != "beam"]
        before = run("pruned-vllm", options, options.before)
    wrong = False
    for view, hf in expected.items():
        vllm = found[view]
        difference = compare(view, hf.rows, vllm.rows)
        wrong |= difference.score > MOST_DIFFERENCE or difference.answers > 0
        line = f"{view:24} hf {hf.wall:6.1f} s {hf.processor:6.1f} s cpu  vllm {vllm.wall:6.1f} s {vllm.processor:6.1f} s cpu"
        if view in before:
            line += f"  before {before[view].wall:6.1f} s {before[view].processor:6.1f} s cpu"
        print(f"{line}  {difference}")
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
