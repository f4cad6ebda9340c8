"""Readers of `quantization_config`: the scheme of a checkpoint that another tool has quantised.

The keys are those of transformers' `quantization_config` and of compressed-tensors' `config_groups`; a scheme's name is that of
compressed-tensors' presets in lower case, such as w4a16 for weights of 4 bits and activations of 16.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lm_eval_illusion.loading.quantized_scheme import QuantizedScheme, WeightGroup

COMPRESSED_TENSORS = "compressed-tensors"
BITS_OF_METHOD: dict[str, float] = {
    **{"fp8": 8, "fbgemm_fp8": 8, "eetq": 8, "mxfp8": 8, "experts_int8": 8},
    **{"mxfp4": 4, "nvfp4": 4, "fp_quant": 4, "fouroversix": 4},
}
"""Bits of the weights by quantisation method, where the method has only one number."""
IGNORED_KEYS = (
    *("ignore", "modules_to_not_convert", "ignored_layers", "llm_int8_skip_modules", "skip_modules"),
    *("exclude_modules", "exclude", "linear_weights_not_to_quantize"),
)
"""The keys under which the methods list layers that are not quantised."""
_SPARSE_24 = "sparse-2:4"
BITS_KEYS = ("bits", "nbits", "num_bits", "w_bit", "wbits", "weight_bits")


def quantization_of(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the `quantization_config` in the content of a config.json, at the top or in the part for the language model."""
    parts = [config, *(config[name] for name in ("text_config", "llm_config", "language_config") if name in config)]
    for part in parts:
        # `quantization`: of MLX.
        for key in ("quantization_config", "compression_config", "quantization"):
            found = part.get(key) if isinstance(part, Mapping) else None
            if isinstance(found, Mapping) and found:
                return found
    return None


def read_scheme(quantization: Mapping[str, Any]) -> QuantizedScheme | None:
    """Return the scheme of a `quantization_config`; None if it states that nothing is quantised and nothing is sparse.

    One that does not say what it does is a scheme without bits.
    """
    # Model Optimizer also writes the whole content of its own file here.
    if isinstance(nested := quantization.get("quantization"), Mapping):
        quantization = {"quant_method": "modelopt", **quantization, **nested}
    method = str(getattr(quantization.get("quant_method"), "value", quantization.get("quant_method")) or "").lower()
    if method.startswith("modelopt") or "quant_algo" in quantization:
        return _modelopt(method or "modelopt", quantization)
    if method in (COMPRESSED_TENSORS, "sparseml") or "config_groups" in quantization or "sparsity_config" in quantization:
        return _compressed_tensors(quantization)
    if method.startswith("bitsandbytes") or quantization.get("load_in_8bit") or quantization.get("load_in_4bit"):
        return _bitsandbytes(method, quantization)
    if method in ("gptq", "awq", "auto-round", "hqq", "auto_round", "intel/auto-round"):
        return _integers(method.removeprefix("intel/").replace("_", "-"), quantization)
    if method == "fp8":
        activations = str(quantization.get("activation_scheme") or "dynamic")
        return _everywhere(f"fp8-{activations}", "fp8", 8, quantization)
    if method == "torchao":
        return _torchao(quantization)
    return _other(method, quantization)


def variant_word(text: str) -> str:
    """Return a text as part of a variant's name, which a shell and the report's conditions take without quotes."""
    return re.sub(r"[^\w.:+-]+", "-", text).strip("-") or "unnamed"


def _compressed_tensors(quantization: Mapping[str, Any]) -> QuantizedScheme | None:
    groups, names = _config_groups(quantization)
    names += _cache_names(quantization)
    sparsity = _sparsity_names(quantization.get("sparsity_config") or {})
    # The packed format of Marlin for 2:4 says so itself.
    is_packed_24 = quantization.get("format") == "marlin-24" and _SPARSE_24 not in sparsity
    names += [*sparsity, *([_SPARSE_24] if is_packed_24 else [])]
    if not names and (quantization.get("transform_config") or {}).get("config_groups"):
        # Rotated weights that are not quantised.
        names.append("transformed")
    if not names:
        return None
    name = "+".join(dict.fromkeys(names))
    return QuantizedScheme(variant_word(name), COMPRESSED_TENSORS, groups, _ignored(quantization))


def _cache_names(quantization: Mapping[str, Any]) -> list[str]:
    """Return `kv-fp8` for a cache of keys and values of 8 bits; nothing if it is not quantised."""
    cache = quantization.get("kv_cache_scheme") or {}
    if cache:
        return [f"kv-{'fp' if cache.get('type') == 'float' else 'int'}{cache.get('num_bits', '')}"]
    algorithm = quantization.get("kv_cache_quant_algo")
    return [f"kv-{str(algorithm).lower()}"] if algorithm else []


def _config_groups(quantization: Mapping[str, Any]) -> tuple[tuple[WeightGroup, ...], list[str]]:
    """Return the groups of `config_groups` that have quantised weights, and the name of every group's scheme."""
    groups, names = [], []
    for preset, scheme in (quantization.get("config_groups") or {}).items():
        # A group is a scheme, or the name of a preset with its targets.
        is_preset = not isinstance(scheme, Mapping)
        weights = {} if is_preset else scheme.get("weights") or {}
        targets = tuple(_flat(scheme if is_preset else scheme.get("targets") or "Linear"))
        name = preset.lower().replace("_", "-") if is_preset else _scheme_name(weights, scheme.get("input_activations"))
        bits = _bits_in_words(preset) if is_preset else _number(weights.get("num_bits"))
        if is_preset or weights:
            groups.append(WeightGroup(targets, bits))
        names.append(name)
    return tuple(groups), names


def _modelopt(method: str, quantization: Mapping[str, Any]) -> QuantizedScheme:
    """Return the scheme of NVIDIA's Model Optimizer: one algorithm for all layers, or in groups, or an algorithm for each layer."""
    groups, names = _config_groups(quantization)
    cache = _cache_names(quantization)
    of_weights = str(quantization.get("quant_algo") or "+".join(dict.fromkeys(names)))
    algorithm = "+".join([*([of_weights] if of_weights else []), *cache]) or method
    scheme = _everywhere(algorithm, method, _bits_in_words(of_weights), quantization)
    layers = quantization.get("quantized_layers") or {}
    if isinstance(layers, Mapping):
        groups += tuple(WeightGroup((name,), _bits_in_words(str(layer.get("quant_algo")))) for name, layer in layers.items())
    return replace(scheme, groups=groups or scheme.groups)


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
        return [_SPARSE_24]
    share = _number(sparsity.get("global_sparsity"))
    return ["sparse" if share is None else f"sparse-{share:.2g}"]


def _bitsandbytes(method: str, quantization: Mapping[str, Any]) -> QuantizedScheme | None:
    """Return the scheme of bitsandbytes; None if both switches are off, because transformers then quantises nothing."""
    if quantization.get("load_in_8bit") or quantization.get("_load_in_8bit") or method.endswith("8bit"):
        return _everywhere("bnb-int8", "bitsandbytes", 8, quantization)
    if quantization.get("load_in_4bit") or quantization.get("_load_in_4bit") or method.endswith("4bit"):
        return _everywhere(f"bnb-{quantization.get('bnb_4bit_quant_type') or 'fp4'}", "bitsandbytes", 4, quantization)
    if "load_in_8bit" in quantization or "load_in_4bit" in quantization:
        return None
    return _everywhere("bitsandbytes", "bitsandbytes", None, quantization)


def _integers(method: str, quantization: Mapping[str, Any]) -> QuantizedScheme:
    """Return the scheme of a method with whole numbers of any bits: GPTQ, AWQ, AutoRound, HQQ."""
    bits = _stated_bits(quantization)
    name = method if bits is None else f"{method}-int{bits:g}"
    scheme = _everywhere(name, method, bits, quantization)
    exceptions = tuple(_exceptions(quantization))
    others = tuple(
        WeightGroup((target,), _stated_bits(settings) or bits) for target, settings in exceptions if settings is not None
    )
    skipped = tuple(target for target, settings in exceptions if settings is None)
    only = quantization.get("modules_in_block_to_quantize")
    rest = (WeightGroup(tuple(_flat(only)), bits),) if only else scheme.groups
    # HQQ: settings by the end of a layer's name; other layers are not quantised.
    of_ends = quantization.get("quant_config") or {}
    ends = [(end, part) for end, part in of_ends.items() if isinstance(part, Mapping) and "weight_quant_params" in part]
    if ends:
        rest = tuple(WeightGroup((end,), _stated_bits({"quant_config": settings})) for end, settings in ends)
    name = f"{scheme.name}+{_SPARSE_24}" if quantization.get("checkpoint_format") == "marlin_24" else scheme.name
    return QuantizedScheme(name, method, (*others, *rest), (*scheme.ignored, *skipped))


def _exceptions(quantization: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield targets whose settings are not those of the other layers; None if they are not quantised."""
    # GPTQModel: "+:regular expression" -> other settings, "-:regular expression" -> not quantised.
    for pattern, settings in (quantization.get("dynamic") or {}).items():
        if pattern.startswith("-:"):
            yield f"re:{pattern[2:]}", None
        elif isinstance(settings, Mapping):
            yield f"re:{pattern.removeprefix('+:')}", settings
    # AutoRound: a layer's name, or an expression that is searched in it -> settings. A layer's own name goes first.
    extra = quantization.get("extra_config") or {}
    for name in sorted(extra, key=_is_expression):
        within = f"re:.*(?:{name})" if _is_expression(name) else rf"re:(?:.*\.)?{re.escape(name)}(?:\.|$)"
        settings = extra[name] or {}
        # More than 8 bits: the layer keeps its dtype.
        yield within, settings if (_stated_bits(settings) or 0) <= 8 else None


def _torchao(quantization: Mapping[str, Any]) -> QuantizedScheme:
    """Return the scheme of torchao: one configuration for all linear layers, or one for each layer's name."""
    kind = quantization.get("quant_type") or ""
    kind = kind.get("default", kind) if isinstance(kind, Mapping) else kind
    data = kind.get("_data") if isinstance(kind, Mapping) else None
    of_layer = (data.get("fqn_to_config") or data.get("module_fqn_to_config")) if isinstance(data, Mapping) else None
    of_layer = of_layer or {"_default": kind}
    skipped, groups = [], []
    # Names go before expressions, which are matched as a whole, and the default goes last.
    for name in sorted(of_layer, key=lambda name: (name == "_default", name.startswith("re:"))):
        target = "Linear" if name == "_default" else name.removesuffix(".weight")
        if name.startswith("re:"):
            target = f"re:(?:{name[3:]})$"
        if of_layer[name] is not None:
            groups.append(WeightGroup((target,), _torchao_bits(of_layer[name])))
        elif name != "_default":
            skipped.append(target)
    scheme = QuantizedScheme("torchao", "torchao", tuple(groups), (*_ignored(quantization), *skipped))
    return scheme if scheme.bits is None else replace(scheme, name=f"torchao-{scheme.bits:g}bit")


def _torchao_bits(kind: Any) -> float | None:
    """Return the bits of the weights by torchao's name, int4_weight_only, or by a record with the class's name and fields."""
    if not isinstance(kind, Mapping):
        return _bits_in_words(str(kind))
    data = kind.get("_data")
    fields = data if isinstance(data, Mapping) else {}
    dtypes = (fields[key] for key in ("weight_dtype", "dtype") if fields.get(key))
    in_words = (str(dtype.get("_data") if isinstance(dtype, Mapping) else dtype) for dtype in dtypes)
    bits = _bits_in_words(str(kind.get("_type")))
    return bits if bits is not None else next(map(_bits_in_words, in_words), _number(fields.get("bit_width")))


def bits_of_method(method: str) -> float | None:
    """Return the bits of the weights by a method that has one number of them, such as `mxfp4` or `w8a8_int8`; None for others."""
    return BITS_OF_METHOD.get(method, _bits_in_words(method))


def _other(method: str, quantization: Mapping[str, Any]) -> QuantizedScheme | None:
    """Return the scheme of a method that is known by its name and its number of bits alone."""
    if not quantization:
        return None
    bits = _stated_bits(quantization) or bits_of_method(method)
    if method == "aqlm":
        bits = _aqlm_bits(quantization)
    # quanto: weights="int4". Quark: the data type of all layers, unless some have their own.
    words = next((quantization[key] for key in ("weights", "quant_type", "weight_dtype") if quantization.get(key)), None)
    if method == "quark" and not (quantization.get("layer_quant_config") or quantization.get("layer_type_quant_config")):
        weight = (quantization.get("global_quant_config") or {}).get("weight")
        words = weight.get("dtype") if isinstance(weight, Mapping) else None
    if bits is None and words is not None:
        bits = _bits_in_words(str(words))
    name = method or "quantised"
    has_name_with_bits = bits is None or bits == bits_of_method(method)
    method = method or ("unknown" if bits is None else "quantised")
    return _everywhere(name if has_name_with_bits else f"{name}-{bits:g}bit", method, bits, quantization)


def _aqlm_bits(quantization: Mapping[str, Any]) -> float | None:
    """Return the bits of the codes of AQLM: each group of weights is a sum of one entry of each codebook (arXiv 2401.06118)."""
    keys = ("num_codebooks", "nbits_per_codebook", "in_group_size", "out_group_size")
    codebooks, bits, columns, rows = (_number(quantization.get(key)) for key in keys)
    return codebooks * bits / (columns * rows) if codebooks and bits and columns and rows else None


def _everywhere(name: str, method: str, bits: float | None, quantization: Mapping[str, Any]) -> QuantizedScheme:
    """Return a scheme with the same bits for every linear layer that is not listed as ignored."""
    word = variant_word(name.lower().replace("_", "-"))
    return QuantizedScheme(word, method, (WeightGroup(("Linear",), bits),), _ignored(quantization))


def _ignored(quantization: Mapping[str, Any]) -> tuple[str, ...]:
    lists = (quantization.get(key) for key in IGNORED_KEYS)
    # AQLM lists weights, not layers.
    return tuple(name.removesuffix(".weight") for names in lists if isinstance(names, Sequence) for name in _flat(names))


def _stated_bits(quantization: Mapping[str, Any]) -> float | None:
    nested = (
        quantization,
        quantization.get("quant_config"),
        (quantization.get("quant_config") or {}).get("weight_quant_params"),
    )
    found = (part.get(key) for part in nested if isinstance(part, Mapping) for key in BITS_KEYS)
    return next((number for value in found if (number := _number(value)) is not None), None)


def _bits_in_words(text: str) -> float | None:
    """Return the bits of the weights in a name: 4 for W4A16_AWQ, NVFP4, Int4WeightOnlyConfig and int8_dynamic_activation_int4_weight."""
    number = r"(?:w|u?int|fp|float|nf)_?(\d)(?!\d)"
    match = re.search(rf"{number}_?weight", text, re.IGNORECASE)
    if match is None and "activation" not in text.lower():
        match = re.search(number, text, re.IGNORECASE)
    return float(match[1]) if match else None


def _flat(names: Any) -> list[str]:
    return [str(names)] if isinstance(names, str) else [name for part in names for name in _flat(part)]


def _is_expression(name: str) -> bool:
    """Return whether a name has characters that only a regular expression has. A dot is part of a layer's name, too."""
    return re.fullmatch(r"[\w.-]+", name) is None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
