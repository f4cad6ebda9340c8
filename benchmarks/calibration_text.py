"""Compare calibration texts for Wanda on a model of yours: `python -m benchmarks.calibration_text MODEL TEXT`.

TEXT has paragraphs of plain English, separated by empty lines. Every second paragraph is for calibration, the others are held out: their
perplexity is measured on the dense model and on the model pruned with the embedded facts (in English, in all languages) and with the
first half of TEXT, each by the same number of samples of the same length. Then lm_eval asks the embedded English items, under the model's
chat template if it has one, and the report's numbers are printed beside the perplexity.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TASKS = "mqa_illusion_en_mc,mqa_illusion_en_gen"
DENSE = "dense"
Measured = tuple[str, float, float, dict[str, Any]]
"""Name, perplexity, seconds of the pruning, the row of the report."""


def split_text(path: Path) -> tuple[str, str]:
    """Return two texts of every second paragraph of a file: one for calibration, one held out."""
    paragraphs = [paragraph.strip() for paragraph in path.read_text(encoding="utf-8").split("\n\n") if paragraph.strip()]
    return "\n\n".join(paragraphs[::2]), "\n\n".join(paragraphs[1::2])


def calibrations(text: Path) -> dict[str, dict[str, str]]:
    """Return the calibration arguments by the name that the table shows."""
    return {
        "facts, English": {"calibration": "embedded", "calibration_language": "en"},
        "facts, all languages": {"calibration": "embedded", "calibration_language": "all"},
        "plain English text": {"calibration": str(text)},
    }


def perplexity(folder: str, text: str, window: int) -> float:
    """Return exp of the mean negative log-likelihood per token, over consecutive windows; each token but the first of a window counts."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.tensor(tokenizer.encode(text, add_special_tokens=False))
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(ids) - 1, window):
            row = ids[start : start + window][None]
            if row.shape[1] < 2:
                continue
            scores = model(row).logits[0, :-1].log_softmax(dim=-1)
            total -= scores.gather(1, row[0, 1:, None]).sum().item()
            count += row.shape[1] - 1
    return math.exp(total / count)


def evaluate(arguments: dict[str, Any], out: Path, options: argparse.Namespace, has_template: bool) -> None:
    """Let lm_eval ask the items; the results are below `out`."""
    command = [sys.executable, "-m", "lm_eval_illusion.cli", "run", "--model", "pruned-hf", "--tasks", TASKS, "--log_samples"]
    command += ["--model_args", json.dumps(arguments), "--limit", str(options.limit), "--batch_size", "16"]
    command += ["--output_path", str(out), "--device", "cpu"]
    subprocess.run([*command, *(["--apply_chat_template"] if has_template else [])], check=True, stdout=subprocess.DEVNULL)


def measure(options: argparse.Namespace, folder: Path) -> list[Measured]:
    """Return, for the dense model and each calibration: name, perplexity, seconds of the pruning, the report's row."""
    import torch
    from transformers import AutoTokenizer

    from lm_eval_illusion import cross_tabulate, load_outcomes, prune
    from lm_eval_illusion.models.chat_templates import has_chat_template

    torch.set_num_threads(options.threads)
    model = str(options.model)
    calibration_text, held_out = split_text(options.text)
    text = folder / "calibration.txt"
    text.write_text(calibration_text, encoding="utf-8")
    has_template = has_chat_template(AutoTokenizer.from_pretrained(model))
    store = str(options.store or folder / "store")
    sizes = {"calibration_samples": options.samples, "calibration_length": options.length}
    measured = []
    for name, calibration in {DENSE: None, **calibrations(text)}.items():
        start, pruning = time.perf_counter(), {}
        if calibration is not None:
            pruning = {"pruner": options.pruner, "sparsity": options.sparsity, "store": store, **sizes, **calibration}
        checkpoint = model if calibration is None else str(prune(model, **pruning))
        seconds = time.perf_counter() - start
        runs = folder / name.replace(" ", "-")
        evaluate({"pretrained": model, **(pruning or {"pruner": "none"})}, runs, options, has_template)
        rows = cross_tabulate(load_outcomes([runs]))["rows"]
        (row,) = (row for row in rows if row["language"] == "en" and row.get("answer_type") is None)
        measured.append((name, perplexity(checkpoint, held_out, options.window), seconds, row))
        print(f"{name}: done", file=sys.stderr, flush=True)
    return measured


def table(measured: list[Measured], sparsity: float) -> str:
    """Return the table in Markdown."""
    lines = [
        "| calibration | perplexity | recognised | produced | recognition-only errors |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, value, _, row in measured:
        shares = [row[measure] for measure in ("recognition_accuracy", "production_accuracy", "recognition_only_rate")]
        low_high = [(100 * share["ci"][0], 100 * share["ci"][1]) for share in shares]
        cells = [
            f"{100 * share['value']:.0f} % ({low:.0f} to {high:.0f})"
            for share, (low, high) in zip(shares, low_high, strict=True)
        ]
        lines.append(f"| {name if name == DENSE else f'{sparsity:g}, {name}'} | {value:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_text", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of the model")
    parser.add_argument("text", type=Path, help="plain English text, paragraphs separated by empty lines")
    numbers = {"samples": 40, "length": 256, "limit": 100, "window": 512, "threads": os.cpu_count()}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    parser.add_argument("--pruner", default="wanda", help="default: %(default)s")
    parser.add_argument("--sparsity", type=float, default=0.5, help="default: %(default)s")
    parser.add_argument("--store", type=Path, default=None, help="where pruned checkpoints are kept (default: nowhere)")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(options, Path(folder))
    print(table(measured, options.sparsity))
    pruning = sum(seconds for _, _, seconds, _ in measured)
    print(f"{options.samples} samples of {options.length} tokens, {options.limit} items, {options.threads} threads:", end=" ")
    print(f"{time.perf_counter() - start:.0f} s, of which {pruning:.0f} s for pruning")


if __name__ == "__main__":
    main()
