"""Damaged and hostile model folders through `pruned-hf`: `python -m benchmarks.fuzz_models [--cases 600] [--seed 0]`.

Each case changes a tiny model folder (configuration, tokenizer, weights, index, generation settings, adapter, or a model argument), loads
it with pruner none or magnitude, scores a text and generates some tokens. It must end in one line for the user, or in the numbers of plain
transformers on the same folder. Counted are tracebacks, hangs of more than 10 s of processor time, code from a folder that was run,
terminal sequences that were shown, and folders that were wrongly accepted; the exit code is 1 if there is any. A case that no signal can
end stops the program after a minute.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import logging
import os
import pickle
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.time_limit import HangError, time_limit
from lm_eval_illusion.errors import UserError

HANG_SECONDS = 10
"""Of processor time; of real time six times as many, because other work on the machine counts there."""
MEMORY_BYTES = 12 << 30
TERMINAL_SEQUENCE = "\x1b]52;c;aGk=\x07"
TEXT = "Question: In which country is the city of Paris?\nAnswer:"
CHOICES = (" France", " x")
NEW_TOKENS = 3

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 7, 10**9, 10**12, 10**30, -(10**30), 0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "nonsense", "../../x", "/etc/passwd", TERMINAL_SEQUENCE, "\ud800", "\0", "a" * 10_000, "float16", "int8"),
    *(
        [],
        [None],
        [1],
        ["LlamaForCausalLM"],
        [[]],
        {},
        {"": None},
        {"rope_type": "yarn"},
        {"rope_type": "dynamic", "factor": -1},
    ),
)
CONFIG_KEYS = (
    *("architectures", "model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *(
        "num_key_value_heads",
        "head_dim",
        "vocab_size",
        "max_position_embeddings",
        "rms_norm_eps",
        "rope_parameters",
        "rope_scaling",
    ),
    *(
        "rope_theta",
        "dtype",
        "torch_dtype",
        "tie_word_embeddings",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "hidden_act",
    ),
    *("auto_map", "quantization_config", "transformers_weights", "attn_implementation", "_attn_implementation", "use_cache"),
    *(
        "layer_types",
        "attention_bias",
        "pretraining_tp",
        "is_encoder_decoder",
        "text_config",
        "fusion_config",
        "sliding_window",
    ),
    *(
        "id2label",
        "num_labels",
        "generation_config",
        "tokenizer_class",
        "transformers_version",
        "attention_dropout",
        "mlp_bias",
    ),
)
MODEL_TYPES = (
    "gpt2",
    "mamba",
    "bert",
    "t5",
    "gemma3",
    "mixtral",
    "qwen3",
    "opt",
    "rwkv",
    "bloom",
    "gpt_neox",
    "deepseek_v3",
    "falcon",
)
GENERATION_KEYS = (
    *(
        "do_sample",
        "temperature",
        "top_p",
        "top_k",
        "eos_token_id",
        "bos_token_id",
        "pad_token_id",
        "max_length",
        "max_new_tokens",
    ),
    *("num_beams", "repetition_penalty", "no_repeat_ngram_size", "bad_words_ids", "suppress_tokens", "forced_bos_token_id"),
    *("stop_strings", "cache_implementation", "num_return_sequences", "guidance_scale", "watermarking_config", "penalty_alpha"),
    *("return_dict_in_generate", "output_scores", "min_length", "constraints", "sequence_bias", "compile_config", "max_time"),
)
QUANTISATIONS: tuple[Any, ...] = (
    *({"quant_method": "gptq", "bits": 4}, {"quant_method": "nonsense"}, {"quant_method": [1]}, {"bits": "x"}, [], "gptq"),
    *({"quant_method": "compressed-tensors", "config_groups": 1}, {"quant_method": "bitsandbytes", "load_in_4bit": True}),
    *({"config_groups": {"g": {"targets": 3, "weights": "x"}}}, {"quant_method": "fp8", "modules_to_not_convert": 3}),
    *({"quant_method": "compressed-tensors", "config_groups": {"g": {"targets": ["re:("], "weights": {"num_bits": 4}}}},),
    *({"quant_method": "torchao", "quant_type": {"default": {"_type": "os.system", "_data": "x"}}}, {"quant_algo": None}),
    *({"quant_method": "fp8", "modules_to_not_convert": [pattern]} for pattern in ("re:(.+)+x$", "re:(")),
)
TEMPLATES = (
    *("{{ 1/0 }}", "{{ x.y.z }}", "{% for", "{{ raise_exception('no') }}", TERMINAL_SEQUENCE, "{% include 'x' %}", "\ud800"),
    *(
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10**10 }}",
        "",
        "{{ messages }}",
    ),
    *(
        "{{ lipsum.__globals__['os'].system('touch CANARY') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ 10**(10**8) }}",
    ),
    *(
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ range(10**9) | list }}",
        "{% for m in messages %}{{ m.content }}{% endfor %}",
    ),
)
PRE_TOKENIZERS: tuple[Any, ...] = (
    *(
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        for pattern in ("(a+)+$", "((.*)*)*x", "(")
    ),
    *({"type": "ByteLevel"}, {"type": "nonsense"}, None, {"type": "Sequence", "pretokenizers": []}, {"type": "Digits"}),
)
ARGUMENTS: tuple[dict[str, Any], ...] = (
    *({"device": device} for device in ("nonsense", "", "cuda:99", "cpu:0", TERMINAL_SEQUENCE, 3, [])),
    *({"dtype": dtype} for dtype in ("nonsense", "int8", "nn", "", "float16", TERMINAL_SEQUENCE, 7, "bfloat16")),
    *({"subfolder": subfolder} for subfolder in ("..", "../..", "/", "/etc", "none", "\0", "a" * 5000, 3)),
    *({"revision": revision} for revision in ("\0", "../x", TERMINAL_SEQUENCE, "a" * 5000, 3)),
    *(
        {"tokenizer": tokenizer}
        for tokenizer in ("\0", "../x", "/dev/zero", TERMINAL_SEQUENCE, "a" * 5000, "/etc", "/proc/self")
    ),
    *(
        {name: value}
        for name in ("peft", "delta")
        for value in ("\0", "/etc", "/dev/zero", TERMINAL_SEQUENCE, "a" * 5000, "FOLDER")
    ),
    *({"trust_remote_code": value} for value in ("no", "False", None, 3, [])),
    *({"gguf_file": value} for value in ("config.json", "../x", "model.safetensors", "\0")),
    *({"max_length": value} for value in (-1, 0, 1, 10**30, "x")),
    *({"use_safetensors": value} for value in (False, "x")),
    *({"variant": value} for value in ("fp16", "../x", 3)),
    *(
        {"softmax_dtype": "nonsense"},
        {"mixed_precision_dtype": "x"},
        {"attn_implementation": "nonsense"},
        {"prefix_token_id": 10**9},
    ),
    *(
        {"attn_implementation": "evil/kernel"},
        {"device_map": "nonsense"},
        {"max_memory": 3},
        {"batch_size": "x"},
        {"think_end_token": 3},
    ),
    *({"chat_template_args": 3}, {"backend": "seq2seq"}, {"backend": "x"}, {"autogptq": True}, {"parallelize": "x"}),
)


class Case(NamedTuple):
    """A changed folder: what was changed, in words, and the model arguments to load it with."""

    change: str
    arguments: dict[str, Any]


class Runs:
    """A pickle that the libraries must not run: it makes the file `canary`."""

    canary = ""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (self.canary,)


def main(argv: list[str] | None = None) -> int:
    """Run the cases and print the counts; return 1 if there is any fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of one case")
    arguments = parser.parse_args(argv)
    numbers = range(arguments.cases) if arguments.only is None else [arguments.only]
    import torch

    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = run_cases(numbers, arguments.seed, Path(folder))
    faults = {name: count for name, count in counts.items() if name not in ("refused", "accepted")}
    print(
        f"{len(numbers)} cases in {time.monotonic() - started:.0f} s: {counts['refused']} refused in one line, "
        f"{counts['accepted']} accepted with the numbers of plain transformers"
    )
    for name in ("traceback", "hang", "code run", "terminal sequence", "wrongly accepted"):
        print(f"{name}: {counts[name]}")
    return 1 if sum(faults.values()) else 0


def run_cases(numbers: range | list[int], seed: int, folder: Path) -> Counter[str]:
    """Return how many cases ended in which way; faults are printed."""
    source, adapter = _make_sources(folder / "sources")
    counts: Counter[str] = Counter()
    for number in numbers:
        rng = random.Random(f"{seed} {number}")
        place = folder / str(number)
        Runs.canary = str(place / "canary")
        place.mkdir()
        case = make_case(rng, source, adapter, place)
        pruner = "magnitude" if not case.arguments and rng.random() < 0.25 else "none"
        ending, text = run_case(case, pruner, place)
        if (place / "canary").exists() or Path("CANARY").exists():
            ending, text = "code run", text
        counts[ending] += 1
        if ending not in ("refused", "accepted"):
            print(f"case {number}: {ending}: {ascii(case.change)[:300]}, {pruner}\n{text}", flush=True)
        elif os.environ.get("SHOW"):
            print(f"{number} {ending}: {ascii(case.change)[:150]}: {ascii(text)[:300]}", flush=True)
        shutil.rmtree(place, ignore_errors=True)
    return counts


def run_case(case: Case, pruner: str, place: Path) -> tuple[str, str]:
    """Return how a case ended, and the message or traceback."""
    faulthandler.dump_traceback_later(6 * HANG_SECONDS, exit=True, file=sys.__stderr__)
    with _shown(place / "shown.txt") as shown:
        try:
            # The signal of a limit of real time is also used by what is tried.
            with time_limit(HANG_SECONDS, of_processor=True):
                ending, text = "accepted", _outputs(case, pruner, place)
        except UserError as error:
            error.show()
            ending, text = "refused", str(error)
            if len(text) > 2000:
                ending, text = "traceback", f"a message of {len(text)} characters: {text[:200]}"
        except HangError:
            ending, text = "hang", traceback.format_exc(limit=-4)
        except BaseException:
            ending, text = "traceback", traceback.format_exc(limit=-6)
        if ending == "accepted":
            try:
                fault = _difference(case, text, place)
            except Exception:
                fault = "plain transformers fails: " + traceback.format_exc(limit=-2)
            ending, text = ("wrongly accepted", fault) if fault else (ending, text)
    faulthandler.cancel_dump_traceback_later()
    if TERMINAL_SEQUENCE in shown.read_text(encoding="utf-8", errors="replace"):
        return "terminal sequence", shown.read_text(encoding="utf-8", errors="replace")[-500:]
    return ending, text


def _outputs(case: Case, pruner: str, place: Path) -> str:
    """Load the model, score and generate; return the numbers as JSON."""
    from lm_eval.api.instance import Instance

    from lm_eval_illusion.models.hf import PrunedHFLM

    arguments = {"device": "cpu", "batch_size": 1, **case.arguments}
    if pruner != "none":
        arguments |= {"sparsity": 0.5, "store": str(place / "store")}
    model = PrunedHFLM(str(place / "model"), pruner=pruner, **arguments)
    scores = model.loglikelihood(
        [Instance("loglikelihood", {}, (TEXT, choice), n) for n, choice in enumerate(CHOICES)], disable_tqdm=True
    )
    settings = {"until": ["THE END"], "max_gen_toks": NEW_TOKENS, "do_sample": False, "temperature": 0.0}
    answers = model.generate_until([Instance("generate_until", {}, (TEXT, settings), 0)], disable_tqdm=True)
    chat = None
    if model.tokenizer.chat_template is not None:
        chat = model.apply_chat_template([{"role": "user", "content": "Hi"}])
    return json.dumps([model.checkpoint.path, [score[0] for score in scores], answers, chat])


def _difference(case: Case, outputs: str, place: Path) -> str | None:
    """Return how the outputs differ from those of plain transformers on the same folder, None if they do not."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path, scores, answers, _ = json.loads(outputs)
    given = {
        name: case.arguments[name] for name in ("dtype", "attn_implementation", "use_safetensors") if name in case.arguments
    }
    tokenizer = AutoTokenizer.from_pretrained(path)
    model, info = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True, **given)
    if "peft" in case.arguments:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, case.arguments["peft"])
    if "delta" in case.arguments:
        delta = AutoModelForCausalLM.from_pretrained(case.arguments["delta"]).state_dict()
        model.load_state_dict({name: value + delta[name] for name, value in model.state_dict().items()})
    if case.arguments.get("mixed_precision_dtype") or model.dtype not in (torch.float32, torch.float64):
        return None
    if info["missing_keys"] or info["mismatched_keys"]:
        return f"tensors are missing or mismatched: {info}"
    context = tokenizer(TEXT)["input_ids"]
    for choice, score in zip(CHOICES, scores, strict=True):
        ids = tokenizer(TEXT + choice)["input_ids"]
        if ids[: len(context)] != context or len(ids) == len(context):
            continue
        with torch.inference_mode():
            logprobs = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        expected = sum(float(logprobs[position - 1, ids[position]]) for position in range(len(context), len(ids)))
        if not (abs(expected - score) <= 1e-3 * max(1, abs(expected)) or (expected != expected and score != score)):
            return f"score of {choice!r}: {score}, plain transformers {expected}"
    if "generation_config" in case.change or case.arguments:
        return None
    ids = torch.tensor([context])
    settings = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "num_beams": 1, "pad_token_id": 0}
    with torch.inference_mode():
        tokens = model.generate(ids, attention_mask=torch.ones_like(ids), **settings)[0, len(context) :].tolist()
    texts = {tokenizer.decode(part, skip_special_tokens=True) for part in (tokens, tokens[:-1])}
    return None if answers[0] in texts else f"answer {answers[0]!r}, plain transformers one of {sorted(texts)}"


# The changes


def make_case(rng: random.Random, source: Path, adapter: Path, place: Path) -> Case:
    """Copy the model to `place`/model with one change, and return it."""
    model = place / "model"
    shutil.copytree(source, model)
    kinds = (
        _config,
        _config,
        _config,
        _tokenizer,
        _tokenizer,
        _generation,
        _weights,
        _weights,
        _special,
        _bytes,
        _adapter,
        _argument,
    )
    return rng.choice(kinds)(rng, model, adapter)


def _config(rng: random.Random, model: Path, _: Path) -> Case:
    path = model / "config.json"
    content = json.loads(path.read_text())
    key, value = rng.choice(CONFIG_KEYS), rng.choice(VALUES)
    if key == "quantization_config":
        value = rng.choice(QUANTISATIONS)
    elif key == "model_type" and rng.random() < 0.7:
        value = rng.choice(MODEL_TYPES)
    elif key == "auto_map":
        value = {"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil"}
        content["model_type"] = rng.choice(("llama", "evil"))
        (model / "evil.py").write_text(f"import os\nos.mkdir({Runs.canary!r})\n")
    elif isinstance(content.get(key), dict) and content[key] and rng.random() < 0.6:
        inner = rng.choice(sorted(content[key]))
        value = {**content[key], inner: value}
    content[key] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    return Case(f"config.json {key}={value!r}", {})


def _generation(rng: random.Random, model: Path, _: Path) -> Case:
    path = model / "generation_config.json"
    content = json.loads(path.read_text())
    key, value = rng.choice(GENERATION_KEYS), rng.choice(VALUES)
    content[key] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    if rng.random() < 0.1:
        (model / "custom_generate").mkdir()
        (model / "custom_generate" / "generate.py").write_text(
            f"import os\nos.mkdir({Runs.canary!r})\ndef generate(*a, **k): pass\n"
        )
    return Case(f"generation_config.json {key}={value!r}", {})


def _tokenizer(rng: random.Random, model: Path, _: Path) -> Case:
    kind = rng.random()
    if kind < 0.3:
        template = rng.choice(TEMPLATES)
        (model / "chat_template.jinja").write_text(template, encoding="utf-8", errors="surrogatepass")
        return Case(f"chat template {template}", {})
    name = "tokenizer.json" if kind < 0.7 else "tokenizer_config.json"
    path = model / name
    content = json.loads(path.read_text())
    if name == "tokenizer.json" and rng.random() < 0.3:
        content["pre_tokenizer"] = rng.choice(PRE_TOKENIZERS)
        change = f"pre_tokenizer {content['pre_tokenizer']}"
    elif name == "tokenizer_config.json" and rng.random() < 0.5:
        key = rng.choice(
            ("tokenizer_class", "auto_map", "bos_token", "eos_token", "pad_token", "model_max_length", "chat_template")
        )
        content[key] = rng.choice(VALUES)
        change = f"{key}={content[key]!r}"
    else:
        change = _change_somewhere(rng, content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return Case(f"{name} {change}", {})


def _change_somewhere(rng: random.Random, content: Any) -> str:
    """Replace or remove one value anywhere in a JSON value; return what was done."""
    places: list[str] = []
    while True:
        key: Any = rng.choice(sorted(content)) if isinstance(content, dict) else rng.randrange(len(content))
        places.append(str(key))
        inner = content[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            content = inner
            continue
        if rng.random() < 0.25:
            del content[key]
            return f"{'/'.join(places)} removed"
        content[key] = rng.choice(VALUES)
        return f"{'/'.join(places)}={content[key]!r}"


def _weights(rng: random.Random, model: Path, _: Path) -> Case:
    import torch
    from safetensors.torch import load_file, save_file

    path = model / "model.safetensors"
    kind = rng.choice(("tensor", "tensor", "header", "header", "length", "pickle", "index", "index", "truncated"))
    tensors = load_file(path)
    name = rng.choice(sorted(tensors))
    if kind == "tensor":
        action = rng.choice(
            ("removed", "renamed", "reshaped", "larger", "integers", "nan", "added", "float64", "empty", "hostile name")
        )
        tensor = tensors.pop(name)
        changed: dict[str, dict[str, Any]] = {
            "removed": {},
            "renamed": {f"{name}.x": tensor},
            "reshaped": {name: tensor.reshape(-1).clone()},
            "larger": {name: torch.cat([tensor, tensor])},
            "integers": {name: tensor.to(torch.int64)},
            "nan": {name: tensor * float("nan")},
            "added": {name: tensor, "model.layers.2.mlp.up_proj.weight": tensor.clone()},
            "float64": {name: tensor.double()},
            "empty": {name: tensor[:0].clone()},
            "hostile name": {f"{name}{TERMINAL_SEQUENCE}": tensor},
        }
        save_file(tensors | changed[action], path, metadata={"format": "pt"})
        return Case(f"tensor {name} {action}", {})
    if kind == "header":
        return _header(rng, path, name)
    if kind == "length":
        size = rng.choice((0, 1, 2**31, 2**63, 2**64 - 1, 100))
        path.write_bytes(size.to_bytes(8, "little") + path.read_bytes()[8:])
        return Case(f"header length {size}", {})
    if kind == "truncated":
        size = rng.choice((0, 4, 8, 100, path.stat().st_size // 2, path.stat().st_size - 1))
        path.write_bytes(path.read_bytes()[:size])
        return Case(f"weights cut to {size} bytes", {})
    if kind == "pickle":
        path.unlink()
        hostile: Any = rng.choice((Runs(), {name: Runs()}, [Runs()]))
        name = rng.choice(("pytorch_model.bin", "model.pt"))
        if rng.random() < 0.5:
            torch.save(hostile, model / name)
        else:
            (model / name).write_bytes(pickle.dumps(hostile))
        return Case(f"a pickle that runs code as {name}", {})
    return _index(rng, model, path, tensors)


def _header(rng: random.Random, path: Path, name: str) -> Case:
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    field = rng.choice(("dtype", "shape", "data_offsets"))
    values = {
        "dtype": ("F32", "F16", "NaN", "", None, "I64", "BOOL", "F8_E4M3", 3),
        "shape": ([], [0], [-1], [10**12, 10**12], [2**63], "x", None, [1.5], [80, 80, 80]),
        "data_offsets": ([0, 0], [0, 4], [4, 0], [0, 2**63], [-1, 4], "x", None, [0], [0, 10**30]),
    }
    header[name][field] = rng.choice(values[field])
    encoded = json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + data[end:])
    return Case(f"header of {name}: {field}={header[name][field]!r}", {})


def _index(rng: random.Random, model: Path, path: Path, tensors: dict[str, Any]) -> Case:
    """Cut the weights into two files with an index, and change the index."""
    from safetensors.torch import save_file

    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[:9], "model-00002-of-00002.safetensors": names[9:]}
    weight_map: dict[str, Any] = {}
    for file, members in parts.items():
        save_file({name: tensors[name] for name in members}, model / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(members, file)
    path.unlink()
    content: dict[str, Any] = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    action = rng.choice(("intact", "value", "outside", "missing", "fifo", "whole", "dropped"))
    if action == "value":
        weight_map[rng.choice(names)] = rng.choice(VALUES)
    elif action == "outside":
        shutil.copy(model / "model-00001-of-00002.safetensors", model.parent / "outside.safetensors")
        weight_map |= dict.fromkeys(names[:9], "../outside.safetensors")
    elif action == "missing":
        (model / "model-00002-of-00002.safetensors").unlink()
    elif action == "fifo":
        (model / "model-00002-of-00002.safetensors").unlink()
        os.mkfifo(model / "model-00002-of-00002.safetensors")
    elif action == "whole":
        content["weight_map"] = rng.choice(VALUES)
    elif action == "dropped":
        del weight_map[rng.choice(names)]
    (model / "model.safetensors.index.json").write_text(json.dumps(content))
    return Case(f"index {action}", {})


def _special(rng: random.Random, model: Path, _: Path) -> Case:
    """Put something else than a regular file in the place of a file."""
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"]
    name = rng.choice(
        [*names, "special_tokens_map.json", "chat_template.jinja", "added_tokens.json", "adapter_config.json", "vocab.json"]
    )
    kind = rng.choice(("fifo", "folder", "loop", "dangling", "zero", "huge", "missing", "empty", "deep"))
    path = model / name
    path.unlink(missing_ok=True)
    actions: dict[str, Callable[[], Any]] = {
        "fifo": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "loop": lambda: path.symlink_to(path),
        "dangling": lambda: path.symlink_to("nowhere"),
        "zero": lambda: path.symlink_to("/dev/zero"),
        "huge": lambda: _sparse(path),
        "missing": lambda: None,
        "empty": path.touch,
        "deep": lambda: path.write_text('{"a":' * 50_000 + "1" + "}" * 50_000),
    }
    actions[kind]()
    return Case(f"{name} is {kind}", {})


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def _bytes(rng: random.Random, model: Path, _: Path) -> Case:
    """Change bytes of a text file."""
    path = model / rng.choice(("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"))
    data = bytearray(path.read_bytes())
    action = rng.choice(("cut", "flipped", "byte order mark", "not UTF-8", "a list", "a number", "twice"))
    if action == "cut":
        data = data[: rng.randrange(len(data))]
    elif action == "flipped":
        for _ in range(rng.choice((1, 5, 50))):
            data[rng.randrange(len(data))] = rng.randrange(256)
    else:
        pieces = {
            "byte order mark": b"\xef\xbb\xbf" + data,
            "not UTF-8": data + b"\xff",
            "a list": b"[" + data + b"]",
            "a number": b"3",
        }
        data = bytearray(pieces.get(action, data + data))
    path.write_bytes(data)
    return Case(f"{path.name} {action}", {})


def _adapter(rng: random.Random, model: Path, adapter: Path) -> Case:
    from safetensors.torch import load_file, save_file

    folder = model.parent / "adapter"
    shutil.copytree(adapter, folder)
    arguments = {"peft": str(folder)}
    kind = rng.choice(("config", "config", "tensor", "pickle", "special", "delta"))
    if kind == "config":
        path = folder / "adapter_config.json"
        content = json.loads(path.read_text())
        key = rng.choice(sorted(content))
        content[key] = rng.choice(VALUES)
        path.write_text(json.dumps(content))
        return Case(f"adapter {key}={content[key]!r}", arguments)
    path = folder / "adapter_model.safetensors"
    if kind == "tensor":
        tensors = load_file(path)
        name = rng.choice(sorted(tensors))
        tensor = tensors.pop(name)
        action = rng.choice(("removed", "renamed", "reshaped"))
        changed = {"removed": {}, "renamed": {f"{name}.x": tensor}, "reshaped": {name: tensor.reshape(-1).clone()}}
        save_file(tensors | changed[action], path)
        return Case(f"adapter tensor {name} {action}", arguments)
    if kind == "pickle":
        import torch

        path.unlink()
        torch.save({"x": Runs()}, folder / "adapter_model.bin")
        return Case("a pickle that runs code as the adapter", arguments)
    if kind == "special":
        path.unlink()
        os.mkfifo(path)
        return Case("the adapter's weights are a FIFO", arguments)
    shutil.rmtree(folder)
    shutil.copytree(model, folder)
    changed_case = _weights(rng, folder, adapter)
    return Case(f"delta: {changed_case.change}", {"delta": str(folder)})


def _argument(rng: random.Random, model: Path, _: Path) -> Case:
    arguments = {name: str(model) if value == "FOLDER" else value for name, value in rng.choice(ARGUMENTS).items()}
    return Case(f"argument {arguments!r}", arguments)


# The surroundings


def _make_sources(folder: Path) -> tuple[Path, Path]:
    """Write a tiny model with generation settings and an adapter of it."""
    from tests.quantised_checkpoints import save_adapter
    from tests.tiny_models import save_tiny

    logging.disable(logging.NOTSET)
    source = save_tiny("llama", folder / "model")
    return source, save_adapter(source, folder / "adapter")


@contextlib.contextmanager
def _shown(path: Path) -> Iterator[Path]:
    """Write what is shown on the terminal into a file."""
    kept = [os.dup(1), os.dup(2)]
    sys.stdout.flush()
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield path
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
