"""File systems that only one process sees: full disks and read-only folders without effect on the machine."""

from __future__ import annotations

import ctypes
import os
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000


class Mount(NamedTuple):
    """A tmpfs at `folder` with these mount options, e.g. `size=300k` or `ro`; with `bind,ro` the folder itself, made read-only."""

    folder: Path
    options: str


def mount_in_this_process(mount: Mount) -> None:
    """Make the mount in a namespace of this process, which must have one thread; the mount disappears with the process."""
    enter_namespace()
    make_mount(mount)


def enter_namespace() -> None:
    """Give this process, which must have one thread, and its children file systems of their own: mounts are not visible outside."""
    user, group = os.getuid(), os.getgid()
    # A process that is root of its own user namespace may mount, too.
    _unshare(CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER)
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    # As unshare(1) does.
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def make_mount(mount: Mount) -> None:
    """Make the mount in the namespace that this process is in."""
    file_system = [] if "bind" in mount.options.split(",") else ["-t", "tmpfs"]
    source = str(mount.folder) if not file_system else "tmpfs"
    subprocess.run(["mount", *file_system, "-o", mount.options, source, str(mount.folder)], check=True)


def undo_mount(folder: Path) -> None:
    """Remove the mount at a folder; what is below it is visible again. Files that are still open keep it alive, not visible."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


@lru_cache(maxsize=1)
def can_mount() -> bool:
    """Return whether a process may mount a tmpfs here, as root or in a user namespace."""
    unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    return subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0
