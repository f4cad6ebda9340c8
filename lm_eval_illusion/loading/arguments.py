"""Model arguments that make another model of the base model: adapters, and quantisation while loading.

They are the same for our model classes and for lm_eval's own `hf` and `vllm`, whose results files hold them.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.loading.quantized_config import bits_of_method, read_scheme, variant_word

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
_YES = ("true", "1", "yes", "on")
_BITSANDBYTES = "bitsandbytes"
# Settings of bitsandbytes -> their defaults, those of transformers' BitsAndBytesConfig.
_SETTINGS: Mapping[str, Any] = {
    "bnb_4bit_quant_type": "fp4",
    "bnb_4bit_use_double_quant": "false",
    "bnb_4bit_compute_dtype": "float32",
    "bnb_4bit_quant_storage": "uint8",
    "llm_int8_threshold": "6.0",
    "llm_int8_skip_modules": None,
    "llm_int8_has_fp16_weight": "false",
}
_PLAIN_CACHES = ("float16", "bfloat16", "float32", "half", "float")


@dataclass(frozen=True)
class Change:
    """What a model argument changes on the base model.

    `name`: part of the variant's name. `method`: part of its pruner. `bits`: bits per weight of every linear layer but the head, None
    if the argument does not state them. `argument`, `value`: as given. `is_quantisation`: False for an adapter. `identity`: the same
    for two requests for the same change, however they are spelled. `settings`: what else the arguments say of it and is not the default,
    by name: two quantisations of one name can differ in them.
    """

    name: str
    method: str
    bits: float | None
    argument: str
    value: str
    is_quantisation: bool
    identity: str
    settings: tuple[tuple[str, str], ...] = ()


def changes_of(arguments: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what the model arguments change on the base model, quantisation first; empty for the base model as it is."""
    given = {name: value for name, value in arguments.items() if not _is_unset(value)}
    return (*_quantisation(given, arguments), *_adapters(given))


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


def identity_of(argument: str, value: str) -> str:
    """Return one text for all spellings of what a model argument names: `peft=runs/french` for lora_local_path=./runs/french/."""
    if argument in ADAPTERS or argument == GGUF_ARGUMENT:
        return f"{ADAPTERS.get(argument, argument)}={posixpath.normpath(value)}"
    plain = value.strip().lower()
    if argument == "quantization":
        return f"{argument}={plain.replace('-', '_')}"
    return f"{argument}={'true' if plain in _YES else value.strip()}"


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


def _quantisation(given: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[Change]:
    if "load_in_4bit" in given:
        yield _by_bitsandbytes("load_in_4bit", given, f"bnb-{given.get('bnb_4bit_quant_type') or 'fp4'}", 4, arguments)
    elif "load_in_8bit" in given:
        yield _by_bitsandbytes("load_in_8bit", given, "bnb-int8", 8, arguments)
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
        bits = 4 if method == "bitsandbytes" else bits_of_method(method)
        yield _quantised("quantization", given, method.replace("_", "-"), method, bits)
    if str(given.get("kv_cache_dtype", "float")) not in _PLAIN_CACHES:
        yield _quantised("kv_cache_dtype", given, f"kv-{given['kv_cache_dtype']}", "kv-cache", None)


def _adapters(given: Mapping[str, Any]) -> Iterator[Change]:
    for argument, method in ADAPTERS.items():
        if argument in given:
            path = str(given[argument])
            name = variant_word(f"{method}-{_last_part(path)}")
            identity = identity_of(argument, path)
            settings = ((method, posixpath.normpath(path)),)
            yield Change(name, method, None, argument, path, is_quantisation=False, identity=identity, settings=settings)


def _quantised(
    argument: str,
    given: Mapping[str, Any],
    name: str,
    method: str,
    bits: float | None,
    identity: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Change:
    value = str(given[argument])
    identity = identity or identity_of(argument, value)
    return Change(
        variant_word(name),
        method,
        bits,
        argument,
        value,
        is_quantisation=True,
        identity=identity,
        settings=tuple(sorted((settings or {}).items())),
    )


def _by_bitsandbytes(
    argument: str, given: Mapping[str, Any], name: str, bits: float | None, settings: Mapping[str, Any]
) -> Change:
    """Return the change with the settings that change what bitsandbytes computes and are not the default."""
    plain = {key: _plain(settings[key]) for key in _SETTINGS if settings.get(key) is not None}
    others = {key: value for key, value in plain.items() if value not in (_SETTINGS[key], "none", "")}
    # The name has the type of the numbers.
    named_apart = {key: value for key, value in others.items() if key != "bnb_4bit_quant_type"}
    identity = f"{_BITSANDBYTES}={name}{_canonical(others) if others else ''}"
    return _quantised(argument, given, name, _BITSANDBYTES, bits, identity, named_apart)


def _plain(value: Any) -> str:
    text = str(value).strip().lower().removeprefix("torch.")
    with contextlib.suppress(ValueError):  # not a number
        return str(float(text))
    return text


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, default=str)


def _from_config(argument: str, given: Mapping[str, Any]) -> Iterator[Change]:
    """Read a `quantization_config`, which is a dictionary, one of transformers' records, or the name of a method."""
    value = given[argument]
    plain = value.to_dict() if hasattr(value, "to_dict") else value
    quantization = plain if isinstance(plain, Mapping) else {"quant_method": str(plain)}
    scheme = read_scheme(quantization)
    if scheme is not None:
        if scheme.method == _BITSANDBYTES:
            yield _by_bitsandbytes(argument, given, scheme.name, scheme.bits, quantization)
            return
        identity = f"{argument}={_canonical(quantization)}"
        yield _quantised(argument, given, scheme.name, scheme.method, scheme.bits, identity, dict(_flat(quantization)))


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each setting; of a nested one its path, such as `weight_config.group_size`."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", text) for inner, text in _flat(value))
        else:
            yield str(name), value if isinstance(value, str) else _canonical(value)


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def _stem(path: Any) -> str:
    name = _last_part(str(path))
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name
