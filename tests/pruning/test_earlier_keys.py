"""What an earlier version stored is used, not made again: its keys had the versions of the libraries in them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from lm_eval_illusion.models.arguments import HF_NOT_WITH_PRUNING
from lm_eval_illusion.models.pruned import resolve_checkpoint
from lm_eval_illusion.pruning.calibration import calibration_texts, text_identity
from lm_eval_illusion.pruning.hf_checkpoint import base_revision
from lm_eval_illusion.pruning.manifest import manifest_text, read_manifest
from lm_eval_illusion.pruning.recipes import recipe_template
from lm_eval_illusion.pruning.settings import read_settings
from tests.gguf_files import write_gguf

VERSIONS = {"lm_eval_illusion": "0.0.9", "llmcompressor": "0.13.0", "torch": "2.4.0"}


def hashed(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def first_scheme(model, pruner, dtype):
    """The key of the first scheme, as it was computed then."""
    settings = read_settings(pruner, 0.5)
    return hashed(
        {
            "base_revision": base_revision(str(model)),
            "dtype": dtype,
            "tokenizer": None,
            "recipe": recipe_template(pruner),
            "sparsity": 0.5,
            "mask_structure": "0:0",
            "owl": [None, None],
            "calibration": text_identity(calibration_texts(settings), settings),
            "calibration_samples": settings.calibration_samples,
            "calibration_length": settings.calibration_length,
            "pruning_seed": 0,
            "versions": VERSIONS,
            "algorithm": 2,
        }
    )


def resolved(model, store, **arguments):
    return resolve_checkpoint(str(model), {"store": str(store), **arguments}, HF_NOT_WITH_PRUNING)


def as_stored_earlier(entry, key, **changes):
    """Make an entry one of an earlier version."""
    manifest = replace(read_manifest(entry), key=key, versions=VERSIONS, **changes)
    (entry / "manifest.json").write_text(manifest_text(manifest))
    return entry.rename(entry.with_name(key))


@pytest.fixture
def nothing_is_made(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("it is made again")

    monkeypatch.setattr("lm_eval_illusion.pruning.prune.get_or_create", refuse)
    monkeypatch.setattr("lm_eval_illusion.pruning.gguf_checkpoint.get_or_create", refuse)


@pytest.mark.parametrize(("then", "now"), [("auto", "auto"), ("auto", "float32"), ("torch.float32", "auto"), ("float", None)])
def test_an_entry_of_the_first_scheme_is_found(folder, tmp_path, request, then, now):
    store, asked = tmp_path / "store", {"pruner": "magnitude", "sparsity": 0.5}
    made = Path(resolved(folder, store, **asked).path)
    old = as_stored_earlier(made, first_scheme(folder, "magnitude", then))
    request.getfixturevalue("nothing_is_made")
    found = resolved(folder, store, **asked, dtype=now)
    assert found.path == str(old)
    # What made it is reported, not what is installed now.
    assert found.manifest.provenance()["versions"] == VERSIONS
    # Other weights are not taken for it.
    for change in ({"dtype": "bfloat16"}, {"sparsity": 0.4}):
        with pytest.raises(AssertionError, match="made again"):
            resolved(folder, store, **{**asked, **change})


def test_an_entry_of_the_first_scheme_that_is_damaged_is_made_under_todays_key(folder, tmp_path):
    store, asked = tmp_path / "store", {"pruner": "magnitude", "sparsity": 0.5}
    made = Path(resolved(folder, store, **asked).path)
    old = as_stored_earlier(made, first_scheme(folder, "magnitude", "auto"))
    (old / "config.json").write_text("{}")
    assert resolved(folder, store, **asked).path == str(made)


def test_a_gguf_file_and_its_pruned_checkpoint_of_the_first_scheme_are_found(tmp_path, request):
    store, file = tmp_path / "store", tmp_path / "tiny.Q8_0.gguf"
    write_gguf(file, "Q8_0")
    pruned = {"pruner": "magnitude", "sparsity": 0.5}
    dense, made = (Path(resolved(file, store, **asked).path) for asked in ({"pruner": "none"}, pruned))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    old_dense = as_stored_earlier(dense, hashed({"gguf": sha256, "algorithm": 2, "versions": VERSIONS}))
    # The pruned one was known by the folder of the numbers.
    key = first_scheme(old_dense, "magnitude", "auto")
    old_pruned = as_stored_earlier(made, key, base_revision=base_revision(str(old_dense)))
    request.getfixturevalue("nothing_is_made")
    assert resolved(file, store, pruner="none").path == str(old_dense)
    found = resolved(file, store, **pruned)
    assert (found.path, found.manifest.base_revision) == (str(old_pruned), sha256)
