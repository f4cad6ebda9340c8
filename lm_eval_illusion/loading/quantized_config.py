"""Readers of `quantization_config`: the scheme of a checkpoint that another tool has quantised.

The keys are those of transformers' `quantization_config` and of compressed-tensors' `config_groups`; a scheme's name is that of
compressed-tensors' presets in lower case, such as w4a16 for weights of 4 bits and activations of 16.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COMPRESSED_TENSORS = "compressed-tensors"
BITS_OF_METHOD: dict[str, float] = {
    **{"fp8": 8, "fbgemm_fp8": 8, "eetq": 8, "mxfp8": 8, "experts_int8": 8},
    **{"mxfp4": 4, "nvfp4": 4, "fp_quant": 4, "spqr": 4, "fouroversix": 4},
}
"""Bits of the weights by quantisation method, where the method has only one number."""
IGNORED_KEYS = ("ignore", "modules_to_not_convert", "ignored_layers", "llm_int8_skip_modules", "exclude_modules", "exclude")
"""The keys under which the methods list layers that are not quantised."""
BITS_KEYS = ("bits", "nbits", "num_bits", "w_bit", "wbits", "weight_bits")


@dataclass(frozen=True)
class WeightGroup:
    """Layers whose weights have `bits` bits, None if unknown. `targets`: names, classes, or regular expressions after `re:`."""

    targets: tuple[str, ...]
    bits: float | None


@dataclass(frozen=True)
class QuantizedScheme:
    """How a checkpoint is quantised.

    `name`: of the variant, such as `w4a16`, `fp8-dynamic`, `gptq-int4`. `method`: `quant_method`. `groups`: the first that matches a layer
    holds. `ignored`: layers that keep the bits of their dtype, as in `WeightGroup.targets`.
    """

    name: str
    method: str
    groups: tuple[WeightGroup, ...]
    ignored: tuple[str, ...] = ()

    def covers(self, layer: str, kind: str) -> WeightGroup | None:
        """Return the group that a layer belongs to, None for one that is not quantised. `kind`: its class, such as Linear."""
        if any(_matches(pattern, layer, kind) for pattern in self.ignored):
            return None
        return next((group for group in self.groups if any(_matches(target, layer, kind) for target in group.targets)), None)

    @property
    def bits(self) -> float | None:
        """The bits of every quantised weight; None if they differ or are unknown."""
        found = {group.bits for group in self.groups}
        return found.pop() if len(found) == 1 else None


def quantization_of(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the `quantization_config` in the content of a config.json, at the top or in the part for the language model."""
    parts = [config, *(config[name] for name in ("text_config", "llm_config", "language_config") if name in config)]
    for part in parts:
        for key in ("quantization_config", "compression_config"):
            found = part.get(key) if isinstance(part, Mapping) else None
            if isinstance(found, Mapping) and found:
                return found
    return None


def read_scheme(quantization: Mapping[str, Any]) -> QuantizedScheme | None:
    """Return the scheme of a `quantization_config`; None if it states that nothing is quantised and nothing is sparse."""
    method = str(getattr(quantization.get("quant_method"), "value", quantization.get("quant_method")) or "").lower()
    if method in (COMPRESSED_TENSORS, "sparseml") or "config_groups" in quantization or "sparsity_config" in quantization:
        return _compressed_tensors(quantization)
    if method.startswith("bitsandbytes") or quantization.get("load_in_8bit") or quantization.get("load_in_4bit"):
        return _bitsandbytes(quantization)
    if method in ("gptq", "awq", "auto-round", "hqq", "auto_round", "intel/auto-round"):
        return _integers(method.removeprefix("intel/").replace("_", "-"), quantization)
    if method == "fp8":
        activations = str(quantization.get("activation_scheme") or "dynamic")
        return _everywhere(f"fp8-{activations}", "fp8", 8, quantization)
    if method in ("modelopt", "modelopt_fp4") or "quant_algo" in quantization:
        algorithm = str(quantization.get("quant_algo") or method)
        return _everywhere(algorithm, method or "modelopt", _bits_in_words(algorithm), quantization)
    return _other(method, quantization)


def variant_word(text: str) -> str:
    """Return a text as part of a variant's name, which a shell and the report's conditions take without quotes."""
    return re.sub(r"[^\w.:+-]+", "-", text).strip("-") or "unnamed"


def _compressed_tensors(quantization: Mapping[str, Any]) -> QuantizedScheme | None:
    schemes = quantization.get("config_groups") or {}
    groups, names = [], []
    for preset, scheme in schemes.items():
        # A group is a scheme, or the name of a preset with its targets.
        is_preset = not isinstance(scheme, Mapping)
        weights = {} if is_preset else scheme.get("weights") or {}
        targets = tuple(map(str, scheme if is_preset else scheme.get("targets") or ["Linear"]))
        name = preset.lower().replace("_", "-") if is_preset else _scheme_name(weights, scheme.get("input_activations"))
        bits = _bits_in_words(preset) if is_preset else _number(weights.get("num_bits"))
        if is_preset or weights:
            groups.append(WeightGroup(targets, bits))
        names.append(name)
    cache = quantization.get("kv_cache_scheme") or {}
    if cache:
        names.append(f"kv-{'fp' if cache.get('type') == 'float' else 'int'}{cache.get('num_bits', '')}")
    names += _sparsity_names(quantization.get("sparsity_config") or {})
    if not names:
        return None
    name = "+".join(dict.fromkeys(names))
    return QuantizedScheme(variant_word(name), COMPRESSED_TENSORS, tuple(groups), _ignored(quantization))


def _scheme_name(weights: Mapping[str, Any], activations: Mapping[str, Any] | None) -> str:
    """Return the preset's name of a scheme of compressed-tensors, with the strategy for the activations of FP8."""
    bits = weights.get("num_bits", 16)
    has_activations = bool(activations)
    activations = activations or {}
    if weights.get("type") != "float":
        kind = "fp" if activations.get("type") == "float" else ""
        return f"w{bits}a{kind}{activations.get('num_bits', 16)}"
    if weights.get("group_size") == 32 and bits in (4, 8):
        return f"mxfp{bits}" + ("" if has_activations else "a16")
    if bits == 4:
        return "nvfp4" + ("" if has_activations else "a16")
    if not has_activations:
        return f"fp{bits}-w{bits}a16"
    if weights.get("strategy") == "block":
        return f"fp{bits}-block"
    return f"fp{bits}-dynamic" if activations.get("dynamic") else f"fp{bits}"


def _sparsity_names(sparsity: Mapping[str, Any]) -> list[str]:
    """Return `sparse-2:4` for a sparse checkpoint, `sparse-0.5` for one without a pattern; nothing if none is stated."""
    if not sparsity:
        return []
    structure = str(getattr(sparsity.get("sparsity_structure"), "value", sparsity.get("sparsity_structure")) or "")
    if ":" in structure and structure != "0:0":
        return [f"sparse-{structure}"]
    if "24" in str(sparsity.get("format")):
        return ["sparse-2:4"]
    share = _number(sparsity.get("global_sparsity"))
    return ["sparse" if share is None else f"sparse-{share:.2g}"]


def _bitsandbytes(quantization: Mapping[str, Any]) -> QuantizedScheme:
    if quantization.get("load_in_8bit") or quantization.get("_load_in_8bit"):
        return _everywhere("bnb-int8", "bitsandbytes", 8, quantization)
    return _everywhere(f"bnb-{quantization.get('bnb_4bit_quant_type') or 'fp4'}", "bitsandbytes", 4, quantization)


def _integers(method: str, quantization: Mapping[str, Any]) -> QuantizedScheme:
    """Return the scheme of a method with whole numbers of any bits: GPTQ, AWQ, AutoRound, HQQ."""
    bits = _stated_bits(quantization)
    name = method if bits is None else f"{method}-int{bits:g}"
    scheme = _everywhere(name, method, bits, quantization)
    # GPTQModel: "+:regular expression" -> other settings, "-:regular expression" -> not quantised.
    dynamic = quantization.get("dynamic") or {}
    others = [
        WeightGroup((f"re:{pattern.removeprefix('+:')}",), _stated_bits(settings) or bits)
        for pattern, settings in dynamic.items()
        if not pattern.startswith("-:") and isinstance(settings, Mapping)
    ]
    skipped = tuple(f"re:{pattern[2:]}" for pattern in dynamic if pattern.startswith("-:"))
    only = quantization.get("modules_in_block_to_quantize")
    rest = (WeightGroup(tuple(_flat(only)), bits),) if only else scheme.groups
    return QuantizedScheme(scheme.name, method, (*others, *rest), (*scheme.ignored, *skipped))


def _other(method: str, quantization: Mapping[str, Any]) -> QuantizedScheme | None:
    """Return the scheme of a method that is known by its name and its number of bits alone."""
    bits = BITS_OF_METHOD.get(method) or _stated_bits(quantization)
    # quanto: weights="int4"; torchao: quant_type="int4_weight_only", or a record with the name of its class.
    words = next((quantization[key] for key in ("weights", "quant_type", "weight_dtype") if quantization.get(key)), None)
    if bits is None and words is not None:
        bits = _bits_in_words(str(words))
    if not method and bits is None:
        return None
    name = method or "quantised"
    has_name_with_bits = method in BITS_OF_METHOD or bits is None
    return _everywhere(name if has_name_with_bits else f"{name}-{bits:g}bit", name, bits, quantization)


def _everywhere(name: str, method: str, bits: float | None, quantization: Mapping[str, Any]) -> QuantizedScheme:
    """Return a scheme with the same bits for every linear layer that is not listed as ignored."""
    word = variant_word(name.lower().replace("_", "-"))
    return QuantizedScheme(word, method, (WeightGroup(("Linear",), bits),), _ignored(quantization))


def _ignored(quantization: Mapping[str, Any]) -> tuple[str, ...]:
    lists = (quantization.get(key) for key in IGNORED_KEYS)
    return tuple(str(name) for names in lists if isinstance(names, Sequence) and not isinstance(names, str) for name in names)


def _stated_bits(quantization: Mapping[str, Any]) -> float | None:
    nested = (
        quantization,
        quantization.get("quant_config"),
        (quantization.get("quant_config") or {}).get("weight_quant_params"),
    )
    found = (part.get(key) for part in nested if isinstance(part, Mapping) for key in BITS_KEYS)
    return next((number for value in found if (number := _number(value)) is not None), None)


def _bits_in_words(text: str) -> float | None:
    """Return the bits that a name states first: 4 for W4A16_AWQ, int4_weight_only, NVFP4 and Int4WeightOnlyConfig."""
    match = re.search(r"(?:w|u?int|fp|float|nf)_?(\d)(?!\d)", text, re.IGNORECASE)
    return float(match[1]) if match else None


def _flat(names: Any) -> list[str]:
    return [str(names)] if isinstance(names, str) else [name for part in names for name in _flat(part)]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _matches(pattern: str, layer: str, kind: str) -> bool:
    """Return whether a layer is meant: by its class, its name, the end of its name, a module that contains it, or an expression.

    compressed-tensors and transformers both match an expression from the start of the name; only transformers writes them without `re:`.
    """
    if pattern.startswith("re:"):
        return re.match(pattern[3:], layer) is not None
    if pattern == kind or layer == pattern or layer.endswith(f".{pattern}") or layer.startswith(f"{pattern}."):
        return True
    return "*" in pattern and re.match(pattern, layer) is not None
