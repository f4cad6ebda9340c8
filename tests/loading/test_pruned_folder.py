"""Recognition of a folder that holds a pruned checkpoint."""

from __future__ import annotations

import hashlib
import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.pruned_folder import pruned_manifest


def save(folder, **changed):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(b"0")
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("config.json", "model.safetensors")}
    manifest = {"base_model": "m", "recipe": "stage:", "recipe_sha256": "1", "key": "k", "files": files, **changed}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def read(folder):
    return pruned_manifest(lambda name: path if (path := folder / name).is_file() else None)


def test_a_pruned_checkpoint(tmp_path):
    assert read(tmp_path) is None
    save(tmp_path)
    found = read(tmp_path)
    assert found is not None
    assert found["key"] == "k"


def test_a_manifest_of_another_tool_and_a_dequantised_file_are_none(tmp_path):
    for text in ('{"name": "an app", "icons": []}', '{"base_revision": 3, "files": []}', "no JSON", "[1]"):
        (tmp_path / "manifest.json").write_text(text)
        assert read(tmp_path) is None
    # A GGUF file in the store has an empty recipe.
    save(tmp_path, recipe="")
    assert read(tmp_path) is None
    save(tmp_path, key=None)
    assert read(tmp_path) is None


def test_a_manifest_that_is_not_about_the_folder_is_refused(tmp_path):
    save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama", "quantization_config": {"quant_method": "awq"}}')
    with pytest.raises(UserError, match=r"not about the config\.json beside it: if the model was changed after it was pruned"):
        read(tmp_path)
    save(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"lists model\.safetensors, which is not beside it"):
        read(tmp_path)


@pytest.mark.parametrize("damage", ['{"recipe_sha256": "1"', '{"recipe_sha256": "1"}', '["recipe_sha256", "recipe_sha256"]'])
def test_a_damaged_manifest_is_one_line(tmp_path, damage):
    (tmp_path / "manifest.json").write_text(damage.replace("[", '[{"recipe_sha256": 1},'))
    with pytest.raises(UserError, match=r"manifest\.json"):
        read(tmp_path)


@pytest.mark.parametrize("left", [0, 60, 120])
def test_a_manifest_that_was_cut_off_is_not_that_of_another_tool(tmp_path, left):
    # Before, the pruned checkpoint counted as a dense model.
    save(tmp_path, base_revision="1" * 64)
    whole = json.loads((tmp_path / "manifest.json").read_text())
    text = json.dumps({"base_model": "m", "base_revision": whole["base_revision"], **whole})
    (tmp_path / "manifest.json").write_text(text[:left])
    with pytest.raises(UserError, match=r"manifest\.json is (empty|not JSON)"):
        read(tmp_path)
