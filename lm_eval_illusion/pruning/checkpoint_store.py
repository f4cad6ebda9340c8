"""A content-addressed store of pruned checkpoints: each is made once, is complete or absent, and is checked before use.

A store that can't be written is only read. Without a store, a temporary one lasts as long as the processes of the job. A store, and an
entry of it, that somebody can write who is not trusted is refused (`store_trust`); an entry is used only if its files and its manifest
are those that were asked for (`entry_check`).

STORE/<key>/                 a Hugging Face folder with a manifest.json
STORE/<key>.corrupt-<n>/     an entry that failed the check, set aside
STORE/.work/<key>.lock       file lock, held by the process that makes or checks the entry
STORE/.work/<key>-<n>/       an unfinished entry; only a killed process leaves one behind
STORE/.texts/                calibration texts drawn from the hub (`text_cache`)
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.files import OTHERS_MAY_WRITE, unique_folder
from lm_eval_illusion.pruning.checkpoint_files import EarlierVersionError, EntryError, WritableError
from lm_eval_illusion.pruning.entry_check import check_entry
from lm_eval_illusion.pruning.entry_write import close_to_others, sync, write_entry
from lm_eval_illusion.pruning.job_folder import enter_job_folder, job_identity
from lm_eval_illusion.pruning.manifest import Manifest
from lm_eval_illusion.pruning.manifest_check import Asked
from lm_eval_illusion.pruning.store_trust import (
    Trust,
    closing_command,
    owner_name,
    read_trust,
    refuse_untrusted_store,
    ways_out,
)

logger = logging.getLogger(__name__)

TEMPORARY = "lm-eval-illusion-"
LONGEST_NAME = 200
WAIT_UNTIL_TOLD_S = 5
"""After this time, a process that waits for another one says so."""


class Checkpoint(NamedTuple):
    """The folder of a checkpoint and its manifest. For `pruner=none`, `path` is the base model's folder or hub name."""

    path: str
    manifest: Manifest


def key_of(identity: Mapping[str, object]) -> str:
    """Return the store key of an identity: the first 32 hexadecimal digits of the SHA-256 of its canonical JSON."""
    canonical = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()[:32]


def get_or_create(
    store: str, key: str, make: Callable[[Path], Manifest], *, name: str = "", asked: Asked | None = None
) -> Checkpoint:
    """Return the entry `key` of the store; create it with `make` if it is missing or fails the check.

    `make` writes the checkpoint into the empty folder that it gets as argument, and returns the manifest without `files` and `checksum`.
    One process makes an entry, others wait for it. A complete entry is also used where the store can't be written. With `store="off"`
    the checkpoint is in a temporary folder that is deleted when the process ends; the processes of a distributed job on this machine
    share it, and the last one deletes it. `name`: describes the entry in messages, e.g. "wanda-0.6 of my-model". `asked`: what the
    manifest must agree with.

    Raises:
        UserError: The store can't be used or can be changed by others, it can't be written and has no complete entry, or the entry is of
            somebody who is not trusted. Errors of `make` other than OSError are passed on.
    """
    request = _Request(key, make, asked, _described(key, name), read_trust(os.environ))
    try:
        if store == "off":
            identity = job_identity(os.environ)
            folder = enter_job_folder(identity) if identity is not None else None
            return _create_temporary(request) if folder is None else _get_or_create_entry(folder, request)
        return _get_or_create_entry(_folder(store), request)
    except OSError as error:
        reason = system_reason(error)
        if store == "off":
            raise UserError(
                f"the temporary folder can't be used ({reason}): free disk space, set TMPDIR to another folder, or give store=FOLDER"
            ) from error
        raise UserError(
            f"store {store} can't be used ({reason}): free disk space or make it writable, or give store=FOLDER or store=off"
        ) from error


def find(store: str, key: str, *, name: str = "", asked: Asked | None = None) -> Checkpoint | str:
    """Return the entry `key` of the store; or why it can't be used, as the end of a sentence: "is not in it", "is corrupt (...)".

    Nothing is written. While another process makes the entry, this one waits. Arguments as of `get_or_create`.

    Raises:
        UserError: The store, or the entry, can be changed by others.
    """
    missing = "is not in it"
    if store == "off":
        return missing
    request = _Request(key, _make_nothing, asked, _described(key, name), read_trust(os.environ))
    try:
        folder = _folder(store)
        entry, lock = folder / key, folder / ".work" / f"{key}.lock"
        if not os.path.lexists(folder):
            return missing
        refuse_untrusted_store(folder, request.trust)
        if not os.path.lexists(entry) and lock.is_file():
            refuse_untrusted_store(lock.parent, request.trust)
            with ExitStack() as held, suppress(OSError):  # A store that is only read has nobody who makes an entry.
                _lock(lock, False, request, held)
        return _checked(entry, request)
    except OSError as error:
        return f"can't be read ({system_reason(error)})"


def _make_nothing(_: Path) -> Manifest:
    raise RuntimeError("an entry that is only looked for was to be made")


def _described(key: str, name: str) -> str:
    return f"{key} ({name[:LONGEST_NAME]})" if name else key


def verify(entry: Path) -> str | None:
    """Check an entry as before its use, but for what was asked, and return the fault; None if there is none."""
    # A temporary checkpoint's folder is not named by the key.
    key = None if entry.name.startswith(TEMPORARY) else entry.name
    try:
        check_entry(entry, key, None, read_trust(os.environ))
    except EntryError as fault:
        return str(fault)
    return None


class _Request(NamedTuple):
    key: str
    make: Callable[[Path], Manifest]
    asked: Asked | None
    described: str
    trust: Trust

    @property
    def allows_code(self) -> bool:
        return self.asked is not None and self.asked.allows_code


def _folder(store: str) -> Path:
    """Return the path of a store. Where links are on the way they are followed now, so that all checks and uses are of one folder."""
    try:
        folder = Path(store).expanduser()
        resolved = folder.resolve()
    except RuntimeError as error:  # a loop of links, or no home folder
        if store.startswith("~"):
            raise UserError(f"store {store}: the home folder is not known: give the whole path, or store=off") from error
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    except ValueError as error:
        raise UserError(f"store {store[:LONGEST_NAME]} is no path ({error}): give store=FOLDER") from error
    return folder if resolved == Path(os.path.abspath(folder)) else resolved


def _get_or_create_entry(store: Path, request: _Request) -> Checkpoint:
    refuse_untrusted_store(store, request.trust)
    work, entry = store / ".work", store / request.key
    with ExitStack() as held:
        try:
            is_shared = _make_folders(store, work, request.trust)
            _lock(work / f"{request.key}.lock", is_shared, request, held)
        except OSError as error:
            # A complete entry is read without a lock: it appeared by a rename, and nobody changes it.
            return _read_entry(entry, request, error)
        for leftover in work.glob(f"{request.key}-*"):
            _delete_leftover(leftover)
        checked = _checked(entry, request)
        if isinstance(checked, Checkpoint):
            return checked
        try:
            _check_writable(store, work)
        except OSError as error:
            raise _not_writable(store, request, checked, error) from error
        if os.path.lexists(entry):
            moved_to = _set_aside(entry, request, checked)
            logger.warning(
                "pruned checkpoint %s %s: set aside as %s and made again", entry, for_terminal(checked), moved_to.name
            )
        return _make_entry(store, work, entry, request)


def _make_entry(store: Path, work: Path, entry: Path, request: _Request) -> Checkpoint:
    folder = unique_folder(work, request.key)
    try:
        close_to_others(folder)
        manifest = write_entry(folder, request.key, request.make, allows_code=request.allows_code)
        os.rename(folder, entry)
        sync(store)
    except OSError as error:
        # A process that could not lock made it meanwhile.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return _read_entry(entry, request, error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Checkpoint(str(entry), manifest)


def make_store_folder(store: Path) -> None:
    """Create the folder of a store if it is missing.

    Raises:
        OSError: It can't be created.
    """
    store.parent.mkdir(parents=True, exist_ok=True)
    # Some users' umask lets their group write. In a store, the group could then replace checkpoints.
    store.mkdir(mode=0o755, exist_ok=True)


def _make_folders(store: Path, work: Path, trust: Trust) -> bool:
    """Create the store's folders where they are missing. Return whether others than its owner may write in the store.

    Raises:
        OSError: They can't be created or examined.
        UserError: `work` can be changed by others.
    """
    make_store_folder(store)
    mode = stat.S_IMODE(store.stat().st_mode)
    is_shared = bool(mode & OTHERS_MAY_WRITE)
    try:
        work.mkdir(mode=0o755)
        if is_shared:  # Whoever may add an entry must be able to make one.
            work.chmod(mode)
    except FileExistsError:
        if work.is_symlink():
            raise OSError(errno.ELOOP, f"{work.name} is a symbolic link") from None
    # The whole store is mended at once. In a shared one, `work` has its own mode.
    refuse_untrusted_store(work, trust, None if is_shared else store)
    return is_shared


def _lock(path: Path, is_shared: bool, request: _Request, held: ExitStack) -> None:
    """Hold the lock of an entry until `held` is closed. In a shared store, others must be able to open the file for writing."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=0o666 if is_shared else 0o644)
    try:
        lock.acquire(timeout=WAIT_UNTIL_TOLD_S)
    except Timeout:
        logger.warning("waiting for another process that makes the checkpoint %s", for_terminal(request.described))
        lock.acquire()
    held.callback(lock.release)


def _read_entry(entry: Path, request: _Request, error: OSError) -> Checkpoint:
    """Return a complete entry of a store that can't be written because of `error`.

    Raises:
        UserError: The entry is missing, fails the check, or is of somebody who is not trusted.
    """
    checked = _checked(entry, request)
    if isinstance(checked, Checkpoint):
        return checked
    raise _not_writable(entry.parent, request, checked, error) from error


def _checked(entry: Path, request: _Request) -> Checkpoint | str:
    """Return the entry; or why it can't be used, as the end of a sentence.

    Raises:
        UserError: The entry is of somebody who is not trusted, or its only fault is that others may write it.
    """
    # Unlike Path.exists, False also where the store can't be read.
    if not os.path.lexists(entry):
        return "is not in it"
    status = entry.lstat()
    fault = request.trust.fault_of_owner(status)
    if fault is not None:
        raise UserError(f"the checkpoint {request.described} in store {entry.parent} {fault}: {ways_out(status.st_uid)}")
    try:
        return Checkpoint(str(entry), check_entry(entry, request.key, request.asked, request.trust))
    except EarlierVersionError as found:
        return str(found)
    except WritableError as found:
        # To make it again would cost hours, and as much disk space again. A shared store itself stays open.
        is_own, is_shared = status.st_uid == os.geteuid(), entry.parent.stat().st_mode & OTHERS_MAY_WRITE
        command = closing_command(entry.parent if is_own and not is_shared else entry)
        ask = f"run `{command}`" if is_own else f"ask {owner_name(status.st_uid)} to run `{command}`"
        raise UserError(
            f"the checkpoint {request.described} in store {entry.parent} can't be trusted ({found}): {ask} if nobody else has changed it,"
            f" otherwise delete {entry}, or give store=FOLDER or store=off"
        ) from found
    except EntryError as found:
        return f"is corrupt ({found})"


def _not_writable(store: Path, request: _Request, fault: str, error: OSError) -> UserError:
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        problem, remedy = "is read-only", "make it writable"
    else:
        problem, remedy = "can't be used", "free disk space or make it writable"
    return UserError(
        f"store {store} {problem} ({system_reason(error)}) and the checkpoint {request.described} {fault}: {remedy}, or give"
        " store=FOLDER or store=off"
    )


def _delete_leftover(folder: Path) -> None:
    """Delete an unfinished folder. The caller holds the lock of its entry, so the process that wrote it was killed."""
    try:
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
        else:  # rmtree would open it, and wait for the other end of a FIFO
            folder.unlink()
    except OSError as error:
        # It may belong to another user. It costs disk space, nothing else.
        logger.warning("the unfinished checkpoint %s can't be deleted (%s)", for_terminal(str(folder)), system_reason(error))


def _check_writable(*folders: Path) -> None:
    """Raise OSError before hours of pruning if the entry could not be made in one of them and then renamed into the other."""
    for folder in folders:
        with tempfile.TemporaryFile(dir=folder):
            pass


def _create_temporary(request: _Request) -> Checkpoint:
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    atexit.register(_delete_own, folder, os.getpid())
    return Checkpoint(str(folder), write_entry(folder, request.key, request.make, allows_code=request.allows_code))


def _delete_own(folder: Path, process: int) -> None:
    # A forked child runs the exit functions of its parent, too.
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _set_aside(entry: Path, request: _Request, fault: str) -> Path:
    """Rename a corrupt entry to the first free `<key>.corrupt-<n>` and return that path.

    Raises:
        UserError: It is in a shared store and belongs to another user.
    """
    number = 1
    while os.path.lexists(aside := entry.with_name(f"{entry.name}.corrupt-{number}")):
        number += 1
    try:
        entry.rename(aside)
    except PermissionError as error:
        raise UserError(
            f"the checkpoint {request.described} in store {entry.parent} {fault} and can't be set aside, because it belongs to"
            f" {owner_name(entry.lstat().st_uid)}: ask this user to delete {entry}, or give store=FOLDER or store=off"
        ) from error
    return aside
