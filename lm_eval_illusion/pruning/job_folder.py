"""A temporary folder that the processes of one job on one machine share; the last process that ends deletes it.

TMPDIR/lm-eval-illusion-job-<hash>/              mode 0700, owned by the user
TMPDIR/lm-eval-illusion-job-<hash>/processes     file lock, held shared by each process until its end
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import logging
import os
import shutil
import socket
import stat
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

logger = logging.getLogger(__name__)

PREFIX = "lm-eval-illusion-job-"
_LOCK = "processes"

# Set by torchrun and accelerate, Open MPI, MPICH, MVAPICH, Slurm.
_JOB_SIZES = ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_NTASKS")
# Processes that are to find each other through torch.distributed have the same address and port, and no other job has them.
_RENDEZVOUS = ("MASTER_ADDR", "MASTER_PORT")


def job_identity(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return values that all processes of this job on this machine have in common, and no other job; None for a job of one process.

    They are read from the environment that the launcher made: address and port of the rendezvous, else the launcher's process. Without
    flock (Windows) a job has no identity.
    """
    if sys.platform == "win32" or not any(_number(environment.get(name)) > 1 for name in _JOB_SIZES):
        return None
    machine = (socket.gethostname(), _namespace("net"), _namespace("pid"))
    if all(environment.get(name) for name in _RENDEZVOUS):
        return (*machine, *(environment[name] for name in _RENDEZVOUS), environment.get("TORCHELASTIC_RUN_ID", ""))
    return (*machine, str(os.getppid()), _start_time(os.getppid()))


def path_of_job(identity: tuple[str, ...]) -> Path:
    """Return the path of the folder of the job `identity`."""
    name = hashlib.sha256("\0".join((str(os.geteuid()), *identity)).encode()).hexdigest()[:32]
    return Path(tempfile.gettempdir()) / f"{PREFIX}{name}"


def enter_job_folder(identity: tuple[str, ...]) -> Path | None:
    """Return the folder of the job `identity`; create it if it is missing. It exists at least until this process ends.

    Folders of jobs that were killed are deleted. None, with a warning in the log: the name is taken by something that is not a private
    folder of this user.

    Raises:
        OSError: The folder can't be created or locked.
    """
    import fcntl

    _delete_abandoned_folders()
    folder = path_of_job(identity)
    while True:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        try:
            if not _is_private(folder):
                logger.warning("%s is not a private folder of this user: each process of this job prunes by itself", folder)
                return None
            descriptor = _open_lock(folder)
        except FileNotFoundError:
            continue  # deleted since mkdir
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if _is_lock_of(folder, descriptor):
            break
        os.close(descriptor)  # The last process deleted the folder while this one waited for the lock.
    atexit.register(_leave, folder, descriptor, os.getpid())
    return folder


def _leave(folder: Path, descriptor: int, process: int) -> None:
    # A forked child runs the exit functions of its parent, too.
    if os.getpid() == process:
        _delete_if_unused(folder, descriptor)


def _delete_abandoned_folders() -> None:
    """Delete job folders of this user that no process holds. A killed process runs no exit function, but its lock vanishes."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # Another process may have deleted it, or it is not as this module made it. It costs disk space, nothing else.
        with contextlib.suppress(OSError):
            if _is_private(folder):
                _delete_if_unused(folder, _open_lock(folder))


def _delete_if_unused(folder: Path, descriptor: int) -> None:
    """Delete the folder if no other process holds its lock; close the descriptor of the lock, and so release it."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_lock_of(folder, descriptor):
            # Renamed first: a process that enters meanwhile gets a new folder, never one that is half deleted.
            unused = folder.with_name(f"{PREFIX}deleted-{uuid.uuid4().hex[:8]}")
            folder.rename(unused)
            shutil.rmtree(unused, ignore_errors=True)
    except BlockingIOError:
        pass  # Another process uses it.
    finally:
        os.close(descriptor)


def _is_private(folder: Path) -> bool:
    """Return whether it is a folder, not a link, that belongs to this user and is closed to all others."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _open_lock(folder: Path) -> int:
    return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _is_lock_of(folder: Path, descriptor: int) -> bool:
    """Return whether the open lock file is still the one in the folder."""
    try:
        return os.path.samestat(os.fstat(descriptor), (folder / _LOCK).lstat())
    except OSError:
        return False


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def _namespace(kind: str) -> str:
    """Return the identity of a Linux namespace of this process: containers may share TMPDIR. "" where there are none."""
    try:
        return os.readlink(f"/proc/self/ns/{kind}")
    except OSError:
        return ""


def _start_time(process: int) -> str:
    """Return when a process started, in clock ticks since the machine's start (proc(5), field 22 of stat); "" if unknown."""
    try:
        # The second field is the command in parentheses, which may contain anything.
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""
