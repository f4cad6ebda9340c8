"""Time our Wanda against a plain torch implementation, and a load from the store against a plain load: `python -m benchmarks.pruning`.

The model has random weights, as in `benchmarks.battery`. The reference follows the paper (Sun et al., arXiv 2306.11695, section 3), block
after block: compute the norm of each input of each linear layer over the calibration tokens; remove the weights with the smallest
|weight| x norm of each output row; the outputs of the pruned block are the inputs of the next one.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.battery import save_model, texts

# Loads of each kind, alternating. One load takes a tenth of a second, so the median is reported.
LOADS = 9


def prune_reference(model: Any, token_ids: list[list[int]], sparsity: float) -> None:
    """Prune in place by Wanda, one calibration sample at a time, as the reference implementation does."""
    import torch

    inputs, keywords = first_block_inputs(model, token_ids)
    for block in model.model.layers:
        layers = {name: layer for name, layer in block.named_modules() if isinstance(layer, torch.nn.Linear)}
        squares = {name: torch.zeros(layer.in_features) for name, layer in layers.items()}

        def add(name: str, squares: dict[str, torch.Tensor] = squares) -> Any:
            def hook(_: Any, arguments: tuple[torch.Tensor], __: torch.Tensor) -> None:
                squares[name] += arguments[0].reshape(-1, arguments[0].shape[-1]).float().pow(2).sum(dim=0)

            return hook

        handles = [layer.register_forward_hook(add(name)) for name, layer in layers.items()]
        for hidden in inputs:
            block(hidden, **keywords)
        for handle in handles:
            handle.remove()
        for name, layer in layers.items():
            metric = layer.weight.abs() * squares[name].sqrt()
            smallest = metric.sort(dim=1, stable=True)[1][:, : int(layer.in_features * sparsity)]
            layer.weight.data.scatter_(1, smallest, 0)
        inputs = [block(hidden, **keywords) for hidden in inputs]


def first_block_inputs(model: Any, token_ids: list[list[int]]) -> tuple[list[Any], dict[str, Any]]:
    """Return the hidden states that enter the first block for each sample, and its keyword arguments, the same for all samples."""
    import torch

    calls: list[tuple[Any, dict[str, Any]]] = []

    class FirstBlockReached(Exception):  # noqa: N818
        pass

    def record(_: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        calls.append((arguments[0], keywords))
        raise FirstBlockReached

    handle = model.model.layers[0].register_forward_pre_hook(record, with_kwargs=True)
    for row in token_ids:
        with suppress(FirstBlockReached):
            model(torch.tensor([row]), use_cache=False)
    handle.remove()
    return [hidden for hidden, _ in calls], calls[0][1]


def time_wanda(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the seconds of both implementations on copies of one model, alternating, and the share of equal decisions (`agreement`)."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lm_eval_illusion.memory import disable_malloc_trim
    from lm_eval_illusion.pruning.compressor import ignored_layers, prune_in_place
    from lm_eval_illusion.pruning.linear_form import linear_form
    from lm_eval_illusion.pruning.recipes import render_recipe
    from lm_eval_illusion.pruning.weights import prunable_weights

    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    stream = tokenizer.encode("\n".join(texts()))
    token_ids = [stream[start * options.length :][: options.length] for start in range(options.samples)]
    # Our pruning sets this for the process, so the reference gets it too.
    disable_malloc_trim()
    seconds: dict[str, list[float]] = {"reference": [], "ours": []}
    for _ in range(options.rounds):
        reference, ours = copy.deepcopy(base), copy.deepcopy(base)
        start = time.perf_counter()
        with torch.no_grad():
            prune_reference(reference, token_ids, options.sparsity)
        seconds["reference"].append(time.perf_counter() - start)
        recipe = render_recipe("wanda", options.sparsity, "0:0", ignored_layers(ours, ()))
        start = time.perf_counter()
        with linear_form(ours) as form:
            prune_in_place(ours, form, tokenizer, recipe, token_ids, seed=0)
        seconds["ours"].append(time.perf_counter() - start)
    pairs = zip(prunable_weights(reference), prunable_weights(ours), strict=True)
    agreement = [((expected == 0) == (found == 0)).float().mean().item() for (_, expected), (_, found) in pairs]
    return {**{name: min(times) for name, times in seconds.items()}, "agreement": sum(agreement) / len(agreement)}


def time_store(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the seconds of lm_eval's `hf` with a stored checkpoint and of `pruned-hf` that finds it in the store, alternating."""
    import torch
    from lm_eval.models.huggingface import HFLM

    from lm_eval_illusion.models.hf import PrunedHFLM

    torch.set_num_threads(options.threads)
    store = folder.parent / "store"
    arguments = {"pruner": "magnitude", "sparsity": options.sparsity, "store": str(store), "device": "cpu"}
    path = PrunedHFLM(str(folder), **arguments).checkpoint.path
    loads = {"plain": lambda: HFLM(path, device="cpu"), "hit": lambda: PrunedHFLM(str(folder), **arguments)}
    seconds: dict[str, list[float]] = {name: [] for name in loads}
    for _ in range(LOADS):
        for name, load in loads.items():
            start = time.perf_counter()
            # Weights are mapped from the file and read at their first use, so use them all.
            sum(float(parameter.sum()) for parameter in load().model.parameters())
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Run both benchmarks, each in a separate process, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pruning", description=__doc__.splitlines()[0])
    numbers = {"hidden": 1024, "layers": 12, "samples": 32, "length": 256, "rounds": 2, "threads": os.cpu_count()}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--sparsity", type=float, default=0.6)
    parser.add_argument("--run", choices=("wanda", "store"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run = {"wanda": time_wanda, "store": time_store}[options.run]
        (options.folder / f"{options.run}.result").write_text(json.dumps(run(options.folder / "model", options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder, "model"), options)
        for name in ("wanda", "store"):
            command = [sys.executable, "-m", "benchmarks.pruning", *sys.argv[1:], "--run", name, "--folder", folder]
            subprocess.run(command, check=True)
        wanda, store = (json.loads(Path(folder, f"{name}.result").read_text()) for name in ("wanda", "store"))
    print(
        f"{options.layers} layers of {options.hidden}, float32, {options.samples} samples of {options.length} tokens,", end=" "
    )
    print(f"{options.threads} threads")
    print(f"Wanda {options.sparsity}: reference {wanda['reference']:.1f} s, ours {wanda['ours']:.1f} s,", end=" ")
    print(f"ratio {wanda['ours'] / wanda['reference']:.2f}; {100 * wanda['agreement']:.3f} % of the weights decided equally")
    print(f"loading: plain {store['plain']:.2f} s, store hit {store['hit']:.2f} s, ratio {store['hit'] / store['plain']:.2f}")


if __name__ == "__main__":
    main()
