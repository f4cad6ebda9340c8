"""The records of a checkpoint: its identity, which determines the content and the store key, and its manifest.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

MANIFEST = "manifest.json"
"""The name of the manifest's file in a checkpoint's folder."""

PRUNING_ALGORITHM = 2
"""Version of the pruning code. Increase it when the same settings give other weights: older checkpoints are then not found."""

# Fields of the manifest that stay in the store: they are long, or describe files. results.config gets the others.
_STORE_FIELDS = ("sparsity_of_layer", "bits_of_layer", "owl_of_block", "files", "stamps")


@dataclass(frozen=True)
class CheckpointIdentity:
    """Everything that determines the content of a checkpoint.

    Names and values of the fields are hashed to the store key: a change of either makes all stored checkpoints unreachable.
    `tokenizer`: identity of a tokenizer that is not the model's own. `recipe`: text of the template, including its comments.
    `owl`: lambda and M. `calibration`: SHA-256 of each text. `versions`: version of each package that takes part in pruning.
    `algorithm`: version of the pruning code.
    """

    base_revision: str
    dtype: str
    tokenizer: str | None
    recipe: str
    sparsity: float | None
    mask_structure: str
    owl: tuple[float | None, float | None]
    calibration: list[str]
    calibration_samples: int
    calibration_length: int
    pruning_seed: int
    versions: dict[str, str]
    algorithm: int = PRUNING_ALGORITHM


class CalibrationRecord(msgspec.Struct, frozen=True):
    """The calibration text of a checkpoint. `length`: tokens per sample; `sha256`: of the text before tokenization."""

    source: str
    language: str
    samples: int
    length: int
    sha256: str


class BlockRecord(msgspec.Struct, frozen=True):
    """OWL's result for one transformer block: its share of outlier weights and the sparsity chosen from it."""

    outlier_share: float
    sparsity: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a checkpoint: origin, settings, measurements, and the files with their hashes. Its JSON is manifest.json.

    Measured fields, `recipe` and `calibration` are None until the model is pruned, so always for `pruner=none`. `bits_measured` is in
    bits per weight. `left_dense`: share of all weights that may not be pruned, by name with `*` for numbers.
    `outside_language_model`: names of modules that are neither changed nor measured. `calibration_pipeline`: `sequential` for block by
    block, `basic` for the whole model at once, None without calibration. `sparsity_of_layer`, `bits_of_layer`: by layer name.
    `owl_of_block`: by block name, None without OWL. `files`: SHA-256 by relative path. `stamps`: size in bytes and time of last change
    in ns, by relative path.
    """

    base_model: str
    base_revision: str
    variant: str
    pruner: str
    sparsity_requested: float | None
    sparsity_measured: float | None = None
    left_dense: dict[str, float] = msgspec.field(default_factory=dict)
    outside_language_model: list[str] = msgspec.field(default_factory=list)
    calibration_pipeline: str | None = None
    bits_measured: float | None = None
    mask_structure: str
    owl_lambda: float | None
    owl_m: float | None
    recipe: str | None = None
    recipe_sha256: str | None = None
    calibration: CalibrationRecord | None = None
    pruning_seed: int
    key: str | None = None
    versions: dict[str, str]
    sparsity_of_layer: dict[str, float] = msgspec.field(default_factory=dict)
    bits_of_layer: dict[str, float] = msgspec.field(default_factory=dict)
    owl_of_block: dict[str, BlockRecord] | None = None
    files: dict[str, str] = msgspec.field(default_factory=dict)
    stamps: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)

    def provenance(self) -> dict[str, Any]:
        """Return the fields for results.config, as JSON types."""
        return {name: value for name, value in msgspec.to_builtins(self).items() if name not in _STORE_FIELDS}
