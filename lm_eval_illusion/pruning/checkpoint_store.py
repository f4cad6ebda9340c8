"""A content-addressed store of pruned checkpoints: made once, whole or not at all, checked whenever used.

STORE/<key>/                 an ordinary Hugging Face folder with a manifest.json
STORE/<key>.corrupt-<n>/     an entry that did not verify, set aside
STORE/.work/<key>.lock       held by whoever makes or checks the entry
STORE/.work/<key>-<n>/       an entry in the making; left behind only by a killed process
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import file_sha256, files_below, fresh_folder

MANIFEST = "manifest.json"
logger = logging.getLogger(__name__)


class Checkpoint(NamedTuple):
    """A checkpoint's folder (or the base model's name, unpruned) and what is known of it."""

    path: str
    manifest: dict[str, Any]


def key_of(identity: dict[str, Any]) -> str:
    """The store key of what makes a checkpoint: 32 hexadecimal digits of the SHA-256 of its canonical JSON."""
    canonical = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def get_or_create(store: str, key: str, make: Callable[[Path], dict[str, Any]]) -> Checkpoint:
    """Load the entry of `key`, or make it.

    `make(folder)` writes the checkpoint into an empty folder and returns the manifest's fields. One process makes an entry, others wait
    for it. `store="off"` makes it in a temporary folder that goes when the process ends.

    Raises:
        UserError: the store can't be written.
    """
    try:
        if store == "off":
            return _temporary(make)
        return _stored(Path(store).expanduser(), key, make)
    except OSError as error:
        raise UserError(
            f"store {store} can't be used ({error.strerror or error}): make room or make it writable, or give store=FOLDER or store=off"
        ) from error


def verify(entry: Path, *, trust_stamps: bool = False) -> str | None:
    """What is wrong with an entry, or None: every file of the manifest must be there with its SHA-256.

    `trust_stamps`: a file of the size and time of change that it was written with counts as that file, as git's index does it. Reading a
    70 B model to hash it takes as long as loading it; after a copy that gave it another time, it is read.
    """
    try:
        manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
        stamps = manifest.get("stamps", {}) if trust_stamps else {}
        for name, digest in manifest["files"].items():
            if stamps.get(name) != _stamp(entry / name) and file_sha256(entry / name) != digest:
                return f"{name} is not the file that was written"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _stamp(path: Path) -> list[int]:
    """Size and time of the last change, in nanoseconds."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _stored(store: Path, key: str, make: Callable[[Path], dict[str, Any]]) -> Checkpoint:
    from filelock import FileLock

    work = store / ".work"
    work.mkdir(parents=True, exist_ok=True)
    entry = store / key
    with FileLock(work / f"{key}.lock"):
        # We hold the lock, so whoever left these was killed.
        for leftover in work.glob(f"{key}-*"):
            shutil.rmtree(leftover)
        if entry.exists() and (wrong := verify(entry, trust_stamps=True)) is not None:
            aside = _set_aside(entry)
            logger.warning(
                "pruned checkpoint %s is corrupt (%s): set aside as %s and made again",
                entry,
                wrong,
                aside.name,
            )
        if not entry.exists():
            folder = fresh_folder(work, key)
            try:
                _write(folder, make)
                os.rename(folder, entry)
                _fsync(store)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return Checkpoint(str(entry), _manifest(entry))


def _temporary(make: Callable[[Path], dict[str, Any]]) -> Checkpoint:
    folder = Path(tempfile.mkdtemp(prefix="lm-eval-illusion-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _write(folder, make)
    return Checkpoint(str(folder), _manifest(folder))


def _write(folder: Path, make: Callable[[Path], dict[str, Any]]) -> None:
    fields = make(folder)
    paths = files_below(folder)
    files = {name: file_sha256(path) for name, path in paths.items()}
    stamps = {name: _stamp(path) for name, path in paths.items()}
    text = json.dumps({**fields, "files": files, "stamps": stamps}, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    # On disk before the rename: after a power cut the entry is either absent or whole.
    for path in (*paths.values(), folder / MANIFEST, folder):
        _fsync(path)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_aside(entry: Path) -> Path:
    number = 1
    while (aside := entry.with_name(f"{entry.name}.corrupt-{number}")).exists():
        number += 1
    entry.rename(aside)
    return aside


def _manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return manifest
