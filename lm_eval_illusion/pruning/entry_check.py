"""Whether a stored checkpoint may be used: who can write it, which files it has, what they contain, and what its manifest says.

Nothing that an entry says about itself is proof. Its files are hashed by this user, in this run or, as long as they do not change, in an
earlier one (`hash_cache`).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.pruning.checkpoint_files import (
    EarlierVersionError,
    EntryError,
    WritableError,
    code_reference,
    fault_of_name,
    kind,
    walk,
)
from lm_eval_illusion.pruning.hash_cache import file_hashes
from lm_eval_illusion.pruning.manifest import MANIFEST, Manifest, read_manifest
from lm_eval_illusion.pruning.manifest_check import Asked, fault_in, fault_of_request
from lm_eval_illusion.pruning.store_trust import Trust

LONGEST_FAULT = 300


def check_entry(entry: Path, key: str | None, asked: Asked | None, trust: Trust) -> Manifest:
    """Check a stored checkpoint and return its manifest. The cheap checks come first, the hashes and the permissions last.

    `key`: that of the request; None if the folder is not named by it. `asked`: what the manifest must agree with, if it is known.

    Raises:
        WritableError: Others than its owner may write it, and nothing else is wrong.
        EntryError: The checkpoint can't be used; the message is the first reason.
    """
    try:
        return _check(entry, key, asked, trust)
    except (OSError, UserError) as error:
        raise EntryError(one_line(error, LONGEST_FAULT)) from error


def _check(entry: Path, key: str | None, asked: Asked | None, trust: Trust) -> Manifest:
    status = entry.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise EntryError(f"it is {kind(status)}")
    _refuse("the folder", trust.fault_of_owner(status))
    _refuse(MANIFEST, _fault_of_file((entry / MANIFEST).lstat(), trust))
    manifest = read_manifest(entry)
    if manifest.checksum is None:
        raise EarlierVersionError("is of an earlier version of lm-eval-illusion")
    if key is not None and not manifest.key == entry.name == key:
        raise EntryError(f"its manifest is that of {manifest.key}")
    _check_files(entry, manifest, asked is not None and asked.allows_code, trust)
    if (fault := fault_in(manifest) or (fault_of_request(manifest, asked) if asked else None)) is not None:
        raise EntryError(fault)
    paths = [entry / name for name in manifest.files]
    # Only what this user has read is known: a file may be named like a blob of the hub's cache.
    for name, digest in zip(manifest.files, file_hashes(paths, trust_blob_names=False), strict=True):
        if digest != manifest.files[name]:
            raise EntryError(f"{name} is not the file that was written")
    # Last: permissions are mended by a command, all other faults only by making the checkpoint again.
    for name, found in (("the folder", entry.lstat()), *walk(entry)):
        if (fault := trust.fault(found)) is not None:
            raise WritableError(f"{name} {fault}")
    return manifest


def _check_files(entry: Path, manifest: Manifest, allows_code: bool, trust: Trust) -> None:
    """Check that the files are exactly those of the manifest, and that each is of a kind that a checkpoint has."""
    if not manifest.files:
        raise EntryError("the manifest lists no files")
    for name in manifest.files:
        fault = "the manifest lists itself" if name == MANIFEST else fault_of_name(name, allows_code=allows_code)
        if fault is not None:
            raise EntryError(fault)
    folders = {parent.as_posix() for name in manifest.files for parent in Path(name).parents}
    missing = set(manifest.files)
    for name, status in walk(entry):
        if name in folders and stat.S_ISDIR(status.st_mode):
            _refuse(name, trust.fault_of_owner(status))
        elif name in missing:
            _refuse(name, _fault_of_file(status, trust))
            missing.remove(name)
        elif name != MANIFEST:
            raise EntryError(f"{name[:LONGEST_FAULT]} is not in the manifest")
    if missing:
        raise EntryError(f"{min(missing)} is missing")
    reference = None if allows_code else code_reference(entry, iter(manifest.files))
    if reference is not None:
        raise EntryError(f"{reference} names Python code to run (trust_remote_code was not given)")


def _fault_of_file(status: os.stat_result, trust: Trust) -> str | None:
    return trust.fault_of_owner(status) if stat.S_ISREG(status.st_mode) else f"is {kind(status)}"


def _refuse(what: str, fault: str | None) -> None:
    if fault is not None:
        raise EntryError(f"{what} {fault}")
