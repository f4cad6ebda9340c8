"""Files and folders: atomic writes of new folders, hashes, and the folders that are packaged with us (tasks/, pruners/)."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from lm_eval_illusion.errors import UserError


def refuse_existing(out: Path, why: str = "") -> None:
    """A folder to be made must not be there yet. `why`: what would go wrong, for the message.

    Raises:
        UserError: it is there, or can't be looked for.
    """
    try:
        is_there = out.resolve().exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a NUL, a loop of links
        raise _unwritable(out, error) from error
    if is_there:
        raise UserError(f"{out} exists: give a new folder{why}")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A path to make the folder at; it is renamed to `out` when the block ends without an error.

    Raises:
        UserError: it can't be written; the parents that were made for it are gone again.
    """
    target = out.resolve()
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=target.parent, ignore_cleanup_errors=True) as unfinished:
            folder = Path(unfinished) / "folder"
            yield folder
            folder.rename(target)
    except OSError as error:
        for parent in missing:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise _unwritable(out, error) from error


def fresh_folder(parent: Path, name: str) -> Path:
    """Make a folder of that name and a number below `parent`, for what is renamed into place later."""
    # Not by tempfile.mkdtemp, which would keep others who share the place from reading it.
    folder = parent / f"{name}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    return folder


def _unwritable(out: Path, error: Exception) -> UserError:
    reason = error.strerror if isinstance(error, OSError) else error
    return UserError(f"{out} can't be written ({reason}): give a folder with a short name on a disk with room")


def packaged_folder(package: str) -> Path:
    """The folder of a package, installed or editable: `lm_eval_illusion.tasks`, `lm_eval_illusion.pruners`."""
    return Path(next(iter(import_module(package).__path__)))


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    # Python 3.10 has no hashlib.file_digest.
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def files_below(folder: Path) -> dict[str, Path]:
    """Every file of a folder by its name from there, in the order of their paths."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
