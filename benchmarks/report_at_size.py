"""Time `lm-eval-illusion report` on many rows: `python -m benchmarks.report_at_size [--rows 2000000] [--variants 10]`.

The input is written first, in the format of lm_eval: the embedded items under new ids, so that a row has the fields and the size of a
real row. It is the same on every machine. Time and memory are printed, never asserted. The peak memory is that of the largest process of
the report.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lm_eval_illusion.items import embedded_items, embedded_languages
from lm_eval_illusion.languages import prompt_words
from lm_eval_illusion.views import generation_kwargs, prompts
from lm_eval_illusion.views.next_tokens import MOST_TOKENS, next_tokens_text

DATE = "2026-11-24T20-34-36.710540"
VARIANTS = (
    ("none", None),
    *(("wanda", sparsity) for sparsity in (0.5, 0.6, 0.7)),
    *(("sparsegpt", sparsity) for sparsity in (0.5, 0.6, 0.7)),
    *(("magnitude", sparsity) for sparsity in (0.4, 0.5, 0.6)),
)
# View -> prompt function, filter name, number of outputs (0: the choices are scored), metrics of a row.
VIEWS: dict[str, tuple[Any, str, int, tuple[str, ...]]] = {
    "mc": (prompts.open_prompt, "none", 0, ("acc", "acc_norm", "invalid", "gold_rank", "gold_logprob", "top_logprobs")),
    "gen": (prompts.open_prompt, "none", 1, ("match", "exact_match", "f1")),
    "oneshot": (prompts.oneshot_prompt, "none", 1, ("match", "exact_match", "f1")),
    "sample": (prompts.open_prompt, "samples", 10, ("match_any", "match_mean")),
    "beam": (prompts.open_prompt, "beams", 5, ("match_any", "match_top1", "distinct")),
    "candidates": (prompts.candidates_prompt, "none", 1, ("match", "exact_match", "f1")),
    "candidates_without_gold": (prompts.candidates_without_gold_prompt, "none", 1, ("match", "exact_match", "f1")),
    "question_blind": (prompts.blind_prompt, "none", 0, ("acc", "acc_norm", "invalid")),
}
# View -> hit rate of a dense model, and its loss at a sparsity of 1.
HIT_RATE = {"mc": (0.97, 0.2), "question_blind": (0.4, 0.1), "candidates_without_gold": (0.05, 0.0)}
HIT_RATE_OF_OTHERS = (0.85, 0.7)
DISTRIBUTIONS = 500
"""Different distributions of the next token."""


def make_runs(folder: Path, rows: int, variants: int) -> None:
    """Write the runs of the first `variants` variants below `folder`, with at least `rows` rows in all."""
    languages = embedded_languages()
    items = -(-rows // (variants * len(languages) * len(VIEWS)))
    for number, variant in enumerate(VARIANTS[:variants]):
        write_results(folder / f"run{number}", variant, languages, items)
    for lang in languages:
        for view in VIEWS:
            templates = [template(item, view) for item in embedded_items(lang)]
            for number, (pruner, sparsity) in enumerate(VARIANTS[:variants]):
                file = folder / f"run{number}" / f"samples_{task(lang, view)}_{DATE}.jsonl"
                with file.open("w", encoding="utf-8") as lines:
                    lines.writelines(rows_of(templates, items, f"{lang} {view} {pruner} {sparsity}", view, sparsity or 0.0))


def task(lang: str, view: str) -> str:
    """Return the task name of a view."""
    return f"mqa_illusion_{lang}_{view}"


def write_results(folder: Path, variant: tuple[str, float | None], languages: list[str], items: int) -> None:
    """Write the results file of one run, with the fields that the report reads."""
    pruner, sparsity = variant
    illusion = {
        "base_model": "benchmark",
        "base_revision": "r1",
        "variant": "dense" if sparsity is None else f"{pruner}-{sparsity}",
        "pruner": pruner,
        "sparsity_requested": sparsity,
        "sparsity_measured": sparsity or 0.0,
        "mask_structure": "0:0",
        "key": None if sparsity is None else f"key of {pruner}-{sparsity}",
    }
    tasks = {task(lang, view): {"family": "mqa_illusion", "view": view, "lang": lang} for lang in languages for view in VIEWS}
    results = {
        "config": {"model": "pruned-hf", "model_args": {}, "illusion": illusion},
        "configs": {name: {"task": name, "metadata": metadata} for name, metadata in tasks.items()},
        "n-samples": {name: {"original": items, "effective": items} for name in tasks},
    }
    folder.mkdir(parents=True)
    (folder / f"results_{DATE}.json").write_text(json.dumps(results, indent=2), encoding="utf-8")


def template(item: dict[str, Any], view: str) -> tuple[dict[str, Any], str]:
    """Return an item and its line of a view as a format string. The placeholders differ between ids and variants.

    One `json.dumps` for every row would take minutes.
    """
    prompt, filter_name, outputs, metrics = VIEWS[view]
    delimiter = prompt_words(item["lang"]).delimiter
    second = [generation_kwargs(view)] if outputs else [delimiter + choice for choice in item["choices"]]
    row = {
        "doc_id": "@doc_id@",
        "doc": {**item, "id": "@id@"},
        "target": item["answer"] if outputs else str(item["gold"]),
        "arguments": {f"gen_args_{number}": {"arg_0": prompt(item), "arg_1": part} for number, part in enumerate(second)},
        "resps": "@resps@",
        "filtered_resps": "@filtered_resps@",
        "filter": filter_name,
        "metrics": metrics,
        **dict.fromkeys(("doc_hash", "prompt_hash", "target_hash"), "@doc_hash@"),
        **{name: f"@{name}@" for name in metrics},
    }
    line = json.dumps(row, ensure_ascii=False).replace("%", "%%")
    return item, re.sub('"@([a-z_0-9]+)@"', r"%(\1)s", line) + "\n"


def rows_of(templates: list[tuple[dict[str, Any], str]], items: int, seed: str, view: str, sparsity: float) -> Iterator[str]:
    """Yield the lines of one samples file. An item that is easy in one view is easy in other views and variants too."""
    draw = random.Random(seed).random
    dense, loss = HIT_RATE.get(view, HIT_RATE_OF_OTHERS)
    for number in range(items):
        item, line = templates[number % len(templates)]
        item_id = f"{item['id']}-{number // len(templates)}"
        digest = hashlib.sha256(item_id.encode()).hexdigest()
        hit = 0.6 * int(digest[:8], 16) / 16**8 + 0.4 * draw() < dense - loss * sparsity
        results = scores_of(item, hit, draw) if not VIEWS[view][2] else answers_of(item, hit, draw, VIEWS[view][2])
        yield line % {"doc_id": number, "id": json.dumps(item_id, ensure_ascii=False), "doc_hash": f'"{digest}"', **results}


def scores_of(item: dict[str, Any], hit: bool, draw: Any) -> dict[str, Any]:
    """Return four log-likelihoods, with the gold one highest for a hit, and their metrics."""
    scores = [-5.0 - 20 * draw() for _ in item["choices"]]
    scores[item["gold"]] = -5 * draw() if hit else -26.0 - draw()
    pairs = [f'["{score!r}", "{score > -1}"]' for score in scores]
    metrics = {"acc": float(hit), "acc_norm": float(hit), "invalid": 0.0, "gold_rank": 1 + int(40 * draw() ** 3)}
    metrics |= {"gold_logprob": scores[item["gold"]], "top_logprobs": f'"{next_tokens()[int(draw() * DISTRIBUTIONS)]}"'}
    return {"resps": f"[[{'], ['.join(pairs)}]]", "filtered_resps": f"[{', '.join(pairs)}]", **metrics}


@cache
def next_tokens() -> list[str]:
    """Return the texts of some distributions of the next token, over a vocabulary of which each pair shares about half."""
    draw = random.Random("next tokens")
    texts = []
    for _ in range(DISTRIBUTIONS):
        ids = draw.sample(range(100_000, 100_000 + 2 * MOST_TOKENS), MOST_TOKENS)
        logprobs = [-0.5 - 0.1 * place - 0.09 * draw.random() - math.log(8) for place in range(MOST_TOKENS)]
        texts.append(next_tokens_text(ids, logprobs))
    return texts


def answers_of(item: dict[str, Any], hit: bool, draw: Any, outputs: int) -> dict[str, Any]:
    """Return `outputs` answers, one of them the right one for a hit, and their metrics."""
    others = [" " + choice for choice in item["choices"] if choice != item["answer"]]
    texts = [others[int(3 * draw()) % len(others)] for _ in range(outputs)]
    if hit:
        texts[int(outputs * draw())] = " " + item["answer"]
    several = json.dumps(texts, ensure_ascii=False)
    names = ("match", "exact_match", "f1", "match_any", "match_top1", "match_mean")
    metrics = {**dict.fromkeys(names, float(hit)), "distinct": float(len(set(texts)))}
    return {"resps": f"[{several}]", "filtered_resps": several if outputs == 1 else f"[{several}]", **metrics}


def measure(folder: Path) -> str:
    """Run the report in a separate process and return its time and memory as text."""
    size = sum(file.stat().st_size for file in folder.glob("run*/*"))
    counts = [json.loads(file.read_text(encoding="utf-8"))["n-samples"] for file in folder.glob("run*/results_*.json")]
    rows = sum(count["effective"] for tasks in counts for count in tasks.values())
    command = [sys.executable, "-m", "lm_eval_illusion.cli", "report", str(folder), "--out", str(folder / "report")]
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (
        f"{rows:,} rows, {size / 1e9:.2f} GB: {wall:.1f} s wall, {used.ru_utime:.1f} s user, {used.ru_stime:.1f} s system,"
        f" {used.ru_maxrss / 1e6:.2f} GB peak, {rows / wall:,.0f} rows/s"
    )


def machine() -> str:
    """Return the number of cores, the processor and the Python version."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text(encoding="utf-8")) if info.exists() else []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {names[0] if names else platform.processor()}, Python {platform.python_version()}"


def main() -> None:
    """Write the input unless it exists, measure, print."""
    parser = argparse.ArgumentParser(description="How long does a report of many rows take?")
    parser.add_argument("--rows", type=int, default=2_000_000, help="sample rows, rounded up to whole languages and views")
    parser.add_argument("--variants", type=int, choices=range(1, len(VARIANTS) + 1), default=len(VARIANTS), metavar="1-10")
    parser.add_argument("--folder", type=Path, help="where to write the input; an existing folder is used as it is, and kept")
    parser.add_argument("--keep", action="store_true", help="keep the input")
    parsed = parser.parse_args()
    print(machine())
    if parsed.folder and parsed.folder.exists():
        print(measure(parsed.folder))
        return
    folder = parsed.folder or Path(tempfile.mkdtemp(prefix="report-at-size-"))
    begin = time.perf_counter()
    try:
        make_runs(folder, parsed.rows, parsed.variants)
        print(f"input made in {time.perf_counter() - begin:.0f} s: {folder}", flush=True)
        print(measure(folder))
    finally:
        if not parsed.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
