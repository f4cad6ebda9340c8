"""Calibration texts drawn from the hub, kept in the checkpoint store: the next run needs neither the time nor the hub.

STORE/.texts/<key>.json      the texts of one request, with their SHA-256

The text decides the key of the checkpoint, so a stored checkpoint is found without the hub only if its text is. A file that another user
could have written, or whose hash is wrong, is not used. Where the store can't be written, the texts are drawn again each time.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.files import replace_text
from lm_eval_illusion.pruning.checkpoint_store import key_of, make_store_folder
from lm_eval_illusion.pruning.store_trust import Trust, read_trust, refuse_untrusted_store
from lm_eval_illusion.reading import read_file

FOLDER = ".texts"
DRAWING = 1
"""Version of the code that draws texts. Increase it when the same request gives other texts."""
logger = logging.getLogger(__name__)


class _Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    texts: list[str]
    sha256: str


def kept_texts(
    store: str, request: dict[str, object], draw: Callable[[], list[str]], sha256: Callable[[list[str]], str]
) -> list[str]:
    """Return the texts of a request from the store; draw and keep them if they are not there. `store`: a folder, or "off".

    Raises:
        UserError: The store can be changed by others. Errors of `draw` are passed on.
    """
    if store == "off":
        return draw()
    try:
        folder = Path(store).expanduser()
    except RuntimeError:  # no home folder, which the store itself reports
        return draw()
    trust = read_trust(os.environ)
    path = folder / FOLDER / f"{key_of({**request, 'drawing': DRAWING})}.json"
    try:
        refuse_untrusted_store(folder, trust)
        texts = _read(path, trust, sha256)
    except OSError:
        texts = None
    if texts is None:
        texts = draw()
        _keep(path, _Texts(texts, sha256(texts)))
    return texts


def _read(path: Path, trust: Trust, sha256: Callable[[list[str]], str]) -> list[str] | None:
    """Return the texts of a file; None if it is missing, damaged or may be of somebody who is not trusted.

    Raises:
        OSError: It can't be examined.
    """
    if not path.is_file() or path.is_symlink() or path.parent.is_symlink():
        return None
    if trust.fault(path.parent.lstat()) or trust.fault(path.lstat()):
        return None
    try:
        found = msgspec.json.decode(read_file(path, "delete it"), type=_Texts)
    except (UserError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found.texts if sha256(found.texts) == found.sha256 else None


def _keep(path: Path, texts: _Texts) -> None:
    """Write the file, if the store can be written."""
    try:
        make_store_folder(path.parent.parent)
        path.parent.mkdir(mode=0o755, exist_ok=True)
        replace_text(path, msgspec.json.encode(texts).decode(), mode=0o644)
    except OSError as error:
        logger.info("the calibration text can't be kept in %s (%s)", path.parent, system_reason(error))
