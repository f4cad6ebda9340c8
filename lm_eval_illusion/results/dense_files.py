"""Which GGUF file stands for the dense model, where no dense model was evaluated.

The quantisations of a model are often all that somebody has. Then the file with the most bits per weight is what the others, and the
models that were pruned from them, are compared with.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from lm_eval_illusion.loading.arguments import GGUF_METHOD
from lm_eval_illusion.results.variants import DENSE_METHOD, DENSE_NAME, Variant


def dense_files(variants: Collection[Variant]) -> frozenset[tuple[str, str]]:
    """Return the keys of the GGUF files that stand for the dense model: of each base model without one, that with the most bits.

    Of two files with equally many bits, it is the one whose name comes first. A file of unknown bits, which another model class read, is
    none of them.
    """
    models_with_dense = {variant.base_model for variant in variants if variant.is_dense}
    files = [
        (-variant.bits_measured, variant.variant, variant)
        for variant in variants
        if variant.pruner == GGUF_METHOD and variant.bits_measured is not None and variant.base_model not in models_with_dense
    ]
    chosen: dict[str, Variant] = {}
    for *_, variant in sorted(files, key=lambda it: it[:2]):
        chosen.setdefault(variant.base_model, variant)
    return frozenset(variant.key for variant in chosen.values())


def as_dense(variant: Variant) -> Variant:
    """Return a GGUF file as the dense model. It keeps its name, such as `F16` or `Q4_1`."""
    return replace(variant, pruner=DENSE_METHOD)


def as_quantised(variant: Variant) -> Variant:
    """Return the opposite of `as_dense`."""
    return replace(variant, pruner=GGUF_METHOD)


def stands_for_dense(variant: Variant) -> bool:
    """Return whether a variant is a GGUF file in place of the dense model."""
    return variant.is_dense and variant.variant != DENSE_NAME
