"""A new checkpoint: one policy of permissions for all files, a manifest with every hash, nothing that a checkpoint may not have."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.entry_write import close_to_others, write_entry
from lm_eval_illusion.pruning.manifest import read_manifest
from tests.pruning.test_checkpoint_store import manifest


@pytest.fixture
def umask():
    """Set the umask of this process; it is restored after the test."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


def make(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "a.jinja").write_text("template")
    # As safetensors does.
    (folder / "model.safetensors").touch(mode=0o600)
    return manifest(sparsity_measured=0.5)


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize(
    ("mask", "files", "folders"),
    [
        (0o022, 0o644, 0o755),
        (0o027, 0o640, 0o750),
        (0o077, 0o600, 0o700),
        # Nobody else may write, whatever the umask says: a checkpoint could be changed after its check.
        (0o002, 0o644, 0o755),
        (0o000, 0o644, 0o755),
    ],
)
def test_all_files_have_the_permissions_of_the_umask_but_only_the_owner_writes(tmp_path, umask, mask, files, folders):
    umask(mask)
    folder = tmp_path / "entry"
    folder.mkdir()
    close_to_others(folder)
    write_entry(folder, "key", make, allows_code=False)
    assert modes(folder) == {
        **{"entry": folders, "sub": folders},
        **{"a.jinja": files, "model.safetensors": files, "manifest.json": files},
    }


def test_the_manifest_has_the_key_and_the_hash_of_every_file(tmp_path):
    written = write_entry(tmp_path, "key", make, allows_code=False)
    assert written == read_manifest(tmp_path)
    assert written.key == "key"
    hashes = {"model.safetensors": hashlib.sha256(b"").hexdigest(), "sub/a.jinja": hashlib.sha256(b"template").hexdigest()}
    assert written.files == hashes


def test_a_model_that_brings_code_or_a_pickle_is_not_stored(tmp_path):
    def make_with(name):
        def make_more(folder):
            (folder / name).touch()
            return manifest()

        return make_more

    for name in ("modeling.py", "pytorch_model.bin"):
        folder = tmp_path / name
        folder.mkdir()
        with pytest.raises(UserError, match=f"would hold more than weights.*{name}.*so nothing is stored"):
            write_entry(folder, "key", make_with(name), allows_code=False)
    (tmp_path / "trusted").mkdir()
    assert set(write_entry(tmp_path / "trusted", "key", make_with("modeling.py"), allows_code=True).files) == {"modeling.py"}


def test_a_measurement_that_is_not_finite_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"the measurements of the checkpoint can't be stored .*finite numbers"):
        write_entry(tmp_path, "key", lambda folder: manifest(sparsity_measured=float("nan")), allows_code=False)
