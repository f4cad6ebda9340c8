"""The files of a report in its folder: all are replaced or none, and those that an earlier report left are removed.

A list in the folder names the files of the report and their SHA-256. Another person may have written it, so it removes nothing but an
unchanged file of a name that only a report has. Any other file in the place of one of the report's is kept under another name.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path

from lm_eval_illusion.analysis.records import read_report_json
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import file_sha256
from lm_eval_illusion.reading import read_json

LIST = ".report-files.json"
FIGURES_FOLDER = "figures"
FIXED_NAMES = (
    "report.html",
    "report.json",
    "report.md",
    "leaderboard.csv",
    "calibration_languages.csv",
    "outcomes.parquet",
)
_NAME = re.compile("|".join(map(re.escape, FIXED_NAMES)) + rf"|{FIGURES_FOLDER}/[a-z0-9_]+\.svg", re.ASCII)
MOST_BYTES = 1 << 20


def replace_files(new: Path, names: Iterable[str], out: Path) -> list[Path]:
    """Move the files `names` from the folder `new` to the same names below `out`, and remove what an earlier report has beyond them.

    `new` is on the same disk as `out`. After an error, or if the user interrupts, the files in `out` are those from before.
    A file in the place of a new one that is no unchanged file of an earlier report is renamed: return the paths of such files.

    Raises:
        UserError: A name in `out` belongs to something other than a file, or the folder of the figures is a symbolic link.
        OSError: A file can't be moved.
    """
    names = list(names)
    for name in (*names, LIST):
        _refuse_other(out / name)
    with _folder(out / FIGURES_FOLDER):
        earlier = _read_list(out)
        sums = {name: file_sha256(new / name) for name in names}
        (new / LIST).write_text(json.dumps({"files": sums}, indent=2) + "\n", encoding="utf-8")
        stale = [name for name, sha256 in earlier.items() if name not in sums and _is_unchanged(out / name, sha256)]
        kept = {name: _free_name(out / name) for name in _not_of_a_report(names, out, earlier)}
        saved = _saved([name for name in (*names, *stale, LIST) if name not in kept], out, new / "earlier")
        done: list[str] = []
        try:
            for name in (*names, LIST):
                done.append(name)
                if name in kept:
                    (out / name).rename(kept[name])
                (new / name).replace(out / name)
            for name in stale:
                done.append(name)
                (out / name).unlink()
        except BaseException:
            for name in reversed(done):
                _restore(out / name, kept.get(name) or saved.get(name))
            raise
    return list(kept.values())


def left_over(out: Path) -> list[Path]:
    """Return the files in the folder of a report that have a name of a report's file and are none of its files.

    They may be of a report by an earlier version, which wrote no list, or were changed or made by the user.
    """
    figures = sorted(f"{FIGURES_FOLDER}/{path.name}" for path in (out / FIGURES_FOLDER).iterdir())
    present = _read_list(out)
    names = [name for name in (*FIXED_NAMES, *figures) if name not in present and _NAME.fullmatch(name)]
    return [out / name for name in names if (out / name).is_file()]


def _read_list(out: Path) -> dict[str, str]:
    """Return name and SHA-256 of the earlier report's files; nothing without a list or from a damaged one, so nothing is removed."""
    try:
        plain = read_json(out / LIST, "delete it", MOST_BYTES)
    except UserError:
        return {}
    files = plain.get("files") if isinstance(plain, dict) else None
    if not isinstance(files, dict):
        return {}
    return {name: sha256 for name, sha256 in files.items() if _NAME.fullmatch(name) and isinstance(sha256, str)}


def _not_of_a_report(names: Iterable[str], out: Path, earlier: Mapping[str, str]) -> list[str]:
    """Return those names that a file in `out` has which is not as an earlier report wrote it, so it may be the user's.

    Earlier versions wrote no list: where there is none and report.json is that of a report, its regular files are taken for ours.
    """
    present = [name for name in names if _mode(out / name)]
    if not _mode(out / LIST) and _is_report(out / "report.json"):
        return [name for name in present if not stat.S_ISREG(_mode(out / name))]
    return [name for name in present if name not in earlier or not _is_unchanged(out / name, earlier[name])]


def _is_report(path: Path) -> bool:
    if not stat.S_ISREG(_mode(path)):
        return False
    try:
        read_report_json(read_json(path, "delete it"))
    except (UserError, ValueError, OverflowError, RecursionError):
        return False
    return True


def _free_name(path: Path) -> Path:
    """Return the first of NAME.before-1, NAME.before-2 and so on that nothing in the folder has."""
    return next(free for number in count(1) if not _mode(free := path.with_name(f"{path.name}.before-{number}")))


def _is_unchanged(path: Path, sha256: str) -> bool:
    """Return whether the file has this content. A link, which no report makes, has not."""
    return stat.S_ISREG(_mode(path)) and file_sha256(path) == sha256


def _refuse_other(path: Path) -> None:
    """Refuse a folder, a FIFO or the like where a file of the report belongs. A link is replaced, and its target stays."""
    mode = _mode(path)
    if mode and not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise UserError(f"{path} can't be replaced (it is no file): delete it or give another --out")


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Make the folder; after an error remove it if it was made here."""
    mode = _mode(path)
    # Files would be written to wherever a link leads.
    if mode and not stat.S_ISDIR(mode):
        raise UserError(f"{path} can't be written to (it is no folder, or a link): delete it or give another --out")
    path.mkdir(exist_ok=True)
    try:
        yield
    except BaseException:
        if not mode:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _mode(path: Path) -> int:
    """Return the mode of what is at the path, a link itself; 0 if there is nothing."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def _saved(names: Iterable[str], out: Path, folder: Path) -> Mapping[str, Path]:
    """Return a second name for each of these files that exists, in `folder`; a copy where the disk has no hard links."""
    saved = {}
    (folder / FIGURES_FOLDER).mkdir(parents=True)
    for name in names:
        if _mode(out / name):
            try:
                os.link(out / name, folder / name, follow_symlinks=False)
            except OSError:
                shutil.copy2(out / name, folder / name, follow_symlinks=False)
            saved[name] = folder / name
    return saved


def _restore(path: Path, saved: Path | None) -> None:
    if saved is not None:
        # A file that is kept has its other name only from when it was renamed.
        if _mode(saved):
            saved.replace(path)
    else:
        path.unlink(missing_ok=True)
