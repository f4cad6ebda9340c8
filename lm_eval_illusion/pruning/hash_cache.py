"""SHA-256 of whole files, remembered between processes, so that the weights of a large model are read once.

CACHE/<device>-<inode>   size, time of change, time of the inode's change (ns) and SHA-256 of that file

A file keeps its entry only while all three are as recorded. A program can set the time of change, but not that of the inode.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lm_eval_illusion.files import file_sha256

logger = logging.getLogger(__name__)

SMALLEST = 1 << 20
"""A smaller file is always read."""
SLOW_BYTES = 4 << 30
"""From this many bytes on, the reading is announced."""
SETTLED_NS = 2_000_000_000
"""A file that changed later than this before the reading is not remembered: it may change again within the resolution of its times."""


def file_hashes(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each file's whole content, in hexadecimal digits, from the cache where it is known.

    Raises:
        OSError: A file can't be read.
    """
    known = [_blob_hash(path) or _remembered(path) for path in paths]
    unread = [path for path, digest in zip(paths, known, strict=True) if digest is None]
    size = sum(path.stat().st_size for path in unread)
    if size >= SLOW_BYTES:
        logger.warning("reading %.0f GB of %s to identify its content; this is done once", size / 1e9, unread[0].parent)
    # hashlib releases the interpreter's lock, and a single thread does not keep a fast disk busy.
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        hashed = iter(list(pool.map(_hash_and_remember, unread)))
    return [digest if digest is not None else next(hashed) for digest in known]


def cache_folder() -> Path:
    """Return the folder of the cache, within the user's cache folder.

    Raises:
        OSError: The user has no home folder.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if cache.startswith("~"):
        raise OSError("there is no home folder")
    return Path(cache) / "lm-eval-illusion" / "hashes"


def _blob_hash(path: Path) -> str | None:
    """Return the name of a large file in the hub's cache, .../blobs/<SHA-256>; None for other files."""
    blob = path.resolve()
    is_sha256 = len(blob.name) == 64 and set(blob.name) <= set("0123456789abcdef")
    return blob.name if is_sha256 and blob.parent.name == "blobs" else None


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _entry(status: os.stat_result) -> Path:
    return cache_folder() / f"{status.st_dev}-{status.st_ino}"


def _remembered(path: Path) -> str | None:
    status = path.stat()
    if status.st_size < SMALLEST:
        return None
    try:
        stamp, _, digest = _entry(status).read_text(encoding="ascii").rpartition(" ")
    except (OSError, ValueError):  # no entry, or one that is not ours
        return None
    return digest if stamp == _stamp(status) and len(digest) == 64 else None


def _hash_and_remember(path: Path) -> str:
    before, started = path.stat(), time.time_ns()
    digest = file_sha256(path)
    has_settled = max(before.st_mtime_ns, before.st_ctime_ns) < started - SETTLED_NS
    if before.st_size >= SMALLEST and has_settled and _stamp(path.stat()) == _stamp(before):
        _remember(before, digest)
    return digest


def _remember(status: os.stat_result, digest: str) -> None:
    try:
        entry = _entry(status)
        unfinished = entry.with_name(f"{entry.name}.{os.getpid()}")
        entry.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(f"{_stamp(status)} {digest}", encoding="ascii")
        unfinished.replace(entry)
    except OSError as error:
        logger.info("the hash of a file is not remembered, because the cache can't be written (%s)", error)
