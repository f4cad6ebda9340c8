"""Write a checkpoint into a new folder: the files of the model, their permissions, the manifest, everything flushed to disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import OTHERS_MAY_WRITE, file_sha256
from lm_eval_illusion.pruning.checkpoint_files import EntryError, new_files, set_permissions
from lm_eval_illusion.pruning.manifest import MANIFEST, Manifest, manifest_text, read_manifest


def write_entry(folder: Path, key: str, make: Callable[[Path], Manifest], *, allows_code: bool) -> Manifest:
    """Fill the empty `folder` with `make` and add the manifest, which is returned.

    Files can be read by whoever the umask lets read them, and be written by their owner alone: nobody else may change a checkpoint
    after it was checked.

    Raises:
        UserError: `make` wrote something that a checkpoint may not have. Errors of `make` are passed on.
        OSError: The folder can't be written.
    """
    manifest = make(folder)
    try:
        files = new_files(folder, allows_code=allows_code)
    except EntryError as fault:
        raise UserError(
            f"the checkpoint would hold more than weights, configuration and vocabulary ({fault}), so nothing is stored: use another"
            " model or tokenizer"
        ) from fault
    hashes = {name: file_sha256(path) for name, path in files.items()}
    text = manifest_text(replace(manifest, key=key, files=hashes))
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
    # The mode of a new file shows the umask, or the folder's access control list.
    set_permissions(folder, (folder / MANIFEST).stat().st_mode & 0o666 & ~OTHERS_MAY_WRITE)
    # Flush before the folder is renamed: after a power cut the entry is complete or absent.
    for path in (*files.values(), folder / MANIFEST, folder):
        sync(path)
    return read_manifest(folder)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk.

    Raises:
        OSError: It can't be opened or flushed.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def close_to_others(folder: Path) -> None:
    """Take from a new folder the permission of group and others to write in it, which some users' umask gives."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & OTHERS_MAY_WRITE:
        folder.chmod(mode & ~OTHERS_MAY_WRITE)
