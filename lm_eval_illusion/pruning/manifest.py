"""The records of a checkpoint: its identity, which determines the content and the store key, and its manifest.json."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.loading import pruned_folder
from lm_eval_illusion.pruning.base_identity import BaseIdentity
from lm_eval_illusion.reading import read_file

MANIFEST = pruned_folder.MANIFEST

PRUNING_ALGORITHM = 2
"""Version of the pruning code. Increase it when the same settings give other weights: older checkpoints are then not found."""

KEY_SCHEME = 2
"""Version of what is hashed to the key of a checkpoint. The first had the versions of the libraries in it (`earlier_keys`)."""

# Fields of the manifest that stay in the store: they are long, or describe files. results.config gets the others.
_STORE_FIELDS = ("sparsity_of_layer", "bits_of_layer", "owl_of_block", "files", "checksum")
LARGEST_MANIFEST = pruned_folder.LARGEST_MANIFEST
_REMEDY = "delete the checkpoint, and it is made again"


@dataclass(frozen=True)
class CheckpointIdentity:
    """Everything that determines the content of a checkpoint.

    Names and values of the fields are hashed to the store key: a change of either makes all stored checkpoints unreachable.
    The versions of the libraries are not among them: they stand in the manifest, so that an environment with another engine finds the
    checkpoint. `base_revision`: content of the base model; of a GGUF file that of the file. `dtype`: that in which it is loaded, by one
    name. `tokenizer`: identity of a tokenizer that is not the model's own. `recipe`: text of the template, including its comments.
    `owl`: lambda and M. `calibration`: SHA-256 of each text. `algorithm`: version of the pruning code.
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


class ChangeRecord(msgspec.Struct, frozen=True):
    """A model argument that makes another model of the base model: an adapter, or quantisation while loading.

    `content`: SHA-256 of what it names, or the commit on the hub; None if it names no file.
    """

    argument: str
    value: str
    content: str | None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a checkpoint: origin, settings, measurements, and the files with their hashes. Its JSON is manifest.json.

    Measured fields, `recipe` and `calibration` are None until the model is pruned, so always for `pruner=none`. `bits_measured` is in
    bits per weight. `left_dense`: share of all weights that may not be pruned, by name with `*` for numbers.
    `outside_language_model`: names of modules that are neither changed nor measured. `calibration_pipeline`: `sequential` for block by
    block, `basic` for the whole model at once, None without calibration. `sparsity_of_layer`, `bits_of_layer`: by layer name.
    `owl_of_block`: by block name, None without OWL. `files`: SHA-256 by relative POSIX path. `checksum`: SHA-256 of the manifest
    without it; None in a manifest of an earlier version.
    """

    base_model: str
    base_revision: str
    base_identity: BaseIdentity | None = None
    """The base model by content, equal for every engine and copy; None where its files are not at hand."""
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
    pruning_seed: int | None
    """None, and `calibration` with it, for a method whose result does not depend on them."""
    key: str | None = None
    changes: list[ChangeRecord] = msgspec.field(default_factory=list)
    """What model arguments change on the checkpoint, such as an adapter."""
    versions: dict[str, str]
    sparsity_of_layer: dict[str, float] = msgspec.field(default_factory=dict)
    bits_of_layer: dict[str, float] = msgspec.field(default_factory=dict)
    owl_of_block: dict[str, BlockRecord] | None = None
    files: dict[str, str] = msgspec.field(default_factory=dict)
    checksum: str | None = None

    def provenance(self) -> dict[str, Any]:
        """Return the fields for results.config, as JSON types."""
        return {name: value for name, value in msgspec.to_builtins(self).items() if name not in _STORE_FIELDS}


def manifest_text(manifest: Manifest) -> str:
    """Return the content of manifest.json, with the checksum. There is one text for each manifest, and `read_manifest` takes no other.

    Raises:
        UserError: A measurement is not finite, so it can't be stored.
    """
    with attributed(
        "the measurements of the checkpoint can't be stored", "check that the weights of the model are finite numbers"
    ):
        # Whole numbers become the floats that the reader sees.
        read_back = msgspec.json.decode(_json(msgspec.structs.replace(manifest, checksum=None)), type=Manifest)
    checksum = hashlib.sha256(_json(read_back).encode()).hexdigest()
    return _json(msgspec.structs.replace(read_back, checksum=checksum))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a checkpoint's folder, and check that it is as it was written. One without a checksum is not checked.

    Raises:
        UserError: There is no manifest, it can't be read, it lacks a field, or a byte of it was changed.
    """
    path = folder / MANIFEST
    content = read_file(path, _REMEDY, LARGEST_MANIFEST)
    with attributed(f"{path} is no manifest", _REMEDY):
        manifest = msgspec.json.decode(content, type=Manifest)
    if manifest.checksum is not None and manifest_text(manifest).encode() != content:
        raise UserError(f"{path} was changed after it was written: {_REMEDY}")
    return manifest


def _json(manifest: Manifest) -> str:
    text = json.dumps(msgspec.to_builtins(manifest), indent=2, ensure_ascii=False)
    # A path may have bytes that are no UTF-8, which Python represents by unpaired surrogates. They are stored as the text "\\udc80".
    return re.sub("[\ud800-\udfff]", lambda match: f"\\\\u{ord(match[0]):04x}", text)
