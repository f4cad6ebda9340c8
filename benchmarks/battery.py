"""Time stock `hf` and `pruned-hf` on the same views: `python -m benchmarks.battery [--passages 4] [--hidden 1024] [--layers 12]`.

A random model with a vocabulary of the usual size gets passages as lm_eval sends them: four choices, one greedy answer, the best of
five beams, ten samples. Each model class runs in a separate process. A random model hardly ever generates a line break, so that every
answer has `--answer-tokens`; the default is the token limit of our tasks, the opposite extreme to a model that answers in three words.
`pruned-hf` decodes all generating views together, as lm_eval sends them, and returns all five beams where stock `hf` returns one.
`--tokens 40` is a closed-book prompt. On a busy machine, give `--threads 1` and read the processor seconds.

The speed of a machine changes during the half hour that stock `hf` takes: one machine did the same work in 199 seconds and, an hour
later, in 267. `--rounds 4` therefore gives stock `hf` a quarter of the passages at a time and runs `pruned-hf` on all passages after each
quarter; the mean of its rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lm_eval_illusion.views import generation_kwargs

XQUAD = Path(__file__).parents[1].parent / "shared" / "data" / "xquad.jsonl"
VOCABULARY = 151_936
SAMPLES = 10


def texts() -> list[str]:
    """Return passages of XQuAD if its file is there, else passages of random words."""
    if XQUAD.is_file():
        return list(dict.fromkeys(json.loads(line)["context"] for line in XQUAD.open(encoding="utf-8")))
    words = ["".join(random.Random(n).choices("aeioulmnrst", k=6)) for n in range(2000)]
    return [" ".join(random.Random(n).choices(words, k=120)) for n in range(200)]


def save_model(folder: Path, options: argparse.Namespace) -> None:
    """Save a random Qwen3 and a tokenizer of 8,000 tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(
        texts(), trainers.BpeTrainer(vocab_size=8000, special_tokens=["<s>"], initial_alphabet=alphabet)
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<s>", pad_token="<s>").save_pretrained(folder)
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        "qwen3",
        vocab_size=VOCABULARY,
        hidden_size=options.hidden,
        intermediate_size=3 * options.hidden,
        num_hidden_layers=options.layers,
        num_attention_heads=options.hidden // 64,
        num_key_value_heads=min(8, options.hidden // 64),
        head_dim=64,
        tie_word_embeddings=True,
        eos_token_id=0,
        pad_token_id=0,
        max_position_embeddings=4096,
    )
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)


def prompts(model: Any, options: argparse.Namespace) -> list[str]:
    """Return prompts: a passage and a question, together `--tokens` tokens or a little less."""
    ids = model.tok_encode("\n".join(texts()))
    length = options.tokens - 10
    pieces = [model.tok_decode(ids[start : start + length]) for start in range(0, len(ids), length)]
    return [f"{piece}\nQuestion: who said so?\nAnswer:" for piece in pieces[: options.passages]]


@dataclass(frozen=True)
class Measurement:
    """One model class on the views: per call wall and CPU seconds; work, memory in bytes, and answers of all calls together."""

    seconds: dict[str, float]
    cpu_seconds: dict[str, float]
    tokens: int
    """Tokens that went through the layers."""
    projected: int
    """Positions that were projected to the vocabulary."""
    flops: float
    peak: float
    greedy: list[str]
    scores: list[float]


def run(options: argparse.Namespace) -> Measurement:
    """Measure one model class, `options.run`."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from lm_eval_illusion.models.hf import PrunedHFLM

    torch.set_num_threads(options.threads)
    arguments = {"device": options.device, "batch_size": options.rows, "dtype": options.dtype}
    stock = options.run == "hf"
    model = HFLM(options.folder, **arguments) if stock else PrunedHFLM(options.folder, pruner="none", **arguments)
    contexts = prompts(model, options)
    if stock:
        start, end = (len(contexts) * part // options.rounds for part in (options.part, options.part + 1))
        contexts = contexts[start:end]
    choices = [f" {word}" for word in ("the Steelers", "nobody", "in 1874", "Normandy and Poland")]
    scoring = [Instance("loglikelihood", {}, (context, choice), 0) for context in contexts for choice in choices]
    repeats = {"gen": 1, "beam": 1 if stock else 5, "sample": SAMPLES}

    def generate(views: list[str]) -> list[str]:
        settings = {view: generation_kwargs(view) | {"max_gen_toks": options.answer_tokens} for view in views}
        requests = [
            request
            for view in views
            for request in [Instance("generate_until", {}, (context, settings[view]), 0) for context in contexts]
            for _ in range(repeats[view])
        ]
        answers: list[str] = model.generate_until(requests, disable_tqdm=True)
        return answers

    views = [view for view in options.views if view != "mc"]
    together = [[view] for view in views] if stock or options.each else [views] if views else []
    calls: dict[str, Callable[[], Any]] = {}
    if "mc" in options.views:
        calls["mc"] = lambda: model.loglikelihood(scoring, disable_tqdm=True)
    calls |= {" ".join(part): partial(generate, part) for part in together}
    counted = count_positions(model.model)
    seconds, cpu_seconds, answers = {}, {}, {}
    for name, call in calls.items():
        start, start_cpu = time.perf_counter(), time.process_time()
        answers[name] = call()
        seconds[name], cpu_seconds[name] = time.perf_counter() - start, time.process_time() - start_cpu
    # The greedy answers are the first of their call.
    greedy = next((texts[: len(contexts)] for name, texts in answers.items() if name.startswith("gen")), [])
    peak = (
        torch.cuda.max_memory_allocated()
        if options.device != "cpu"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    body = sum(p.numel() for name, p in model.model.named_parameters() if "embed" not in name and "lm_head" not in name)
    flops = 2 * (counted["tokens"] * body + counted["projected"] * VOCABULARY * options.hidden)
    scores = [score for score, _ in answers.get("mc", [])]
    return Measurement(seconds, cpu_seconds, counted["tokens"], counted["projected"], flops, peak, greedy, scores)


def count_positions(model: Any) -> dict[str, int]:
    """Return counts that grow with each forward pass: `tokens` through the layers, `projected` positions to the vocabulary."""
    counted = {"tokens": 0, "projected": 0}

    def count_tokens(_: Any, __: Any, kwargs: dict[str, Any]) -> None:
        counted["tokens"] += kwargs["input_ids"].numel()

    def count_projected(_: Any, args: tuple[Any, ...]) -> None:
        counted["projected"] += args[0].shape[0] * args[0].shape[1]

    model.model.register_forward_pre_hook(count_tokens, with_kwargs=True)
    model.lm_head.register_forward_pre_hook(count_projected)
    return counted


def total(rounds: list[Measurement]) -> Measurement:
    """Add up rounds of stock `hf`, which had other passages each."""
    return Measurement(
        **combined_cost(rounds, sum),
        tokens=sum(measured.tokens for measured in rounds),
        projected=sum(measured.projected for measured in rounds),
        flops=sum(measured.flops for measured in rounds),
        greedy=[answer for measured in rounds for answer in measured.greedy],
        scores=[score for measured in rounds for score in measured.scores],
    )


def mean(rounds: list[Measurement]) -> Measurement:
    """Average the seconds of rounds of `pruned-hf`, which had the same passages each."""
    return replace(rounds[-1], **combined_cost(rounds, statistics.fmean))


def combined_cost(rounds: list[Measurement], combine: Callable[[list[float]], float]) -> dict[str, Any]:
    """Return the fields of cost: combined seconds of each call, and the greatest memory."""
    return {
        "seconds": {name: combine([measured.seconds[name] for measured in rounds]) for name in rounds[0].seconds},
        "cpu_seconds": {name: combine([measured.cpu_seconds[name] for measured in rounds]) for name in rounds[0].cpu_seconds},
        "peak": max(measured.peak for measured in rounds),
    }


def matrix_product_speed(options: argparse.Namespace) -> float:
    """Return the floating-point operations per second of a large matrix product."""
    import torch

    torch.set_num_threads(options.threads)
    dtype = getattr(torch, options.dtype)
    left, right = (torch.randn(2048, 2048, device=options.device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        (left @ right).sum().item()
        best = min(best, time.perf_counter() - start)
    return float(2 * 2048**3 / best)


def table(hf: Measurement, pruned_hf: Measurement, speed: float) -> Iterator[str]:
    """Yield the lines for the terminal. `speed`: of a large matrix product, in floating-point operations per second."""
    for heading, stock_times, our_times in (
        ("seconds", hf.seconds, pruned_hf.seconds),
        ("processor seconds", hf.cpu_seconds, pruned_hf.cpu_seconds),
    ):
        yield f"{heading:24}{'hf':>10}{'pruned-hf':>12}{'ratio':>8}"
        for name, ours in our_times.items():
            stock = sum(stock_times[view] for view in name.split())
            yield f"{'  ' + name:24}{stock:10.1f}{ours:12.1f}{stock / ours:8.1f}"
        for view in (view for view in stock_times if view not in our_times):
            yield f"{'    ' + view:24}{stock_times[view]:10.1f}"
        stock, ours = sum(stock_times.values()), sum(our_times.values())
        yield f"{'  in all':24}{stock:10.1f}{ours:12.1f}{stock / ours:8.1f}"
    for name, stock_count, our_count in (
        ("tokens", hf.tokens, pruned_hf.tokens),
        ("projected", hf.projected, pruned_hf.projected),
    ):
        yield f"{name:24}{stock_count:10,}{our_count:12,}{stock_count / our_count:8.1f}"
    yield f"{'peak memory, GB':24}{hf.peak / 1e9:10.2f}{pruned_hf.peak / 1e9:12.2f}{hf.peak / pruned_hf.peak:8.1f}"
    shares = [100 * measured.flops / speed / sum(measured.seconds.values()) for measured in (hf, pruned_hf)]
    yield f"{'matrix-product speed, %':24}{shares[0]:10.0f}{shares[1]:12.0f}    of {speed / 1e9:.0f} GFLOP/s"
    same = sum(a == b for a, b in zip(hf.greedy, pruned_hf.greedy, strict=True))
    largest_difference = max((abs(a - b) for a, b in zip(hf.scores, pruned_hf.scores, strict=True)), default=0.0)
    yield f"greedy answers alike: {same} of {len(hf.greedy)}; log-likelihoods at most {largest_difference:.1e} apart"


def run_process(name: str, part: int, folder: str) -> Measurement:
    """Measure one model class in a separate process; stock `hf` gets the `part` of the passages that belongs to the round."""
    options = ["--run", name, "--part", str(part), "--folder", folder]
    subprocess.run([sys.executable, "-m", "benchmarks.battery", *sys.argv[1:], *options], check=True)
    return Measurement(**json.loads(Path(folder, f"{name}.json").read_text()))


def main() -> None:
    """Measure both model classes, round by round, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.battery", description=__doc__.splitlines()[0])
    for name, default in {
        "passages": 4,
        "tokens": 450,
        "answer-tokens": generation_kwargs("gen")["max_gen_toks"],
        "hidden": 1024,
        "layers": 12,
        "rows": 8,
        "threads": os.cpu_count(),
        "rounds": 1,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--views", nargs="+", choices=("mc", "gen", "beam", "sample"), default=["mc", "gen", "beam", "sample"])
    parser.add_argument("--each", action="store_true", help="pruned-hf gets one view after the other, too")
    parser.add_argument("--run", choices=("hf", "pruned-hf"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--part", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not 1 <= options.rounds <= options.passages:
        parser.error(
            f"--rounds {options.rounds} is not in 1 to {options.passages}, the passages: give the number of rounds, e.g. 4"
        )
    if options.run:
        Path(options.folder, f"{options.run}.json").write_text(json.dumps(asdict(run(options))))
        return
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), options)
        results: dict[str, list[Measurement]] = {"hf": [], "pruned-hf": []}
        for part in range(options.rounds):
            for name, measurements in results.items():
                measurements.append(run_process(name, part, folder))
                seconds = measurements[-1].seconds
                calls = ", ".join(f"{call} {spent:.1f}" for call, spent in seconds.items())
                print(f"round {part + 1}: {name} {sum(seconds.values()):.1f} s ({calls})", flush=True)
    print(f"{options.passages} prompts of {options.tokens} tokens, answers of {options.answer_tokens},", end=" ")
    print(f"{options.layers} layers of {options.hidden},", end=" ")
    print(f"{options.dtype}, batch {options.rows}, {options.threads} threads, {options.device}, {platform.machine()}")
    print("\n".join(table(total(results["hf"]), mean(results["pruned-hf"]), matrix_product_speed(options))))


if __name__ == "__main__":
    main()
