"""The files of a stored checkpoint: which may be in it, which are there, their permissions, and references to code.

A checkpoint holds safetensors, JSON, templates and vocabularies. Pickles, adapters and, unless the user trusts it, Python code are
never among them, so that loading a checkpoint runs nothing that lies in the store.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from lm_eval_illusion.errors import attributed
from lm_eval_illusion.pruning.base_identity import ADAPTER_CONFIGURATION, MOST_JSON_BYTES, REMEDY
from lm_eval_illusion.reading import read_file

SUFFIXES = frozenset(
    (
        *(".safetensors", ".json", ".jinja", ".txt"),
        # Vocabularies, by the names that tokenizers of transformers and of model code give them.
        *(".model", ".spm", ".bpe", ".codes", ".tokenizer", ".tiktoken"),
    )
)
CODE_SUFFIX = ".py"
# transformers loads an adapter on top of the model of a folder, without being asked.
ADAPTER_FILES = frozenset({ADAPTER_CONFIGURATION, "adapter_model.safetensors"})
LONGEST_NAME = 255
CODE_REFERENCE = "auto_map"
"""The field of a configuration that names Python classes to import."""


class EntryError(Exception):
    """A stored checkpoint can't be used. The message is the reason, as a clause."""


class WritableError(EntryError):
    """A stored checkpoint has one fault only: others than its owner may write it. The message names a file and its mode."""


class EarlierVersionError(EntryError):
    """A stored checkpoint is not damaged, but lacks what this version checks. The message is the end of a sentence."""


def fault_of_name(name: str, *, allows_code: bool) -> str | None:
    """Return why a checkpoint may not have a file of this name; None if it may. `name`: relative to its folder, with "/"."""
    path = PurePosixPath(name)
    # The comparison excludes "", "a//b", "./a" and a final "/"; a backslash or colon could mean a folder or a drive on Windows.
    is_plain = str(path) == name and not path.is_absolute() and ".." not in path.parts and not set(name) & set("\\:")
    if not is_plain or not name.isprintable() or len(name) > LONGEST_NAME or name == ".":
        return f"{name[:LONGEST_NAME]!r} is no relative path within the folder"
    if path.name in ADAPTER_FILES or not (path.suffix in SUFFIXES or (allows_code and path.suffix == CODE_SUFFIX)):
        remedy = " (trust_remote_code was not given)" if path.suffix == CODE_SUFFIX else ""
        return f"{name} is no file of a checkpoint{remedy}"
    return None


def walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield relative POSIX path and status of everything below `folder`, at any depth. Links are not followed, nothing is opened.

    Whatever is not a folder is yielded before the folders beside it are entered. The caller stops at the first fault, so that a folder
    with millions of files costs no time.

    Raises:
        OSError: A folder can't be read.
    """
    open_folders = [(folder, "")]
    while open_folders:
        current, prefix = open_folders.pop()
        with os.scandir(current) as found:
            for item in found:
                status = item.stat(follow_symlinks=False)
                yield f"{prefix}{item.name}", status
                if stat.S_ISDIR(status.st_mode):
                    open_folders.append((Path(item.path), f"{prefix}{item.name}/"))


def kind(status: os.stat_result) -> str:
    """Return what a path is: "a file", "a folder", "a symbolic link", or "a special file" for FIFOs, sockets and devices."""
    kinds = ((stat.S_ISREG, "a file"), (stat.S_ISDIR, "a folder"), (stat.S_ISLNK, "a symbolic link"))
    return next((name for is_kind, name in kinds if is_kind(status.st_mode)), "a special file")


def new_files(folder: Path, *, allows_code: bool) -> dict[str, Path]:
    """Return the files of a checkpoint that was just made: relative POSIX path -> path, sorted.

    Raises:
        EntryError: There is something that a checkpoint may not have.
    """
    files = {}
    for name, status in walk(folder):
        if kind(status) == "a folder":
            continue
        fault = fault_of_name(name, allows_code=allows_code) if kind(status) == "a file" else f"{name} is {kind(status)}"
        if fault is not None:
            raise EntryError(fault)
        files[name] = folder / name
    return dict(sorted(files.items()))


def set_permissions(folder: Path, file_mode: int) -> None:
    """Give all files below `folder` this mode, and the folders the same with the bits to enter them wherever they can be read.

    safetensors creates its files with mode 0600, other libraries follow the umask.

    Raises:
        OSError: A mode can't be changed.
    """
    folder_mode = file_mode | (file_mode & 0o444) >> 2
    for name, status in walk(folder):
        mode = folder_mode if stat.S_ISDIR(status.st_mode) else file_mode
        if stat.S_IMODE(status.st_mode) != mode:
            os.chmod(folder / name, mode)


def code_reference(folder: Path, names: Iterator[str]) -> str | None:
    """Return the first configuration among the files `names` of `folder` that names code to import; None if there is none.

    Raises:
        UserError: A configuration can't be read.
    """
    return next((name for name in names if _is_configuration(name) and CODE_REFERENCE in _object_in(folder / name)), None)


def remove_code_references(folder: Path) -> None:
    """Remove the names of Python classes from the configurations in `folder`.

    transformers writes them back even if it used its own class. Without the user's trust they have no effect, and a checkpoint with them
    can't be told from one whose configuration somebody changed.

    Raises:
        UserError: A configuration can't be read.
        OSError: A configuration can't be written.
    """
    for path in sorted(folder.glob("*.json")):
        if _is_configuration(path.name):
            content = _object_in(path)
            if content.pop(CODE_REFERENCE, None) is not None:
                path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _is_configuration(name: str) -> bool:
    return name.endswith("config.json")


def _object_in(path: Path) -> dict[str, object]:
    text = read_file(path, REMEDY, MOST_JSON_BYTES)
    with attributed(f"{path} is not JSON", REMEDY):
        content = json.loads(text)
    return content if isinstance(content, dict) else {}
