"""Who can write a store and the checkpoints in it: whoever can, decides what a model that is loaded from it says.

Trusted are this user, root, and the users that `LM_EVAL_ILLUSION_TRUSTED_OWNERS` names. Owners and permissions are compared as the
operating system reports them; Windows has none that could be compared, so there everything passes.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import OTHERS_MAY_WRITE

VARIABLE = "LM_EVAL_ILLUSION_TRUSTED_OWNERS"
LARGEST_UID = 2**32 - 2


class Trust(NamedTuple):
    """The user ids whose files are trusted; None where the platform has none."""

    owners: frozenset[int] | None

    def fault_of_owner(self, status: os.stat_result) -> str | None:
        """Return why the owner of a file or folder is not trusted, as the end of a sentence; None if the owner is."""
        if self.owners is None or status.st_uid in self.owners:
            return None
        return f"belongs to {owner_name(status.st_uid)}, who is not trusted"

    def fault(self, status: os.stat_result) -> str | None:
        """Return why a file or folder of a checkpoint can't be trusted, as the end of a sentence; None if it can.

        The sticky bit does not suffice here: it does not protect what a file contains, nor what may be added to a folder.
        """
        if self.owners is not None and status.st_mode & OTHERS_MAY_WRITE:
            return f"may be changed by other users (mode {stat.S_IMODE(status.st_mode):04o})"
        return self.fault_of_owner(status)


def read_trust(environment: Mapping[str, str]) -> Trust:
    """Return who is trusted: this user, root, and the comma-separated names or user ids in `LM_EVAL_ILLUSION_TRUSTED_OWNERS`.

    Raises:
        UserError: A name is not that of a user of this machine.
    """
    if sys.platform == "win32":
        return Trust(None)
    names = (name.strip() for name in environment.get(VARIABLE, "").split(","))
    return Trust(frozenset({0, os.geteuid(), *(_user_id(name) for name in names if name)}))


def refuse_untrusted_store(folder: Path, trust: Trust, mended: Path | None = None) -> None:
    """Refuse a store, or a folder of its own, that somebody else can change. Nothing is refused if it does not exist.

    `mended`: the folder whose permissions the message says how to mend; None is `folder`.

    Raises:
        UserError: The folder belongs to somebody who is not trusted, or group or others may write in it and it has no sticky bit.
        OSError: The folder can't be examined, or is no folder.
    """
    try:
        # A store may be a symbolic link, as when ~/.cache is on another disk. Its target is what counts.
        status = folder.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    fault = trust.fault_of_owner(status)
    if fault is not None:
        raise UserError(f"store {folder} {fault}: {ways_out(status.st_uid)}")
    # With the sticky bit, others can add entries, but can't rename or delete those of somebody else.
    if trust.owners is not None and status.st_mode & OTHERS_MAY_WRITE and not status.st_mode & stat.S_ISVTX:
        path = shlex.quote(str(folder))
        raise UserError(
            f"store {folder} may be changed by other users (mode {stat.S_IMODE(status.st_mode):04o}), who could put other weights into"
            f" it: run `{closing_command(mended or folder)}` to mend it with all that it holds, or `chmod +t {path}` for a store that"
            " several users fill, or give store=FOLDER"
        )


def closing_command(folder: Path) -> str:
    """Return the command by which the owner of a folder takes from others the permission to write in it and in all below it."""
    return f"chmod -R g-w,o-w {shlex.quote(str(folder))}"


def ways_out(user_id: int) -> str:
    """Return what a user can do about a store or a checkpoint of somebody who is not trusted."""
    return f"set {VARIABLE}={owner_name(user_id)} to trust this user, or give store=FOLDER or store=off"


def owner_name(user_id: int) -> str:
    """Return the name of a user; the number where there is no such user on this machine."""
    try:
        import pwd

        return pwd.getpwuid(user_id).pw_name
    except (ImportError, KeyError, OverflowError):  # ImportError: Windows
        return str(user_id)


def _user_id(name: str) -> int:
    import pwd

    if name.isascii() and name.isdecimal() and len(name) <= 10 and int(name) <= LARGEST_UID:
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):  # ValueError: a NUL character
        raise UserError(
            f"{VARIABLE} names {name[:100]!r}, who is not a user of this machine: give names or ids of users, separated by commas"
        ) from None
