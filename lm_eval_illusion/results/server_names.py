"""Names of models behind servers: the server is named where several serve a model of one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from lm_eval_illusion.results.servers import Server
from lm_eval_illusion.results.variants import Variant

Named: TypeAlias = tuple[str, Server | None]
"""A name of a model or variant and the server that it is behind."""

# The name alone, then with the host, then with a part of the hash of the address, then with all of it.
_HASH_DIGITS = (None, 0, 6, 64)


def named_by_server(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants; models of one name that are not of one server get the server's name: `llama@gpu1:8000`.

    Two models are one only if name and server are the same. A model that a run loaded itself keeps its name. A checkpoint of a
    known base model gets it in the name of the variant: `wanda-0.5@gpu1:8000`.
    """
    models = _labels({_base_model(variant) for variant in variants})
    named = [replace(variant, base_model=models[_base_model(variant)]) for variant in variants]
    of_model: dict[str, set[Named]] = defaultdict(set)
    for variant in named:
        of_model[variant.base_model].add(_checkpoint(variant))
    names = {base_model: _labels(checkpoints) for base_model, checkpoints in of_model.items()}
    return [replace(variant, variant=names[variant.base_model][_checkpoint(variant)]) for variant in named]


def _base_model(variant: Variant) -> Named:
    return variant.base_model, variant.named_server


def _checkpoint(variant: Variant) -> Named:
    return variant.variant, None if variant.named_server is not None else variant.server


def _labels(models: Iterable[Named]) -> dict[Named, str]:
    """Return a label for each: as short as is unique. One without a server is its name."""
    level = dict.fromkeys(models, 0)
    while True:
        owners: dict[str, list[Named]] = defaultdict(list)
        for model in level:
            owners[_label(model, level[model])].append(model)
        longer = [
            model
            for several in owners.values()
            if len(several) > 1
            for model in several
            if model[1] is not None and level[model] + 1 < len(_HASH_DIGITS)
        ]
        if not longer:
            return {model: label for label, several in owners.items() for model in several}
        for model in longer:
            level[model] += 1


def _label(model: Named, level: int) -> str:
    name, server = model
    digits = _HASH_DIGITS[level]
    if server is None or digits is None:
        return name
    return f"{name}@{server.host}" + (f"#{server.digest[:digits]}" if digits else "")
