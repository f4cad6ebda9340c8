"""Whether a manifest is possible in itself, and whether it is that of the checkpoint that was asked for.

A key says what a checkpoint was made from, but anybody who may write a store can give a folder any name. So every field that follows
from the request is compared, and every measurement must fit the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from lm_eval_illusion.pruning.manifest import Manifest
from lm_eval_illusion.pruning.sparsity import TOLERANCE

ROUNDING = 1e-6
MOST_BITS = 64
SMALLEST_FLOAT_BITS = 16
"""Weights of fewer bits were quantised, which makes more zeros than were asked for."""

# Fields that the store key determines. Not among them are the names that people gave: base models, recipes and texts with the same content
# share a checkpoint, whatever they are called. Nor are the versions of the libraries that made it.
REQUESTED_FIELDS = (
    *("base_revision", "sparsity_requested", "mask_structure", "owl_lambda", "owl_m", "pruning_seed", "changes"),
)


class Asked(NamedTuple):
    """What a stored checkpoint must be.

    `manifest`: with the fields that are known before pruning. `sparsity`: the share of zeros that pruning must produce in the weights that
    it prunes; None if a recipe sets it. `calibration`: SHA-256 of the text, most samples, tokens per sample; None if the method needs no
    text. `allows_code`: whether the user trusts Python code of the model.
    """

    manifest: Manifest
    sparsity: float | None
    calibration: tuple[str, int, int] | None
    allows_code: bool


def fault_in(manifest: Manifest) -> str | None:
    """Return the first measurement of a manifest that is impossible or contradicts another one; None if there is none."""
    return next(_contradictions(manifest), None)


def fault_of_request(manifest: Manifest, asked: Asked) -> str | None:
    """Return the first field of a stored manifest that is not as asked for; None if there is none. The manifest has no `fault_in`."""
    return next(_differences(manifest, asked), None)


def _contradictions(manifest: Manifest) -> Iterator[str]:
    owl = manifest.owl_of_block or {}
    shares = {
        "sparsity_measured": _known(manifest.sparsity_measured),
        "sparsity_of_layer": manifest.sparsity_of_layer.values(),
        "left_dense": [*manifest.left_dense.values(), sum(manifest.left_dense.values()) - ROUNDING],
        "owl_of_block": [share for block in owl.values() for share in (block.outlier_share, block.sparsity)],
    }
    for name, values in shares.items():
        if not all(-ROUNDING <= value <= 1 for value in values):
            yield f"{name} is not within 0 and 1"
    bits = [*_known(manifest.bits_measured), *manifest.bits_of_layer.values()]
    if not all(0 < number <= MOST_BITS for number in bits):
        yield f"the bits of the weights are not within 0 and {MOST_BITS}"
    # The mean over all weights lies between the layers' values.
    yield from _outside("sparsity_measured", manifest.sparsity_measured, manifest.sparsity_of_layer)
    yield from _outside("bits_measured", manifest.bits_measured, manifest.bits_of_layer)
    if manifest.recipe is not None and manifest.recipe_sha256 != hashlib.sha256(manifest.recipe.encode()).hexdigest():
        yield "recipe_sha256 is not that of the recipe"
    if (manifest.owl_lambda is None) != (manifest.owl_of_block is None) and manifest.sparsity_of_layer:
        yield "owl_of_block is there without OWL, or missing with it"


def _differences(manifest: Manifest, asked: Asked) -> Iterator[str]:
    for name in REQUESTED_FIELDS:
        if getattr(manifest, name) != getattr(asked.manifest, name):
            yield f"{name} is not that of the request"
    if asked.manifest.base_identity is not None and manifest.base_identity != asked.manifest.base_identity:
        yield "base_identity is not that of the base model"
    if manifest.recipe is None or not manifest.sparsity_of_layer or manifest.bits_measured is None:
        yield "a measurement or the recipe is missing"
    if not _is_calibration(manifest, asked.calibration):
        yield "the calibration is not that of the request"
    measured = manifest.sparsity_measured
    if measured is None:
        yield "sparsity_measured is missing"
    elif asked.sparsity is not None:
        low, high = _sparsity_range(manifest, asked.sparsity)
        if not low <= measured <= high:
            yield f"sparsity_measured {measured:.4f} is not the requested {asked.sparsity:.4f}"


def _sparsity_range(manifest: Manifest, sparsity: float) -> tuple[float, float]:
    """Return the least and the largest sparsity of all weights, if those that are pruned have the requested one within the tolerance.

    Weights that are left dense may hold any number of zeros, and quantisation may add zeros to the others.
    """
    dense = min(1.0, sum(manifest.left_dense.values()))
    is_quantised = any(bits < SMALLEST_FLOAT_BITS for bits in manifest.bits_of_layer.values())
    high = 1.0 if is_quantised else (sparsity + TOLERANCE) * (1 - dense) + dense
    return (sparsity - TOLERANCE) * (1 - dense) - ROUNDING, high + ROUNDING


def _is_calibration(manifest: Manifest, asked: tuple[str, int, int] | None) -> bool:
    record = manifest.calibration
    if record is None or asked is None:
        return record is None and asked is None
    sha256, most_samples, length = asked
    return record.sha256 == sha256 and record.length == length and 1 <= record.samples <= most_samples


def _outside(name: str, mean: float | None, of_layer: Mapping[str, float]) -> Iterator[str]:
    values: Collection[float] = of_layer.values()
    if mean is not None and values and not min(values) - ROUNDING <= mean <= max(values) + ROUNDING:
        yield f"{name} contradicts the values of the layers"


def _known(value: float | None) -> list[float]:
    return [] if value is None else [value]
