"""Files on disk: new folders written atomically, content hashes, and the folders packaged with us (tasks/, pruners/)."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from lm_eval_illusion.errors import UserError


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
        raise UserError(f"{out} exists: give a new folder{reason}")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Create the folder `out` atomically: yield a temporary path, and rename it to `out` if the `with` statement ends without an error.

    The body of the `with` statement creates the folder at the yielded path. After an error nothing is left at `out`, and parent
    folders created here are removed again.

    Raises:
        UserError: The folder can't be written.
    """
    target = out.resolve()
    created_parents = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=target.parent, ignore_cleanup_errors=True) as unfinished:
            folder = Path(unfinished) / "folder"
            yield folder
            folder.rename(target)
    except OSError as error:
        for parent in created_parents:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise _not_writable(out, error) from error


def unique_folder(parent: Path, name: str) -> Path:
    """Create the empty folder `<name>-<8 hexadecimal digits>` in `parent` and return it. The caller renames it when it is complete.

    Raises:
        OSError: The folder can't be created.
    """
    # tempfile.mkdtemp would create it with mode 0700, so other users of a shared disk could not read the renamed folder.
    folder = parent / f"{name}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    return folder


def _not_writable(out: Path, error: Exception) -> UserError:
    reason = error.strerror if isinstance(error, OSError) else error
    return UserError(f"{out} can't be written ({reason}): give a folder with a short name on a disk with enough space")


def packaged_folder(package: str) -> Path:
    """Return the folder of a data package, installed or editable: `lm_eval_illusion.tasks` or `lm_eval_illusion.pruners`."""
    return Path(next(iter(import_module(package).__path__)))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal digits. The file is read in chunks of 1 MiB.

    Raises:
        OSError: The file can't be read.
    """
    # hashlib.file_digest needs Python 3.11.
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def files_below(folder: Path) -> dict[str, Path]:
    """Return every file below `folder`, at any depth: relative POSIX path -> path, sorted by path."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
