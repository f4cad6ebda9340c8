"""Files on disk: new folders written atomically, content hashes, and the folders packaged with us (tasks/, pruners/, studies/)."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.reading import MOST_ENTRIES, REGULAR, kind_of

OTHERS_MAY_WRITE = 0o022
"""The permission bits of group and others to write. With an access control list, the group's bit is the most that the list grants."""
LONGEST_SHOWN = 300
"""A message shows no more characters of a name."""


def refuse_existing(out: Path, reason: str = "") -> None:
    """Refuse an output folder that already exists.

    `reason` is appended to the error message: why an existing folder can't be used.

    Raises:
        UserError: `out` exists, or the path can't be checked (too long, a NUL character, a loop of symbolic links).
    """
    try:
        exists = out.resolve().exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise _not_writable(out, error) from error
    if exists:
        raise UserError(f"{shown(out)} exists: give a new folder{reason}")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Create the folder `out` atomically: yield a temporary path, and rename it to `out` if the `with` statement ends without an error.

    The body of the `with` statement creates the folder at the yielded path. After an error nothing is left at `out`, and parent
    folders created here are removed again. What a killed process left of the same folder is deleted.

    Raises:
        UserError: The folder can't be written.
    """
    target = out.resolve()
    created_parents = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _held_folder(target) as unfinished:
            folder = unfinished / "folder"
            yield folder
            folder.rename(target)
    except BaseException as error:  # also a `UserError` or Ctrl-C within the body
        for parent in created_parents:
            with contextlib.suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            raise _not_writable(out, error) from error
        raise


@contextlib.contextmanager
def _held_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`, locked while it is in use; delete those of killed processes, whose locks are gone."""
    prefix = f".unfinished-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]}-"
    for leftover in target.parent.glob(f"{prefix}*"):
        # It may belong to another user. It costs disk space, nothing else.
        with contextlib.suppress(OSError), _locked(leftover) as is_unused:
            if is_unused:
                shutil.rmtree(leftover)
    while True:
        unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
        with _locked(unfinished) as is_ours:
            if not is_ours:
                continue  # another process took it for a leftover before it was locked
            try:
                yield unfinished
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
            return


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder within the `with` statement; yield False if another process holds its lock or has deleted it.

    The lock ends with its process. Where there are no such locks, a folder with files in it may be in use.
    """
    if sys.platform == "win32":
        yield not any(folder.iterdir())
        return
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_locked = folder.exists()
        except BlockingIOError:
            is_locked = False
        except OSError:  # a network file system without locks
            is_locked = not any(folder.iterdir())
        yield is_locked
    finally:
        os.close(descriptor)


def unique_folder(parent: Path, name: str) -> Path:
    """Create the empty folder `<name>-<8 hexadecimal digits>` in `parent` and return it. The caller renames it when it is complete.

    Raises:
        OSError: The folder can't be created.
    """
    # tempfile.mkdtemp would create it with mode 0700, so other users of a shared disk could not read the renamed folder.
    folder = parent / f"{name}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    return folder


def replace_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a small text file at once: under a new name in the same folder, which is then renamed.

    A reader never sees half of it. A link at its place is replaced and not followed; at the new name nothing can be planted.
    `mode`: the permissions, less the umask.

    Raises:
        OSError: The file can't be written. Nothing is left then.
    """
    unfinished = path.with_name(f"{path.name}-{uuid.uuid4().hex[:8]}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(unfinished, flags, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _not_writable(out: Path, error: Exception) -> UserError:
    return UserError(
        f"{shown(out)} can't be written ({system_reason(error)}): give a folder with a short name on a disk with enough space"
    )


def user_cache_folder() -> Path:
    """Return our folder within the user's cache folder ($XDG_CACHE_HOME, else ~/.cache).

    Raises:
        OSError: The user has no home folder.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if cache.startswith("~"):
        raise OSError("there is no home folder")
    return Path(cache) / "lm-eval-illusion"


def packaged_folder(package: str) -> Path:
    """Return the folder of a data package, installed or editable, such as `lm_eval_illusion.tasks`."""
    return Path(next(iter(import_module(package).__path__)))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a regular file's content in hexadecimal digits. The file is read in chunks of 1 MiB.

    Raises:
        OSError: The file can't be read, or is a FIFO, a device or another special file, which could deliver without end.
    """
    _refuse_special(path, os.stat(path))
    # hashlib.file_digest needs Python 3.11.
    digest = hashlib.sha256()
    with open(path, "rb", opener=_open_without_waiting) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def files_below(folder: Path, *, follow_links: bool = False) -> dict[str, Path]:
    """Return every file below `folder`, at any depth: relative POSIX path -> path, sorted by path.

    Nothing is left out without a word. `follow_links`: take a link for what it leads to, as in a folder of the hub's cache.

    Raises:
        OSError: A folder can't be read; or there is a FIFO, a device, a socket, or a link (with `follow_links`: one that leads nowhere or
            to a folder that is listed already); or more than `MOST_ENTRIES` files and folders. The message names it.
    """
    entries = 0
    found: dict[str, Path] = {}
    visited: set[tuple[int, int]] = set()
    pending = [folder]
    while pending:
        current = pending.pop()
        with _named(current):
            status, names = os.stat(current), os.listdir(current)
        if (status.st_dev, status.st_ino) in visited:
            raise OSError(errno.ELOOP, f"{current} is a link to a folder that is listed already")
        visited.add((status.st_dev, status.st_ino))
        entries += len(names)
        if entries > MOST_ENTRIES:
            raise OSError(errno.E2BIG, f"{folder} has more than {MOST_ENTRIES:,} files and folders below it")
        for path in (current / name for name in names):
            with _named(path):
                kind = os.stat(path) if follow_links else os.lstat(path)
            if stat.S_ISDIR(kind.st_mode):
                pending.append(path)
            else:
                _refuse_special(path, kind)
                found[path.relative_to(folder).as_posix()] = path
    return dict(sorted(found.items(), key=lambda entry: entry[1]))


def refuse_special(path: Path) -> None:
    """Check that nothing but a regular file is at a path before it is written: a link would lead the text into another file.

    Raises:
        OSError: There is a folder, a link, a FIFO or a device.
    """
    if os.path.lexists(path):
        _refuse_special(path, os.lstat(path))


def shown(name: object) -> str:
    """Return a path or another name for a message: one of more than 300 characters is cut."""
    return cut(str(name), LONGEST_SHOWN)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the path in an OSError raised within the `with` statement; callers show only `strerror`, which lacks it."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{path}: {error.strerror}") from error


def _refuse_special(path: Path, status: os.stat_result) -> None:
    if (kind := kind_of(status)) != REGULAR:
        raise OSError(errno.EINVAL, f"{path} is {kind} and no regular file")


def _open_without_waiting(path: str, flags: int) -> int:
    # Another process may have put a FIFO there after the check.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
