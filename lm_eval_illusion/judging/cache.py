"""Replies of judges on disk, by the content of the request: nothing is asked twice, and a run that was stopped goes on.

CACHE/<first two digits>/<SHA-256 of the request>.json

One file per reply, written under another name and renamed: processes may share the folder, and whenever one is killed, each file is
whole or is not there. A file that can't be read counts as missing and is written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.files import replace_text, user_cache_folder
from lm_eval_illusion.judging.replies import Completion
from lm_eval_illusion.reading import read_file

MOST_OF_AN_ENTRY = 1 << 20


class CacheEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A reply to a request. `base_url`: of the endpoint that sent it, which is no part of the key."""

    key: str
    prompt_version: int
    base_url: str
    completion: Completion


_ENTRY = msgspec.json.Decoder(CacheEntry)


def request_key(prompt_version: int, request: Mapping[str, Any]) -> str:
    """Return the key of a request: the SHA-256 of the version of the prompt and of all fields (model, messages, settings)."""
    text = json.dumps([prompt_version, dict(request)], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def default_cache() -> Path:
    """Return the default folder, within the user's cache folder.

    Raises:
        UserError: The user has no home folder.
    """
    try:
        return user_cache_folder() / "judge"
    except OSError as error:
        raise UserError("there is no home folder for the cache of verdicts: give a folder by --cache") from error


def cached(folder: Path, key: str) -> CacheEntry | None:
    """Return the entry of a key; None if there is none that can be read."""
    path = _path(folder, key)
    if not path.exists():
        return None
    with contextlib.suppress(UserError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        entry = _ENTRY.decode(read_file(path, "", MOST_OF_AN_ENTRY))
        # A file that was copied to another name is about another request.
        return entry if entry.key == key else None
    return None


def remember(folder: Path, entry: CacheEntry) -> None:
    """Write an entry. Other users can't read a folder that is created here.

    Raises:
        UserError: The folder can't be written.
    """
    path = _path(folder, entry.key)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace_text(path, msgspec.json.encode(entry).decode(), 0o600)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise UserError(
            f"{folder} can't be written ({system_reason(error)}): make room, or give another folder by --cache"
        ) from error


def _path(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.json"
