"""Time stock `hf` and `pruned-hf` on the same views: `python -m benchmarks.battery [--passages 4] [--hidden 1024] [--layers 12]`.

A model of random weights with a vocabulary of the usual size is asked passages as lm_eval asks them: four choices, one greedy answer, the
best of five beams, ten samples. Each of the two runs in a process of its own. Random weights hardly ever say a line break, so that every
answer has `--answer-tokens`; the default is the most that our tasks allow, the other extreme from a model that answers in three words.
`pruned-hf` decodes all generating views together, as lm_eval hands them over, and gives all five beams where stock `hf` gives one.
`--tokens 40` is a closed-book prompt. On a busy machine, give `--threads 1` and read the processor seconds.

A machine's speed changes within the half hour that stock `hf` takes: one did the same work in 199 seconds and, an hour later, in 267.
`--rounds 4` therefore gives stock `hf` a quarter of the passages at a time, and after each quarter all of them to `pruned-hf`, whose mean
counts.
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
from pathlib import Path
from typing import Any

from lm_eval_illusion.views import VIEWS, generation_kwargs

XQUAD = Path(__file__).parents[1].parent / "shared" / "data" / "xquad.jsonl"
VOCABULARY = 151_936
SAMPLES = 10


def texts() -> list[str]:
    """Passages of XQuAD where they are at hand, else made-up words."""
    if XQUAD.is_file():
        return list(dict.fromkeys(json.loads(line)["context"] for line in XQUAD.open(encoding="utf-8")))
    words = ["".join(random.Random(n).choices("aeioulmnrst", k=6)) for n in range(2000)]
    return [" ".join(random.Random(n).choices(words, k=120)) for n in range(200)]


def save_model(folder: Path, options: argparse.Namespace) -> None:
    """A Qwen3 of random weights and a tokenizer of 8,000 tokens."""
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
    """Passages of `--tokens` tokens or a little less, and a question."""
    ids = model.tok_encode("\n".join(texts()))
    length = options.tokens - 10
    pieces = [model.tok_decode(ids[start : start + length]) for start in range(0, len(ids), length)]
    return [f"{piece}\nQuestion: who said so?\nAnswer:" for piece in pieces[: options.passages]]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """One model's seconds for each call, what went through it, and its answers."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from lm_eval_illusion.models.hf import PrunedHFLM

    torch.set_num_threads(options.threads)
    arguments = {"device": options.device, "batch_size": options.rows, "dtype": options.dtype}
    stock = options.run == "hf"
    model = HFLM(options.folder, **arguments) if stock else PrunedHFLM(options.folder, pruner="none", **arguments)
    asked = prompts(model, options)
    if stock:
        start, end = (len(asked) * part // options.rounds for part in (options.part, options.part + 1))
        asked = asked[start:end]
    choices = [f" {word}" for word in ("the Steelers", "nobody", "in 1874", "Normandy and Poland")]
    calls: dict[str, Callable[[], Any]] = {
        "mc": lambda: model.loglikelihood(
            [Instance("loglikelihood", {}, (prompt, choice), 0) for prompt in asked for choice in choices], disable_tqdm=True
        )
    }

    settings = {
        view.name: generation_kwargs(view.name) | {"max_gen_toks": options.answer_tokens} for view in VIEWS if view.decoding
    }

    def generating(views: list[str]) -> Callable[[], Any]:
        clones = {"gen": 1, "beam": 1 if stock else 5, "sample": SAMPLES}
        wanted = [
            request
            for view in views
            for request in [Instance("generate_until", {}, (prompt, settings[view]), 0) for prompt in asked]
            for _ in range(clones[view])
        ]
        return lambda: model.generate_until(wanted, disable_tqdm=True)

    views = [view for view in options.views if view != "mc"]
    calls = calls if "mc" in options.views else {}
    if stock or options.each:
        calls |= {view: generating([view]) for view in views}
    elif views:
        calls[" ".join(views)] = generating(views)
    counted = {"tokens": 0, "projected": 0}
    hooked(model.model, counted)
    seconds, busy, answers = {}, {}, {}
    for name, call in calls.items():
        start, start_busy = time.perf_counter(), time.process_time()
        answers[name] = call()
        seconds[name], busy[name] = time.perf_counter() - start, time.process_time() - start_busy
    # Whatever was asked together, the greedy answers come first.
    greedy = next((given[: len(asked)] for name, given in answers.items() if name.startswith("gen")), [])
    peak = (
        torch.cuda.max_memory_allocated()
        if options.device != "cpu"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    body = sum(p.numel() for name, p in model.model.named_parameters() if "embed" not in name and "lm_head" not in name)
    flops = 2 * (counted["tokens"] * body + counted["projected"] * VOCABULARY * options.hidden)
    scores = [score for score, _ in answers.get("mc", [])]
    return {"seconds": seconds, "busy": busy, **counted, "flops": flops, "peak": peak, "greedy": greedy, "scores": scores}


def hooked(model: Any, counted: dict[str, int]) -> None:
    """Count tokens that go through the layers, and positions that are projected to the vocabulary."""

    def tokens(_: Any, __: Any, given: dict[str, Any]) -> None:
        counted["tokens"] += given["input_ids"].numel()

    def positions(_: Any, given: tuple[Any, ...]) -> None:
        counted["projected"] += given[0].shape[0] * given[0].shape[1]

    model.model.register_forward_pre_hook(tokens, with_kwargs=True)
    model.lm_head.register_forward_pre_hook(positions)


def in_parts(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Stock `hf`, asked other passages each round: what it took and said in all."""
    sums = {name: sum(one[name] for one in rounds) for name in ("tokens", "projected", "flops")}
    answers = {name: [answer for one in rounds for answer in one[name]] for name in ("greedy", "scores")}
    return sums | answers | cost(rounds, sum)


def of_all(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """`pruned-hf`, asked the same each round: the mean of its seconds."""
    return rounds[-1] | cost(rounds, statistics.fmean)


def cost(rounds: list[dict[str, Any]], over: Callable[[list[float]], float]) -> dict[str, Any]:
    """Seconds of each call `over` the rounds, and the most memory."""
    seconds = {
        measure: {name: over([one[measure][name] for one in rounds]) for name in rounds[0][measure]}
        for measure in ("seconds", "busy")
    }
    return seconds | {"peak": max(one["peak"] for one in rounds)}


def matrix_product_speed(options: argparse.Namespace) -> float:
    """Floating-point operations a second of a large product."""
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


def table(hf: dict[str, Any], ours: dict[str, Any], speed: float) -> Iterator[str]:
    """Lines for the terminal."""
    for measure, heading in (("seconds", "seconds"), ("busy", "processor seconds")):
        theirs, mine = hf[measure], ours[measure]
        yield f"{heading:24}{'hf':>10}{'pruned-hf':>12}{'ratio':>8}"
        for name, spent in mine.items():
            stock = sum(theirs[view] for view in name.split())
            yield f"{'  ' + name:24}{stock:10.1f}{spent:12.1f}{stock / spent:8.1f}"
        for view in (view for view in theirs if view not in mine):
            yield f"{'    ' + view:24}{theirs[view]:10.1f}"
        in_all = sum(theirs.values()), sum(mine.values())
        yield f"{'  in all':24}{in_all[0]:10.1f}{in_all[1]:12.1f}{in_all[0] / in_all[1]:8.1f}"
    for name in ("tokens", "projected"):
        yield f"{name:24}{hf[name]:10,}{ours[name]:12,}{hf[name] / ours[name]:8.1f}"
    yield f"{'peak memory, GB':24}{hf['peak'] / 1e9:10.2f}{ours['peak'] / 1e9:12.2f}{hf['peak'] / ours['peak']:8.1f}"
    shares = [100 * one["flops"] / speed / sum(one["seconds"].values()) for one in (hf, ours)]
    yield f"{'matrix-product speed, %':24}{shares[0]:10.0f}{shares[1]:12.0f}    of {speed / 1e9:.0f} GFLOP/s"
    same = sum(a == b for a, b in zip(hf["greedy"], ours["greedy"], strict=True))
    apart = max((abs(a - b) for a, b in zip(hf["scores"], ours["scores"], strict=True)), default=0.0)
    yield f"greedy answers alike: {same} of {len(hf['greedy'])}; log-likelihoods at most {apart:.1e} apart"


def run_apart(name: str, part: int, folder: str) -> dict[str, Any]:
    """One model's results of a round (stock `hf` gets the passages' `part`), from a process of its own."""
    options = ["--run", name, "--part", str(part), "--folder", folder]
    subprocess.run([sys.executable, "-m", "benchmarks.battery", *sys.argv[1:], *options], check=True)
    results: dict[str, Any] = json.loads(Path(folder, f"{name}.json").read_text())
    return results


def main() -> None:
    """Both runs, then the table."""
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
    parser.add_argument("--each", action="store_true", help="pruned-hf, too, gets one view after the other")
    parser.add_argument("--run", choices=("hf", "pruned-hf"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--part", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not 1 <= options.rounds <= options.passages:
        parser.error(
            f"--rounds {options.rounds} is not in 1 to {options.passages}, the passages: give how often to take turns, e.g. 4"
        )
    if options.run:
        Path(options.folder, f"{options.run}.json").write_text(json.dumps(run(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), options)
        results: dict[str, list[dict[str, Any]]] = {"hf": [], "pruned-hf": []}
        for part in range(options.rounds):
            for name, of_rounds in results.items():
                of_rounds.append(run_apart(name, part, folder))
                seconds = of_rounds[-1]["seconds"]
                calls = ", ".join(f"{call} {spent:.1f}" for call, spent in seconds.items())
                print(f"round {part + 1}: {name} {sum(seconds.values()):.1f} s ({calls})", flush=True)
    print(f"{options.passages} prompts of {options.tokens} tokens, answers of {options.answer_tokens},", end=" ")
    print(f"{options.layers} layers of {options.hidden},", end=" ")
    print(f"{options.dtype}, batch {options.rows}, {options.threads} threads, {options.device}, {platform.machine()}")
    print("\n".join(table(in_parts(results["hf"]), of_all(results["pruned-hf"]), matrix_product_speed(options))))


if __name__ == "__main__":
    main()
