"""A content-addressed store of pruned checkpoints: each is made once, is complete or absent, and is verified before use.

A store that can't be written is only read. Without a store, a temporary one lasts as long as the processes of the job.

STORE/<key>/                 a Hugging Face folder with a manifest.json
STORE/<key>.corrupt-<n>/     an entry that failed verification, set aside
STORE/.work/<key>.lock       file lock, held by the process that makes or verifies the entry
STORE/.work/<key>-<n>/       an unfinished entry; only a killed process leaves one behind
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import file_sha256, files_below, unique_folder
from lm_eval_illusion.pruning.job_folder import enter_job_folder, job_identity
from lm_eval_illusion.pruning.manifest import MANIFEST, Manifest

logger = logging.getLogger(__name__)


class Checkpoint(NamedTuple):
    """The folder of a checkpoint and its manifest. For `pruner=none`, `path` is the base model's folder or hub name."""

    path: str
    manifest: Manifest


def key_of(identity: Mapping[str, object]) -> str:
    """Return the store key of an identity: the first 32 hexadecimal digits of the SHA-256 of its canonical JSON."""
    canonical = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def get_or_create(store: str, key: str, make: Callable[[Path], Manifest], *, name: str = "") -> Checkpoint:
    """Return the entry `key` of the store; create it with `make` if it is missing or corrupt.

    `make` writes the checkpoint into the empty folder that it gets as argument, and returns the manifest without `files` and `stamps`.
    One process makes an entry, others wait for it. A complete entry is also used where the store can't be written. With `store="off"`
    the checkpoint is in a temporary folder that is deleted when the process ends; the processes of a distributed job on this machine
    share it, and the last one deletes it. `name`: describes the entry in messages, e.g. "wanda-0.6 of my-model".

    Raises:
        UserError: The store can't be used, or can't be written and has no complete entry. Errors of `make` other than OSError are
            passed on.
    """
    described = f"{key} ({name})" if name else key
    try:
        if store == "off":
            identity = job_identity(os.environ)
            folder = enter_job_folder(identity) if identity is not None else None
            return _create_temporary(make) if folder is None else _get_or_create_entry(folder, key, make, described)
        return _get_or_create_entry(_folder(store), key, make, described)
    except OSError as error:
        reason = error.strerror or error
        if store == "off":
            raise UserError(
                f"the temporary folder can't be used ({reason}): free disk space, set TMPDIR to another folder, or give store=FOLDER"
            ) from error
        raise UserError(
            f"store {store} can't be used ({reason}): free disk space or make it writable, or give store=FOLDER or store=off"
        ) from error


def verify(entry: Path, *, trust_stamps: bool = False) -> str | None:
    """Check an entry: its manifest is valid, and every file named in it has the recorded SHA-256. Return the fault, or None.

    With `trust_stamps`, a file with the recorded size and time of change is not read again, as in git's index: hashing a model of
    70 B parameters takes as long as loading it. A copied entry has other times, so its files are read.
    """
    try:
        manifest = read_manifest(entry)
        stamps = manifest.stamps if trust_stamps else {}
        for name, digest in manifest.files.items():
            if stamps.get(name) != _stamp(entry / name) and file_sha256(entry / name) != digest:
                return f"{name} is not the file that was written"
    except (OSError, msgspec.DecodeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a checkpoint's folder.

    Raises:
        OSError: The folder has no manifest, or the manifest can't be read.
        msgspec.DecodeError: The manifest is not JSON, or lacks a field.
    """
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)


def _folder(store: str) -> Path:
    try:
        return Path(store).expanduser()
    except RuntimeError as error:
        raise UserError(f"store {store}: the home folder is not known: give the whole path, or store=off") from error


def _get_or_create_entry(store: Path, key: str, make: Callable[[Path], Manifest], described: str) -> Checkpoint:
    from filelock import FileLock

    work, entry = store / ".work", store / key
    with ExitStack() as held:
        try:
            work.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(work / f"{key}.lock"))
        except OSError as error:
            # A complete entry is read without a lock: it appeared by a rename, and nobody changes it.
            return _read_entry(entry, described, error)
        for leftover in work.glob(f"{key}-*"):
            _delete_leftover(leftover)
        fault = _fault(entry)
        if fault is not None:
            try:
                _check_writable(store)
            except OSError as error:
                raise _not_writable(store, described, fault, error) from error
            if entry.exists():
                moved_to = _set_aside(entry)
                logger.warning("pruned checkpoint %s %s: set aside as %s and made again", entry, fault, moved_to.name)
            folder = unique_folder(work, key)
            try:
                _write(folder, make)
                os.rename(folder, entry)
                _fsync(store)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return Checkpoint(str(entry), read_manifest(entry))


def _read_entry(entry: Path, described: str, error: OSError) -> Checkpoint:
    """Return a complete entry of a store that can't be written because of `error`.

    Raises:
        UserError: The entry is missing or corrupt.
    """
    fault = _fault(entry)
    if fault is not None:
        raise _not_writable(entry.parent, described, fault, error) from error
    return Checkpoint(str(entry), read_manifest(entry))


def _fault(entry: Path) -> str | None:
    """Return why the entry can't be used, as the end of a sentence; None if it is complete."""
    # Unlike Path.exists, False also where the store can't be read.
    if not os.path.exists(entry):
        return "is not in it"
    fault = verify(entry, trust_stamps=True)
    return f"is corrupt ({fault})" if fault is not None else None


def _not_writable(store: Path, described: str, fault: str, error: OSError) -> UserError:
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        problem, remedy = "is read-only", "make it writable"
    else:
        problem, remedy = "can't be used", "free disk space or make it writable"
    return UserError(
        f"store {store} {problem} ({error.strerror or error}) and the checkpoint {described} {fault}: {remedy}, or give store=FOLDER or"
        " store=off"
    )


def _delete_leftover(folder: Path) -> None:
    """Delete an unfinished folder. The caller holds the lock of its entry, so the process that wrote it was killed."""
    try:
        shutil.rmtree(folder)
    except OSError as error:
        # It may belong to another user. It costs disk space, nothing else.
        logger.warning("the unfinished checkpoint %s can't be deleted (%s)", folder, error.strerror or error)


def _check_writable(store: Path) -> None:
    """Raise OSError before hours of pruning if the finished entry could not be renamed into the store."""
    with tempfile.TemporaryFile(dir=store):
        pass


def _create_temporary(make: Callable[[Path], Manifest]) -> Checkpoint:
    folder = Path(tempfile.mkdtemp(prefix="lm-eval-illusion-"))
    atexit.register(_delete_own, folder, os.getpid())
    _write(folder, make)
    return Checkpoint(str(folder), read_manifest(folder))


def _delete_own(folder: Path, process: int) -> None:
    # A forked child runs the exit functions of its parent, too.
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, make: Callable[[Path], Manifest]) -> None:
    """Fill the folder, add the manifest, and flush everything to disk."""
    manifest = make(folder)
    paths = files_below(folder)
    manifest = msgspec.structs.replace(
        manifest,
        files={name: file_sha256(path) for name, path in paths.items()},
        stamps={name: _stamp(path) for name, path in paths.items()},
    )
    text = json.dumps(msgspec.to_builtins(manifest), indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    # Flush before the rename: after a power cut the entry is complete or absent.
    for path in (*paths.values(), folder / MANIFEST, folder):
        _fsync(path)


def _stamp(path: Path) -> tuple[int, int]:
    """Return a file's size in bytes and its time of last change in ns."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_aside(entry: Path) -> Path:
    """Rename a corrupt entry to the first free `<key>.corrupt-<n>` and return that path."""
    number = 1
    while (aside := entry.with_name(f"{entry.name}.corrupt-{number}")).exists():
        number += 1
    entry.rename(aside)
    return aside
