"""Checkpoints that an earlier version of this package stored: the versions of the libraries were in their keys, and are in their manifests.

A request for such a checkpoint computes the key that it had from the versions in its manifest, and uses it where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.checkpoint_store import Checkpoint, find, key_of
from lm_eval_illusion.pruning.manifest import read_manifest
from lm_eval_illusion.pruning.manifest_check import Asked

_KEY = re.compile(r"[0-9a-f]{32}")
Identity = Mapping[str, object]
"""What was hashed to a key, without the versions."""


def found_by_key(
    store: str,
    key: str,
    earlier: Iterable[Identity],
    *,
    name: str,
    asked: Asked,
    asked_earlier: Asked | None = None,
) -> Checkpoint | str:
    """Return an entry of the store by its key of today, else by one that it had earlier; or why that of today can't be used.

    `earlier`: identities under which an earlier version may have stored the same checkpoint. `asked_earlier`: what the manifest of such
    an entry must agree with; None is `asked`.

    Raises:
        UserError: The store, or the entry, can be changed by others.
    """
    found = find(store, key, name=name, asked=asked)
    if isinstance(found, Checkpoint) or store == "off":
        return found
    identities = list(earlier)
    for old in _earlier_keys(Path(store).expanduser(), identities):
        checkpoint = find(store, old, name=name, asked=asked_earlier or asked)
        if isinstance(checkpoint, Checkpoint):
            return checkpoint
    return found


def _earlier_keys(store: Path, identities: Sequence[Identity]) -> Iterator[str]:
    """Yield the entries whose names are keys of an identity with the versions that their manifests state, the latest first."""
    try:
        entries = [entry for entry in store.iterdir() if _KEY.fullmatch(entry.name)]
        entries.sort(key=lambda entry: entry.lstat().st_mtime, reverse=True)
    except OSError:  # there is no store, or it can't be read: `find` has said so
        return
    for entry in entries:
        try:
            versions = read_manifest(entry).versions
        except UserError:  # a damaged entry is not this request's; whoever asks for it is told
            continue
        if any(key_of({**identity, "versions": versions}) == entry.name for identity in identities):
            yield entry.name
