"""The records of a checkpoint: the store key and the JSON of the manifest do not change by accident."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict

import msgspec
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.checkpoint_store import get_or_create, key_of
from lm_eval_illusion.pruning.manifest import (
    BlockRecord,
    CalibrationRecord,
    CheckpointIdentity,
    Manifest,
    manifest_text,
    read_manifest,
)

MANIFEST = Manifest(
    base_model="a",
    base_revision="0",
    variant="owl-0.6",
    pruner="owl",
    sparsity_requested=0.6,
    mask_structure="0:0",
    owl_lambda=0.08,
    owl_m=5.0,
    pruning_seed=0,
    versions={"torch": "2"},
)
PROVENANCE = [
    *("base_model", "base_revision", "base_identity", "variant", "pruner", "sparsity_requested", "sparsity_measured"),
    *("left_dense", "outside_language_model", "calibration_pipeline", "bits_measured"),
    *("mask_structure", "owl_lambda", "owl_m", "recipe", "recipe_sha256", "calibration", "pruning_seed"),
    *("key", "changes", "versions"),
]


def test_the_key_of_an_identity_is_fixed():
    identity = CheckpointIdentity(
        base_revision="abc",
        dtype="auto",
        tokenizer=None,
        recipe="x: {{ sparsity }}",
        sparsity=0.6,
        mask_structure="0:0",
        owl=(None, None),
        calibration=["d1", "d2"],
        calibration_samples=128,
        calibration_length=256,
        pruning_seed=0,
    )
    fields = asdict(identity)
    # The first 32 digits of the SHA-256 of the JSON of a dictionary of these names, computed by hashlib alone.
    assert key_of({name: value for name, value in fields.items() if name != "algorithm"}) == "73078efb6aedb3a8bbcdf6b667dfc33a"
    # The versions of the libraries are no part of it: another environment finds the checkpoint.
    assert "versions" not in fields
    # What version 1 of the pruning code made must not be found, because it left experts dense and pruned routers.
    assert fields["algorithm"] == 2
    assert key_of(fields) != key_of(fields | {"algorithm": 1})


def test_results_config_gets_the_provenance_without_layers_and_files():
    assert list(MANIFEST.provenance()) == PROVENANCE
    assert MANIFEST.provenance()["calibration"] is None


def test_the_manifest_on_disk_has_all_fields_in_order_and_is_read_back(tmp_path):
    def make(folder):
        (folder / "config.json").write_text("{}")
        return msgspec.structs.replace(
            MANIFEST,
            sparsity_of_layer={"q": 0.5},
            bits_of_layer={"q": 32.0},
            owl_of_block={"layers.0": BlockRecord(0.01, 0.5)},
            calibration=CalibrationRecord("embedded", "all", 8, 64, "0"),
        )

    checkpoint = get_or_create(str(tmp_path), "key", make)
    written = json.loads((tmp_path / "key" / "manifest.json").read_text())
    assert list(written) == [*PROVENANCE, "sparsity_of_layer", "bits_of_layer", "owl_of_block", "files", "checksum"]
    assert written["owl_of_block"] == {"layers.0": {"outlier_share": 0.01, "sparsity": 0.5}}
    assert written["calibration"] == {"source": "embedded", "language": "all", "samples": 8, "length": 64, "sha256": "0"}
    assert checkpoint.manifest.owl_of_block == {"layers.0": BlockRecord(0.01, 0.5)}
    assert set(checkpoint.manifest.files) == {"config.json"}
    assert checkpoint.manifest.key == "key"


def test_the_checksum_is_the_hash_of_the_text_without_it(tmp_path):
    text = manifest_text(MANIFEST)
    content = json.loads(text)
    checksum, content["checksum"] = content["checksum"], None
    assert checksum == hashlib.sha256(json.dumps(content, indent=2, ensure_ascii=False).encode()).hexdigest()
    (tmp_path / "manifest.json").write_text(text)
    assert manifest_text(read_manifest(tmp_path)) == text


def test_every_changed_byte_of_a_manifest_is_noticed(tmp_path):
    text = manifest_text(msgspec.structs.replace(MANIFEST, sparsity_of_layer={"q": 0.5}, files={"a": "0"})).encode()
    path = tmp_path / "manifest.json"
    # Of all bytes this takes 2 s; in the name of the field `checksum`, see the test of an earlier version.
    for position in range(0, text.index(b"checksum"), 5):
        path.write_bytes(text[:position] + bytes([text[position] ^ 1]) + text[position + 1 :])
        with pytest.raises(UserError, match=r"was changed after it was written|is no manifest|is not UTF-8"):
            read_manifest(tmp_path)
    path.write_bytes(text)
    assert read_manifest(tmp_path).files == {"a": "0"}


@pytest.mark.parametrize("name", ["mod\udcff\udc80", "\u2028", "a\\udcff", "\x1b[2J", '"', "模型"])
def test_any_name_of_a_model_can_be_stored(tmp_path, name):
    """A path may have bytes that are no UTF-8, which JSON can't hold: they become the text of their escapes."""
    (tmp_path / "manifest.json").write_text(manifest_text(msgspec.structs.replace(MANIFEST, base_model=name)), encoding="utf-8")
    assert read_manifest(tmp_path).base_model == name.encode(errors="backslashreplace").decode()


@pytest.mark.parametrize("replace", [os.mkfifo, os.mkdir, lambda path: os.symlink(path, path), lambda path: None])
def test_a_manifest_that_is_no_file_is_one_line(tmp_path, replace):
    replace(tmp_path / "manifest.json")
    with pytest.raises(UserError, match=r"manifest\.json can't be read \(.*\): delete the checkpoint, and it is made again"):
        read_manifest(tmp_path)


def test_a_key_can_be_made_of_any_text():
    assert key_of({"dtype": "\udcff"}) != key_of({"dtype": "\udcfe"})
