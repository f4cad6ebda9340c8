"""The changes that `benchmarks/fuzz_store.py` makes to a store: bytes, fields, forged manifests, links, special files, modes, owners."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from lm_eval_illusion.pruning.manifest import Manifest, manifest_text

KEYS = ("a" * 32, "b" * 32, "c" * 32)
NOBODY = 65534
NAMES = (
    *(
        "evil.py",
        "pytorch_model.bin",
        "adapter_config.json",
        "x.json",
        ".hidden",
        "a b",
        "\x1b[2J",
        "\udcff",
        "\u202e.json",
        "\n",
    ),
    *("x" * 255, "README.md", "Manifest.json", "manifest.json.bak", "model.safetensors~", "生.json"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, 0.6, 1e308, -1e308, 10**30, float("nan"), float("inf")),
    *("", "x", "0.5", "\ud800", "\x1b]52;c;x\x07", "x" * 100_000),
    *([], {}, [[]], {"": {}}, {"q": 2}, {"q": "0.5"}, {"../x": "0"}, {"/etc/passwd": "0"}, ["model.safetensors"]),
)
CALIBRATION = {"source": "embedded", "language": "all", "samples": 8, "length": 64, "sha256": "0" * 64}
MODES = (0o000, 0o400, 0o444, 0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o755, 0o775, 0o777, 0o1777, 0o2775, 0o4755)
# Possible values of fields that the request or another field determines. Other fields could be forged by somebody who is trusted to write
# the store and computes the checksum anew.
FORGERIES: dict[str, tuple[Any, ...]] = {
    "base_revision": ("", "other", KEYS[0]),
    "sparsity_requested": (None, 0.0, 0.6),
    "sparsity_measured": (None, 0.0, 0.49, 0.51, 1.0, 1e308, -1e-3),
    "sparsity_of_layer": ({}, {"q": 0.4}, {"q": 1e300}, {"a": 0.1, "b": 0.2}),
    "bits_measured": (None, 0.0, 4.0, 1e6),
    "mask_structure": ("2:4", "x"),
    "owl_lambda": (0.08,),
    "owl_m": (5.0,),
    "pruning_seed": (None, 1),
    "recipe": (None, "", "other: recipe"),
    "recipe_sha256": ("", "0" * 64),
    "calibration": (
        None,
        *({**CALIBRATION, **it} for it in ({"samples": 0}, {"samples": 9}, {"length": 65}, {"sha256": "1" * 64})),
    ),
    "key": (None, "", *KEYS),
    "versions": ({}, {"torch": "3"}),
    "changes": ([{"argument": "peft", "value": "x", "content": None}],),
    "files": ({}, {"model.safetensors": "0" * 64}, {"../x": "0"}, {"config.json": "0"}),
}


@dataclass
class Case:
    """A damaged copy of a store, and what is asked of it.

    `asked_store`: the path that is given for the store, which may be a link to it. `outside`: a folder that nothing may change.
    `mutations`: the names of the changes that were made.
    """

    rng: random.Random
    store: Path
    outside: Path
    key: str
    asked_store: Path
    mutations: list[str] = field(default_factory=list)

    @property
    def entry(self) -> Path:
        """The entry that is asked for."""
        return self.store / self.key

    def any_file(self) -> Path:
        """Return a file or link of the entry, as a rule; the manifest more often than others."""
        manifest = self.entry / "manifest.json"
        files = sorted(path for path in self.entry.rglob("*") if not path.is_dir() or path.is_symlink())
        return self.rng.choice([manifest, *files])


def content(path: Path) -> bytes:
    """Return the content of a file. What an earlier change put there may be no file, and reading a FIFO would not end."""
    if not path.is_file():
        raise ValueError("no file")
    return path.read_bytes()


def damage(rng: random.Random, pristine: Path, folder: Path) -> Case:
    """Copy a store into the new `folder` and change it in one to three ways."""
    store, outside = folder / "store", folder / "outside"
    shutil.copytree(pristine, store, symlinks=True)
    outside.mkdir()
    (outside / "precious.txt").write_text("text")
    case = Case(rng, store, outside, rng.choice(KEYS), store)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        mutation = rng.choice(MUTATIONS)
        # A second change may meet what the first one left.
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
            mutation(case)
            case.mutations.append(mutation.__name__)
    return case


def change_byte(case: Case) -> None:
    """Change a byte of a file; sometimes restore its time of change."""
    path = case.any_file()
    changed, status = bytearray(content(path)), path.stat()
    changed[case.rng.randrange(len(changed))] ^= 1 << case.rng.randrange(8)
    path.write_bytes(changed)
    if case.rng.random() < 0.5:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut_or_append(case: Case) -> None:
    """Cut a file, or append bytes to it."""
    path = case.any_file()
    before = content(path)
    path.write_bytes(before[: case.rng.randrange(len(before))] if case.rng.random() < 0.5 else before + b"\n")


def edit_field(case: Case) -> None:
    """Set, add or remove a field of the manifest, as with an editor."""
    path = case.entry / "manifest.json"
    fields = json.loads(content(path))
    name = case.rng.choice([*fields, "more"])
    if case.rng.random() < 0.2:
        fields.pop(name, None)
    else:
        fields[name] = case.rng.choice(VALUES)
    path.write_text(json.dumps(fields, indent=2))


def forge_field(case: Case) -> None:
    """Set a field to another value and compute the checksum anew, as somebody who knows the format."""
    path = case.entry / "manifest.json"
    fields = json.loads(content(path))
    name = case.rng.choice(list(FORGERIES))
    value = case.rng.choice([value for value in FORGERIES[name] if value != fields[name]])
    path.write_text(manifest_text(msgspec.convert({**fields, name: value}, Manifest)))


def replace_manifest(case: Case) -> None:
    """Write a manifest that is hostile as a text."""
    path = case.entry / "manifest.json"
    text = content(path).decode()
    hostile = (
        *(
            "",
            "[" * 200_000,
            '{"a":' * 200_000,
            "9" * 100_000,
            '{"pruning_seed":' + "9" * 10_000 + "}",
            "null",
            "[]",
            "\ufeff" + text,
        ),
        *(
            text.replace(": 0.5", ": 5e-1"),
            text.replace("{", '{"base_model": "x",', 1),
            text.replace(" ", ""),
            text.replace(": 0.5", ": NaN"),
        ),
        *(text.replace("wanda", "\\ud800"), text.replace("model.safetensors", "../model.safetensors"), text + text),
    )
    path.write_bytes(case.rng.choice(hostile).encode() if case.rng.random() < 0.9 else os.urandom(1000))


def inflate_manifest(case: Case) -> None:
    """Make the manifest 1 GiB long; the file is sparse."""
    if case.rng.random() < 0.2:
        os.truncate(case.entry / "manifest.json", 1 << 30)


def add_something(case: Case) -> None:
    """Add a file, folder, link, FIFO or socket to the entry."""
    parent = case.rng.choice([case.entry, case.entry / "sub"])
    make_something(case, parent / case.rng.choice(NAMES))


def replace_with_something(case: Case) -> None:
    """Put something else in the place of a file, often a link to its own content."""
    path = case.any_file()
    case.outside.joinpath(path.name).write_bytes(content(path))
    path.unlink()
    if case.rng.random() < 0.4:
        path.symlink_to(case.outside / path.name)
    else:
        make_something(case, path)


def make_something(case: Case, path: Path) -> None:
    """Make a file, folder, link, FIFO or socket."""
    kind = case.rng.randrange(7)
    if kind == 0:
        with path.open("x") as file:  # what is already there may be a FIFO
            file.write("import os")
    elif kind == 1:
        (path / "deep").mkdir(parents=True)
    elif kind == 2:
        path.symlink_to(
            case.rng.choice([case.outside, case.outside / "missing", path, case.entry, case.outside / "precious.txt"])
        )
    elif kind == 3:
        os.mkfifo(path)
    elif kind == 4:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == 5:
        os.link(case.store / next(key for key in KEYS if key != case.key) / "config.json", path)
    else:
        path.mkdir()


def remove_file(case: Case) -> None:
    """Remove a file, or give it another name."""
    path = case.any_file()
    if case.rng.random() < 0.5:
        path.unlink()
    else:
        path.rename(path.with_name(case.rng.choice(NAMES)))


def swap_files(case: Case) -> None:
    """Exchange two files of the entry, or put a file of another entry in the place of one."""
    if case.rng.random() < 0.5:
        one, other = case.any_file(), case.any_file()
    else:
        one = case.any_file()
        other = case.store / case.rng.choice(KEYS) / one.relative_to(case.entry)
    first, second = content(one), content(other)
    one.write_bytes(second)
    other.write_bytes(first)


def swap_entries(case: Case) -> None:
    """Put another entry in the place of the entry: exchanged, copied, or as a link."""
    other = case.store / case.rng.choice([key for key in KEYS if key != case.key])
    kind = case.rng.randrange(3)
    case.entry.rename(case.outside / "entry")
    if kind == 0:
        other.rename(case.entry)
        (case.outside / "entry").rename(other)
    elif kind == 1:
        shutil.copytree(other, case.entry, symlinks=True)
    else:
        case.entry.symlink_to(case.rng.choice([other, case.outside / "entry", case.outside / "missing", case.entry]))


def replace_entry(case: Case) -> None:
    """Remove the entry, or put something that is no checkpoint in its place."""
    case.entry.rename(case.outside / "entry")
    if case.rng.random() < 0.8:
        make_something(case, case.entry)


def link_folder(case: Case) -> None:
    """Move a folder of the entry out of the store, and link to it."""
    (case.entry / "sub").rename(case.outside / "sub")
    (case.entry / "sub").symlink_to(case.outside / "sub")


def change_mode(case: Case) -> None:
    """Set the mode of a file, the entry, the store, or its work folder."""
    path = case.rng.choice([case.any_file(), case.entry, case.entry / "sub", case.store, case.store / ".work"])
    # This program reads the store, too.
    readable = 0 if os.geteuid() == 0 else 0o700 if path.is_dir() else 0o400
    os.chmod(path, case.rng.choice(MODES) | readable)


def change_owner(case: Case) -> None:
    """Give a file, the entry, the store, or its work folder to another user, which only root can do."""
    path = case.rng.choice([case.any_file(), case.entry, case.entry / "sub", case.store, case.store / ".work"])
    os.chown(path, NOBODY, -1, follow_symlinks=False)


def plant_work(case: Case) -> None:
    """Replace the lock file or the work folder, or plant a leftover of the entry with links out of the store."""
    work = case.store / ".work"
    kind = case.rng.randrange(4)
    if kind == 0:
        (work / f"{case.key}.lock").unlink(missing_ok=True)
        make_something(case, work / f"{case.key}.lock")
    elif kind == 1:
        work.rename(case.outside / "work")
        make_something(case, work)
    elif kind == 2:
        make_something(case, work / f"{case.key}-0")
    else:
        (work / f"{case.key}-1").mkdir()
        (work / f"{case.key}-1" / "link").symlink_to(case.outside)


def plant_aside(case: Case) -> None:
    """Take the name under which a corrupt entry is set aside."""
    make_something(case, case.store / f"{case.key}.corrupt-1")
    change_byte(case)


def link_store(case: Case) -> None:
    """Ask by a link to the store."""
    link = case.store.with_name("link")
    link.symlink_to(case.store if case.rng.random() < 0.8 else link)
    case.asked_store = link


def change_nothing(case: Case) -> None:
    """Leave the entry as it is, or only set times."""
    os.utime(case.any_file(), ns=(1, 1))


MUTATIONS: tuple[Callable[[Case], None], ...] = (
    *(change_byte, cut_or_append, edit_field, edit_field, forge_field, forge_field, replace_manifest, inflate_manifest),
    *(add_something, add_something, replace_with_something, remove_file, swap_files, swap_entries, replace_entry, link_folder),
    *(change_mode, change_mode, change_owner, plant_work, plant_aside, link_store, change_nothing),
)
