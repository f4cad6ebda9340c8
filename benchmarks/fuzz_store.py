"""Damage and forge entries of the checkpoint store, and see what becomes of them: `python -m benchmarks.fuzz_store`.

Each case copies a store of three entries, changes it in one to three ways (`benchmarks/store_mutations.py`), and asks for an entry.
Allowed are: the request is refused in one line, the entry is made again, or it is used as it is. In the last two cases an entry must
be there that equals the original byte by byte, by a comparison that shares no code with the package. Whatever stood in the store before
must still be there, under its name or set aside, and nothing outside it may have changed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import random
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from benchmarks.store_mutations import KEYS, Case, damage
from benchmarks.time_limit import HangError, time_limit
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.checkpoint_store import get_or_create
from lm_eval_illusion.pruning.manifest import CalibrationRecord, Manifest
from lm_eval_illusion.pruning.manifest_check import Asked

LIMIT_S = 10
LONGEST_LINE = 2000
FAILURES = ("traceback", "hang", "wrongly accepted", "not one line", "damaged")
RECIPE = "modifiers: []"

Tree = dict[str, tuple[str, bytes]]
"""Relative path -> kind, and content or target of a link."""


def initial_manifest(key: str) -> Manifest:
    """Return what is known of an entry before it is made."""
    return Manifest(
        base_model="model",
        base_revision=key,
        variant="wanda-0.5",
        pruner="wanda",
        sparsity_requested=0.5,
        mask_structure="0:0",
        owl_lambda=None,
        owl_m=None,
        pruning_seed=0,
        versions={"torch": "2"},
    )


def asked_for(key: str) -> Asked:
    """Return what a request for an entry knows of its manifest."""
    return Asked(initial_manifest(key), sparsity=0.5, calibration=("0" * 64, 8, 64), allows_code=False)


def ask(store: Path, key: str, makes: list[str]) -> str:
    """Ask for an entry and return its path; append the key to `makes` if it is made. The content depends on the key alone."""

    def make(folder: Path) -> Manifest:
        makes.append(key)
        (folder / "sub").mkdir()
        (folder / "model.safetensors").write_bytes(sha256(key.encode()).digest() * 64)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        (folder / "tokenizer.json").write_text(f'{{"key": "{key}"}}')
        (folder / "sub" / "chat.jinja").write_text("{{ messages }}")
        return replace(
            initial_manifest(key),
            sparsity_measured=0.5,
            sparsity_of_layer={"q": 0.5},
            bits_measured=16.0,
            bits_of_layer={"q": 16.0},
            recipe=RECIPE,
            recipe_sha256=sha256(RECIPE.encode()).hexdigest(),
            calibration=CalibrationRecord("embedded", "all", 8, 64, "0" * 64),
        )

    return get_or_create(str(store), key, make, name="wanda-0.5 of model", asked=asked_for(key)).path


def tree(folder: Path) -> Tree:
    """Read everything below a folder, without following links and without opening what is no file."""
    found: Tree = {}
    for current, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(current, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = ("link", os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(mode):
                # Of a sparse file of 1 GiB the size is enough.
                size = path.stat().st_size
                content = ("file", path.read_bytes() if size < 1 << 24 else str(size).encode())
            else:
                content = (str(stat.S_IFMT(mode)), b"")
            found[path.relative_to(folder).as_posix()] = content
    return found


def is_original(entry: Path, original: Tree) -> bool:
    """Return whether an entry is a folder with the original content, and can be written by nobody but this user and root."""
    if not stat.S_ISDIR(entry.lstat().st_mode) or tree(entry) != original:
        return False
    statuses = [entry.lstat(), *((entry / name).lstat() for name in original)]
    return all(status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022 for status in statuses)


def is_closed(folder: Path) -> bool:
    """Return whether nobody but this user and root can replace what is in a folder."""
    status = folder.stat()
    return status.st_uid in (0, os.geteuid()) and (not status.st_mode & 0o022 or bool(status.st_mode & stat.S_ISVTX))


def run_case(case: Case, originals: dict[str, Tree], log: io.StringIO) -> str:
    """Ask for the entry of a damaged store and return what became of it: an outcome, or one of `FAILURES` with details."""
    before, outside, makes = tree(case.store), tree(case.outside), list[str]()
    try:
        with time_limit(LIMIT_S):
            path = Path(ask(case.asked_store, case.key, makes))
        outcome = "made again" if makes else "used"
    except UserError as error:
        path, outcome = Path(), "refused"
        error_output = io.StringIO()
        with contextlib.redirect_stderr(error_output):
            error.show()
        log.write(error_output.getvalue())
    except HangError:
        return "hang"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"[:300]
    lines = log.getvalue().splitlines()
    if not all(line.isprintable() and len(line) < LONGEST_LINE for line in lines) or (outcome == "refused" and not lines):
        return f"not one line: {lines!r}"[:300]
    if outcome != "refused" and not (is_original(path, originals[case.key]) and is_closed(case.store)):
        return "wrongly accepted"
    if tree(case.outside) != outside or not is_kept(before, tree(case.store), case.key):
        return "damaged"
    return outcome


def is_kept(before: Tree, after: Tree, key: str) -> bool:
    """Return whether all that was in a store is still in it. The entry `key` may have been set aside, unfinished ones are deleted."""
    aside = next((name for name in after if name.startswith(f"{key}.corrupt-") and name not in before and "/" not in name), key)
    return all(
        content in (after.get(name), after.get(name.replace(key, aside, 1) if name.split("/")[0] == key else name))
        for name, content in before.items()
        if not name.startswith(f".work/{key}-")
    )


@contextlib.contextmanager
def captured_log() -> Iterator[io.StringIO]:
    """Write what the package logs within the `with` statement to the returned text instead of the terminal."""
    text = io.StringIO()
    handler, logger = logging.StreamHandler(text), logging.getLogger("lm_eval_illusion")
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield text
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def fuzz(cases: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Run cases in an empty folder, and leave them there. Return how often each outcome occurred, and a line for each failure."""
    pristine = folder / "pristine"
    for key in KEYS:
        ask(pristine, key, [])
    originals = {key: tree(pristine / key) for key in KEYS}
    outcomes, failures = Counter[str](), []
    for number in range(cases):
        rng = random.Random(f"{seed} {number}")
        case = damage(rng, pristine, folder / f"{number}")
        with captured_log() as log:
            outcome = run_case(case, originals, log)
        kind = outcome.split(":")[0]
        outcomes[kind] += 1
        if kind in FAILURES:
            failures.append(f"case {number} ({', '.join(case.mutations)}): {outcome}")
    return outcomes, failures


def main() -> int:
    """Run the cases, print the outcomes, and return 1 if one was a failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fuzz-store-") as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        outcomes, failures = fuzz(options.cases, options.seed, Path(folder))
    for line in failures:
        print(line.encode("ascii", "backslashreplace").decode())
    good = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()) if name not in FAILURES)
    print(f"{options.cases} cases in {time.perf_counter() - started:.0f} s: {good}")
    print(", ".join(f"{outcomes[name]} {name}" for name in FAILURES))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
