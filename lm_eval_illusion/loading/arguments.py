"""Model arguments that make another model of the base model: adapters, and quantisation while loading.

They are the same for our model classes and for lm_eval's own `hf` and `vllm`, whose results files hold them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.loading.quantized_config import BITS_OF_METHOD, read_scheme, variant_word

ADAPTERS = {
    "peft": "peft",
    "lora_local_path": "peft",
    "qlora_adapter_name_or_path": "peft",
    "delta": "delta",
    "steer_path": "steer",
}
"""Arguments that name weights or vectors to add to the base model -> the method."""
GGUF_ARGUMENT = "gguf_file"
"""The argument that names a GGUF file; also what names one in results.config where `pretrained` is its path."""
GGUF_METHOD = "gguf"
"""The `pruner` of a GGUF file that is measured as it is."""
_NO_VALUES = ("", "0", "false", "none", "null", "auto")
_PLAIN_CACHES = ("float16", "bfloat16", "float32", "half", "float")


@dataclass(frozen=True)
class Change:
    """What a model argument changes on the base model.

    `name`: part of the variant's name. `method`: part of its pruner. `bits`: bits per weight of every linear layer but the head, None
    if the argument does not state them. `argument`, `value`: as given. `is_quantisation`: False for an adapter.
    """

    name: str
    method: str
    bits: float | None
    argument: str
    value: str
    is_quantisation: bool


def changes_of(arguments: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what the model arguments change on the base model, quantisation first; empty for the base model as it is."""
    given = {name: value for name, value in arguments.items() if not _is_unset(value)}
    return (*_quantisation(given), *_adapters(given))


def changed_name(variant: str, changes: Sequence[Change]) -> str:
    """Return the variant's name with the changes: `peft-french` of the dense model, `wanda-0.6+bnb-int8` of a pruned one."""
    return "+".join([*([variant] if variant != "dense" or not changes else []), *(change.name for change in changes)])


def changed_pruner(pruner: str, changes: Sequence[Change]) -> str:
    """Return the method with the changes: `peft`, `wanda+bitsandbytes`."""
    methods = dict.fromkeys(change.method for change in changes)
    return "+".join([*([pruner] if pruner != "none" or not changes else []), *methods])


def without_methods(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes of a checkpoint that is quantised: an argument that only names the method which it has changes nothing."""
    return tuple(change for change in changes if change.argument not in ("quantization", "autogptq", "gptqmodel"))


def read_model_args(model_args: Any) -> dict[str, Any]:
    """Return the `model_args` of a results file by name. lm_eval writes a dictionary, or the text of the command line."""
    if isinstance(model_args, str) and model_args.lstrip().startswith("{"):
        with contextlib.suppress(ValueError):  # not JSON: read as the plain form
            model_args = json.loads(model_args)
    if isinstance(model_args, str):
        pairs = (argument.partition("=") for argument in model_args.split(",") if argument)
        return {name.strip(): value.strip() for name, _, value in pairs}
    return dict(model_args) if isinstance(model_args, Mapping) else {}


def _is_unset(value: Any) -> bool:
    return value.strip().lower() in _NO_VALUES if isinstance(value, str) else not value


def _quantisation(given: Mapping[str, Any]) -> Iterator[Change]:
    if "load_in_4bit" in given:
        name = f"bnb-{given.get('bnb_4bit_quant_type') or 'fp4'}"
        yield _quantised("load_in_4bit", given, name, "bitsandbytes", 4)
    elif "load_in_8bit" in given:
        yield _quantised("load_in_8bit", given, "bnb-int8", "bitsandbytes", 8)
    if "quantization_config" in given:
        yield from _from_config("quantization_config", given)
    for argument in ("autogptq", "gptqmodel"):
        if argument in given:
            yield _quantised(argument, given, "gptq", "gptq", None)
    if GGUF_ARGUMENT in given:
        yield _quantised(GGUF_ARGUMENT, given, f"gguf-{_stem(given[GGUF_ARGUMENT])}", GGUF_METHOD, None)
    elif str(given.get("pretrained", "")).lower().endswith(".gguf"):
        yield _quantised("pretrained", given, f"gguf-{_stem(given['pretrained'])}", GGUF_METHOD, None)
    elif "quantization" in given:
        # vLLM's: the method to quantise with while loading, or the one of the checkpoint.
        method = str(given["quantization"]).lower()
        bits = 4 if method == "bitsandbytes" else BITS_OF_METHOD.get(method)
        yield _quantised("quantization", given, method.replace("_", "-"), method, bits)
    if str(given.get("kv_cache_dtype", "float")) not in _PLAIN_CACHES:
        yield _quantised("kv_cache_dtype", given, f"kv-{given['kv_cache_dtype']}", "kv-cache", None)


def _adapters(given: Mapping[str, Any]) -> Iterator[Change]:
    for argument, method in ADAPTERS.items():
        if argument in given:
            path = str(given[argument])
            yield Change(variant_word(f"{method}-{_last_part(path)}"), method, None, argument, path, is_quantisation=False)


def _quantised(argument: str, given: Mapping[str, Any], name: str, method: str, bits: float | None) -> Change:
    return Change(variant_word(name), method, bits, argument, str(given[argument]), is_quantisation=True)


def _from_config(argument: str, given: Mapping[str, Any]) -> Iterator[Change]:
    """Read a `quantization_config`, which is a dictionary, one of transformers' records, or the name of a method."""
    value = given[argument]
    plain = value.to_dict() if hasattr(value, "to_dict") else value
    quantization = plain if isinstance(plain, Mapping) else {"quant_method": str(plain)}
    scheme = read_scheme(quantization)
    if scheme is not None:
        yield _quantised(argument, given, scheme.name, scheme.method, scheme.bits)
    elif not quantization.get("quant_method"):
        # With a method, it states that nothing is quantised.
        yield _quantised(argument, given, "quantised", "unknown", None)


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def _stem(path: Any) -> str:
    name = _last_part(str(path))
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name
