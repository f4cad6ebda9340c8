"""SHA-256 of whole files, remembered between processes, so that the weights of a large model are read once.

CACHE/<device>-<inode>   device, inode, size, time of change, time of the inode's change (ns) and SHA-256 of that file

A file keeps its entry only while all of them are as recorded. A program can set the time of change, but not that of the inode. What is
remembered is believed only if nobody but this user can have written it: the folder and the entry belong to the user, and no one else
may write in them.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from lm_eval_illusion.errors import one_line
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.files import OTHERS_MAY_WRITE, file_sha256, replace_text, user_cache_folder

logger = logging.getLogger(__name__)

SMALLEST = 1 << 20
"""A smaller file is always read."""
SLOW_BYTES = 4 << 30
"""From this many bytes on, the reading is announced."""
SETTLED_NS = 2_000_000_000
"""A file that changed later than this before the reading is not remembered: it may change again within the resolution of its times."""
LONGEST_ENTRY = 256


def file_hashes(paths: Sequence[Path], *, trust_blob_names: bool = True) -> list[str]:
    """Return the SHA-256 of each file's whole content, in hexadecimal digits, from the cache where it is known.

    With `trust_blob_names`, a file of the hub's cache that is named by its SHA-256 is not read, if only this user or root may write it.

    Raises:
        OSError: A file can't be read.
    """
    cache = _private_cache()
    known = [(_blob_hash(path) if trust_blob_names else None) or _remembered(path, cache) for path in paths]
    unread = [path for path, digest in zip(paths, known, strict=True) if digest is None]
    size = sum(path.stat().st_size for path in unread)
    if size >= SLOW_BYTES:
        _announce(size, str(unread[0].parent), is_remembered=cache is not None)
    # hashlib releases the interpreter's lock, and a single thread does not keep a fast disk busy.
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        hashed = iter(list(pool.map(lambda path: _hash_and_remember(path, cache), unread)))
    return [digest if digest is not None else next(hashed) for digest in known]


@lru_cache(maxsize=1024)
def _announce(size: int, folder: str, *, is_remembered: bool) -> None:
    """Say that the reading takes a while. The cache of this function: a second call of the process finds the hashes in `_hash`'s."""
    once = "; this is done once" if is_remembered else ""
    logger.warning("reading %.0f GB of %s to identify its content%s", size / 1e9, for_terminal(folder), once)


def cache_folder() -> Path:
    """Return the folder of the cache, within the user's cache folder.

    Raises:
        OSError: The user has no home folder.
    """
    return user_cache_folder() / "hashes"


def _private_cache() -> Path | None:
    """Return the folder of the cache, created if it is missing; None if it can't be used, or not be believed."""
    try:
        folder = cache_folder()
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Not with `exist_ok`, which would accept a symbolic link. What is there already is checked below.
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
    except (OSError, ValueError) as error:
        logger.info("hashes of files are not remembered, because the cache can't be written (%s)", one_line(error))
        return None
    if stat.S_ISDIR(status.st_mode) and _is_own(status):
        return folder
    logger.warning(
        "the hashes in %s are not used, because it is a link or others may write in it: delete it, or run `chmod go-w` on it",
        for_terminal(str(folder)),
    )
    return None


def _is_own(status: os.stat_result) -> bool:
    """Return whether nobody but this user can have written a file or folder. Windows has no owners that could be compared."""
    return sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & OTHERS_MAY_WRITE)


def _blob_hash(path: Path) -> str | None:
    """Return the name of a large file in the hub's cache, .../blobs/<SHA-256>; None for other files, and if others may write it."""
    blob = path.resolve()
    is_sha256 = len(blob.name) == 64 and set(blob.name) <= set("0123456789abcdef")
    if not is_sha256 or blob.parent.name != "blobs":
        return None
    is_private = all(_is_own(status) or _is_roots(status) for status in (blob.stat(), blob.parent.stat()))
    return blob.name if is_private else None


def _is_roots(status: os.stat_result) -> bool:
    return status.st_uid == 0 and not status.st_mode & OTHERS_MAY_WRITE


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _entry(cache: Path, status: os.stat_result) -> Path:
    return cache / f"{status.st_dev}-{status.st_ino}"


def _remembered(path: Path, cache: Path | None) -> str | None:
    status = path.stat()
    if cache is None or status.st_size < SMALLEST:
        return None
    try:
        stamp, _, digest = _read_own(_entry(cache, status)).rpartition(" ")
    except (OSError, ValueError):  # no entry, or one that is not ours
        return None
    return digest if stamp == _stamp(status) and len(digest) == 64 else None


def _read_own(entry: Path) -> str:
    """Return the text of an entry that this user wrote.

    Raises:
        OSError: There is no such entry, or it is not a file of this user alone.
        ValueError: It is not ASCII.
    """
    # Without O_NONBLOCK a FIFO would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(entry, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _is_own(status):
            raise PermissionError(f"{entry} is not a file of this user")
        return file.read(LONGEST_ENTRY).decode("ascii")


def _hash_and_remember(path: Path, cache: Path | None) -> str:
    before, started = path.stat(), time.time_ns()
    has_settled = max(before.st_mtime_ns, before.st_ctime_ns) < started - SETTLED_NS
    if before.st_size < SMALLEST or not has_settled:
        return file_sha256(path)
    digest = _hash(path, _stamp(before))
    if _stamp(path.stat()) != _stamp(before):
        _hash.cache_clear()
    elif cache is not None:
        _remember(cache, before, digest)
    return digest


@lru_cache(maxsize=4096)
def _hash(path: Path, stamp: str) -> str:
    """Return the hash of a file in the state of `stamp`. A process reads it once, also where the cache on disk can't be used."""
    return file_sha256(path)


def _remember(cache: Path, status: os.stat_result, digest: str) -> None:
    try:
        replace_text(_entry(cache, status), f"{_stamp(status)} {digest}", mode=0o600)
    except OSError as error:
        logger.info("the hash of a file is not remembered, because the cache can't be written (%s)", error)
