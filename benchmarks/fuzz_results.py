"""Mutate the files of lm_eval and report them: `python -m benchmarks.fuzz_results [--cases 5000] [--seed 0] [--runs FOLDER]`.

Every case is a copy of some runs with one mutation: of the structure of a results or samples file, of its bytes, or of the kind of file.
It is read and tabulated as `lm-eval-illusion report` does. The result must be one `UserError`, or a report with the numbers that a
separate, plain reading of the mutated files gives. Every 50th case writes into the folder of an earlier report, which a refusal must not
change. Printed are the counts; the exit code is 1 if there was a traceback, a hang of more than 10 s, a wrong report or a damaged one.

The runs are made by lm_eval with the embedded model and three items, or taken from `--runs`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.time_limit import HangError, time_limit
from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.report.command import ReportOptions, read_inputs, report_command

SECONDS = 10
PAIR = ("mqa_illusion_en_mc_letters", "mqa_illusion_en_oneshot")
NOBODY = 65534

VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        3,
        0.5,
        -0.0,
        1e308,
        float("nan"),
        float("inf"),
        float("-inf"),
        10**30,
        2**63,
        -(2**63) - 1,
    ),
    *(
        "",
        " ",
        "0",
        "1",
        "-1",
        "²",
        "nan",
        "x",
        "all",
        "und",
        "none",
        "dense",
        "en",
        "../x",
        "a/b",
        "a\0b",
        "\x1b[2J",
        "\ud800",
        "\u202e",
    ),
    *(
        "x" * 10_000,
        "=1+1",
        "True",
        [],
        {},
        [[]],
        [None],
        {"a": 1},
        ["1", "True"],
        [["-1.0", "False"]] * 4,
        [["nan", "False"]] * 4,
    ),
)
Key = tuple[str, str, str, str]
Counts = tuple[int, int, int, int]


@dataclass
class Tally:
    """What happened in the cases. `problems`: those that must not happen, with the mutation."""

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    slowest: float = 0.0


def fuzz(runs: Path, cases: int, seed: int) -> Tally:
    """Run the cases on copies of the folder `runs`."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="fuzz-results-") as name:
        work = Path(name)
        work.chmod(0o755)
        original = work / "original"
        shutil.copytree(runs, original)
        earlier = work / "earlier"
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            report_command([original], earlier)
        before = {pairs: numbers_of(original, pairs) for pairs in ((), ("=".join(PAIR),))}
        if before != {pairs: plain_numbers(original, pairs) for pairs in before}:
            raise SystemExit("the separate reading of the unchanged files has other numbers")
        for case in range(cases):
            random_numbers = random.Random(f"{seed} {case}")
            folder = work / "case"
            shutil.copytree(original, folder)
            mutation = random_numbers.choices(*zip(*MUTATIONS, strict=True))[0]
            done = f"case {case}: {mutation.__name__}: {mutation(random_numbers, folder)}"
            pairs = ("=".join(PAIR),) if random_numbers.random() < 0.25 else ()
            out = earlier if case % 50 == 49 else None
            begin = time.perf_counter()
            outcome = run_case(folder, pairs, out, before[pairs])
            tally.slowest = max(tally.slowest, time.perf_counter() - begin)
            tally.outcomes[outcome.partition(":")[0]] += 1
            if not outcome.startswith(("refused", "accepted")):
                tally.problems.append(f"{done}: {outcome}")
            restore(folder)
            shutil.rmtree(folder)
    return tally


def run_case(folder: Path, pairs: tuple[str, ...], out: Path | None, before: dict[Key, Counts]) -> str:
    """Return what happened, beginning with refused, accepted, traceback, hang, wrong or damaged."""
    hashes = hashes_of(out) if out is not None else {}
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        time_limit(SECONDS),
        as_nobody(folder),
    ):
        try:
            if out is not None:
                report_command([folder], out, ReportOptions(pairs=pairs))
            found = numbers_of(folder, pairs)
        except UserError as error:
            if len(str(error)) > 2_500:
                return f"wrong message: of {len(str(error))} characters: {str(error)[:300]}"
            if out is not None and hashes != hashes_of(out):
                return f"damaged: {error}"
            return f"refused: {error}"
        except HangError:
            return "hang"
        except BaseException as error:
            return f"traceback: {type(error).__name__}: {error}"[:300]
        try:
            expected = plain_numbers(folder, pairs)
        except Exception as error:
            return f"wrong: accepted what the plain reading can't read: {type(error).__name__}: {error}"
    if found != expected:
        return f"wrong: {sorted(found.items())} instead of {sorted(expected.items())}"
    return "accepted with the numbers of before" if found == before else "accepted with other numbers"


def numbers_of(folder: Path, pairs: tuple[str, ...]) -> dict[Key, Counts]:
    """Return items, recognised, produced and recognition-only of each variant, family and language, from the report."""
    inputs = read_inputs([folder], ReportOptions(pairs=pairs))
    report = tabulate(inputs.outcomes, inputs.recognition, inputs.production)
    found = {}
    for row in report.rows:
        cells = row.cells
        counts = (row.n, cells.both + cells.recognition_only, cells.both + cells.production_only, cells.recognition_only)
        found[row.base_model, row.variant, row.family, row.language] = counts
    return found


# The plain reading: Python's json and the definitions, without checks and without the package.


def plain_numbers(folder: Path, pairs: tuple[str, ...]) -> dict[Key, Counts]:
    """Return the same numbers from the files alone."""
    items: dict[Key, list[tuple[bool, bool]]] = defaultdict(list)
    views: dict[tuple[str, str, str, str], dict[str, list[dict[str, Any]]]] = defaultdict(dict)
    tasks: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = defaultdict(dict)
    for file, results in plain_results(folder):
        illusion = results["config"]["illusion"]
        variant = (illusion["base_model"], illusion["variant"])
        for task, config in results["configs"].items():
            metadata = config.get("metadata")
            date = file.stem.split("_")[-1]
            if isinstance(metadata, dict) and all(isinstance(metadata.get(name), str) for name in ("family", "lang", "view")):
                rows = plain_rows(file.parent / f"samples_{task}_{date}.jsonl")
                views[(*variant, metadata["family"], metadata["lang"])][metadata["view"]] = rows
            if pairs and task in PAIR:
                tasks[variant][task] = plain_rows(file.parent / f"samples_{task}_{date}.jsonl")
    for key, by_view in views.items():
        produced = {str(row["doc"]["id"]): row["match"] == 1 for row in by_view["gen"]}
        for row in by_view["mc"]:
            hits = (row["acc"] == 1 and row["invalid"] == 0, produced[str(row["doc"]["id"])])
            items[key].append(hits)
            items[(*key[:3], "all")].append(hits)
    for model, by_task in tasks.items():
        if len(by_task) == 2:
            answers = {row["doc_hash"]: row["exact_match" if "match" not in row else "match"] == 1 for row in by_task[PAIR[1]]}
            for row in by_task[PAIR[0]]:
                if row["doc_hash"] in answers:
                    scores = sorted((float(score) for score, _ in row["filtered_resps"]), reverse=True)
                    recognised = row["acc"] == 1 and scores[0] > scores[1] and all(score == score for score in scores)
                    items[(*model, "=".join(PAIR), "all")].append((recognised, answers[row["doc_hash"]]))
    return {
        key: (
            len(hits),
            sum(recognised for recognised, _ in hits),
            sum(produced for _, produced in hits),
            sum(recognised and not produced for recognised, produced in hits),
        )
        for key, hits in items.items()
    }


def plain_results(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the results files below a folder and what they contain."""
    seen = set()
    for parent, _, names in os.walk(folder, followlinks=False):
        for name in names:
            file = Path(parent, name).resolve()
            if name.startswith("results_") and name.endswith(".json") and file not in seen:
                seen.add(file)
                yield file, plain_json(file.read_text(encoding="utf-8-sig"))


def plain_rows(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a samples file."""
    return [plain_json(line) for line in file.read_text(encoding="utf-8-sig").split("\n") if line]


def plain_json(text: str) -> Any:
    """Return parsed JSON. Python refuses whole numbers of more than 4,300 digits, which may stand in fields that are not read."""
    return json.loads(text, parse_int=lambda digits: int(digits[:4_000]))


# The mutations. Each changes one thing in the folder and returns what it did.

Mutation = Callable[[random.Random, Path], str]


def results_field(rng: random.Random, folder: Path) -> str:
    """Change one field of a results file."""
    file = rng.choice(results_below(folder))
    content = json.loads(file.read_text(encoding="utf-8"))
    # The report reads these; one in ten is any other field.
    part = rng.choice(
        ["config", "config", "config", "configs", "n-samples", "task_hashes", "group_subtasks", "results", *content]
    )
    if part == "config" and isinstance(content["config"].get("illusion"), dict) and rng.random() < 0.6:
        done = change(rng, content["config"], "illusion")
    else:
        done = change(rng, content, part)
    file.write_text(json.dumps(content), encoding="utf-8")
    return f"{file.name}: {done}"


def row_field(rng: random.Random, folder: Path) -> str:
    """Change one field of one row of a samples file, or of all rows in the same way."""
    file = rng.choice(samples_below(folder))
    lines = file.read_text(encoding="utf-8").splitlines()
    number = rng.randrange(len(lines))
    rows = [json.loads(line) for line in lines]
    if rng.random() < 0.2:
        path = random_path(rng, rows[number])
        value = rng.choice(VALUES)
        for row in rows:
            with contextlib.suppress(KeyError, IndexError, TypeError):
                parent_of(row, path)[path[-1]] = value
        done = f"{path} of all rows is {value!r}"[:200]
    else:
        done = change(rng, rows, number)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return f"{file.name}:{number + 1}: {done}"


def row_order(rng: random.Random, folder: Path) -> str:
    """Delete, repeat, swap, empty or join lines, exchange their ids, or take a line of another file."""
    file, other = rng.sample(samples_below(folder), 2)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    here, there = rng.sample(range(len(lines)), 2)
    kind = rng.choice(
        ["delete", "repeat", "repeat another", "swap", "empty", "join", "ids", "foreign", "add foreign", "answers", "rows"]
    )
    if kind == "delete":
        del lines[here]
    elif kind == "repeat":
        lines.insert(there, lines[here])
    elif kind == "repeat another":
        lines[there] = lines[here]
    elif kind == "swap":
        lines[here], lines[there] = lines[there], lines[here]
    elif kind == "empty":
        lines.insert(here, rng.choice(["\n", "  \n", "\r\n", "\0\n", "\ufeff\n"]))
    elif kind == "join":
        lines[here] = lines[here].rstrip("\n")
    elif kind == "foreign":
        lines[here] = rng.choice(other.read_text(encoding="utf-8").splitlines(keepends=True))
    elif kind == "add foreign":
        lines.insert(here, rng.choice(other.read_text(encoding="utf-8").splitlines(keepends=True)))
    elif kind == "rows":
        lines = other.read_text(encoding="utf-8").splitlines(keepends=True)
    else:
        first, second = json.loads(lines[here]), json.loads(lines[there])
        names = {"ids": ("doc",), "answers": tuple(first["metrics"])}[kind]
        for name in names:
            if name == "doc":
                first["doc"]["id"], second["doc"]["id"] = second["doc"]["id"], first["doc"]["id"]
            elif name in first and name in second:
                first[name], second[name] = second[name], first[name]
        lines[here], lines[there] = json.dumps(first) + "\n", json.dumps(second) + "\n"
    file.write_text("".join(lines), encoding="utf-8")
    return f"{file.name}: {kind} {here} {there}"


def some_bytes(rng: random.Random, folder: Path) -> str:
    """Flip, remove or insert bytes."""
    file = rng.choice(results_below(folder) if rng.random() < 0.4 else samples_below(folder))
    content = bytearray(file.read_bytes())
    kind = rng.choice(["flip", "flip many", "truncate", "remove", "insert", "deep", "mark", "line ends", "digits"])
    at = rng.randrange(len(content))
    if kind in ("flip", "flip many"):
        for _ in range(1 if kind == "flip" else 20):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "truncate":
        del content[at:]
    elif kind == "remove":
        del content[at : at + rng.randrange(1, 200)]
    elif kind == "mark":
        content[:0] = b"\xef\xbb\xbf"
    elif kind == "line ends":
        content = content.replace(b"\n", b"\r\n")
    elif kind == "digits":
        numbers = list(re.finditer(rb"(?<=[ \[])\d+(\.\d+)?(?=[,}\]])", bytes(content)))
        if numbers:
            found = rng.choice(numbers)
            content[found.start() : found.end()] = rng.choice(
                [b"1e999", b"9" * 5_000, b"-0", b"1e400", b"0.1e1", b"NaN", b"Infinity"]
            )
    else:
        content[at:at] = (
            b"[" * 100_000
            if kind == "deep"
            else bytes(rng.choice(b'\0\xff\n"{}[],:\\ \xc3') for _ in range(rng.randrange(1, 9)))
        )
    file.write_bytes(bytes(content))
    return f"{file.name}: {kind} at {at}"


def repeated_key(rng: random.Random, folder: Path) -> str:
    """Write a key of an object twice, with another value."""
    file = rng.choice(results_below(folder) if rng.random() < 0.4 else samples_below(folder))
    text = file.read_text(encoding="utf-8")
    keys = list(re.finditer(r'(?<=[{ ])"([a-z_]+)": (?=[\[{"\dn])', text))
    key = rng.choice(keys)
    value = json.dumps(rng.choice(VALUES))
    file.write_text(f"{text[: key.start()]}{key[0]}{value}, {text[key.start() :]}", encoding="utf-8")
    return f"{file.name}: {key[1]} twice, first {value[:60]}"


def file_kind(rng: random.Random, folder: Path) -> str:
    """Replace, remove, rename or copy a file, or make it or its folder unreadable."""
    file = rng.choice(results_below(folder) if rng.random() < 0.5 else samples_below(folder))
    kind = rng.choice(
        [*_KINDS, "own link", "renamed", "copy", "unreadable file", "unreadable folder", "loop of folders", "linked folder"]
    )
    other = rng.choice([path for path in samples_below(folder) + results_below(folder) if path != file])
    if kind == "own link":
        moved = file.with_name(f"moved {file.name[:20]}")
        file.rename(moved)
        file.symlink_to(moved.name)
    elif kind == "renamed":
        file.rename(file.with_name(re.sub(r"\d{4}-\d\d-\d\dT[\d.-]+(?=\.json)", "2020-01-01T00-00-00.000001", file.name)))
    elif kind == "copy":
        (folder / "copy").mkdir()
        shutil.copy(file, file.with_name(rng.choice([f"results_copy_{file.name.split('_')[-1]}", other.name])))
    elif kind == "unreadable file":
        file.chmod(0)
    elif kind == "unreadable folder":
        file.parent.chmod(0)
    elif kind == "loop of folders":
        (file.parent / "loop").symlink_to("..")
    elif kind == "linked folder":
        (folder / "link").symlink_to(file.parent)
    else:
        file.unlink()
        _KINDS[kind](file, other)
    return f"{file.name}: {kind} {other.name}"


def _socket(file: Path, _: Path) -> None:
    # A path of a socket has at most 107 characters.
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(file.parent):
        server.bind("s")
    (file.parent / "s").rename(file)


_KINDS: dict[str, Callable[[Path, Path], Any]] = {
    "removed": lambda file, _: None,
    "folder": lambda file, _: file.mkdir(),
    "FIFO": lambda file, _: os.mkfifo(file),
    "socket": _socket,
    "dangling link": lambda file, _: file.symlink_to("nowhere"),
    "looping link": lambda file, _: file.symlink_to(file.name),
    "link to a device": lambda file, _: file.symlink_to("/dev/zero"),
    "link to a folder": lambda file, _: file.symlink_to(".."),
    "link to another file": lambda file, other: file.symlink_to(other),
    "hole": lambda file, _: file.write_bytes(b"") or os.truncate(file, 1 << 34),
    "nothing in it": lambda file, _: file.write_bytes(b""),
    "zeros": lambda file, _: file.write_bytes(b"\0" * 5_000),
}
MUTATIONS: list[tuple[Mutation, int]] = [
    (results_field, 34),
    (row_field, 30),
    (row_order, 12),
    (some_bytes, 12),
    (repeated_key, 4),
    (file_kind, 8),
]


def change(rng: random.Random, parent: Any, key: Any) -> str:
    """Change a value somewhere below `parent[key]`: delete, replace, retype, rename or repeat it."""
    path = [key, *random_path(rng, parent[key])] if isinstance(parent[key], (dict, list)) and parent[key] else [key]
    holder, last = parent_of(parent, path), path[-1]
    kind = rng.choice(["delete", "replace", "replace", "replace", "retype", "rename", "repeat", "nudge"])
    value = rng.choice(VALUES)
    if kind == "delete":
        del holder[last]
    elif kind == "retype":
        value = holder[last] = rng.choice([str(holder[last]), [holder[last]], {"x": holder[last]}])
    elif kind == "rename" and isinstance(holder, dict):
        holder[str(rng.choice(VALUES))] = holder.pop(last)
    elif kind == "repeat" and isinstance(holder, list):
        holder.insert(last, holder[last])
    elif kind == "nudge" and isinstance(holder[last], (int, float)):
        value = holder[last] = holder[last] + rng.choice([-1, 1, 0.5, -0.5])
    elif kind == "nudge" and isinstance(holder[last], str):
        value = holder[last] = holder[last][: rng.randrange(len(holder[last]) + 1)] + rng.choice(["", "x", "é", "\ud83d"])
    else:
        holder[last] = value
    return f"{kind} {path} {value!r}"[:200]


def random_path(rng: random.Random, content: Any) -> list[Any]:
    """Return the keys that lead to a random value: at each level, further down with a probability of two thirds."""
    path: list[Any] = []
    while isinstance(content, (dict, list)) and content and (not path or rng.random() < 2 / 3):
        path.append(rng.choice(list(content) if isinstance(content, dict) else range(len(content))))
        content = content[path[-1]]
    return path


def parent_of(content: Any, path: list[Any]) -> Any:
    """Return the object or list that holds the value at the end of the path."""
    for key in path[:-1]:
        content = content[key]
    return content


def results_below(folder: Path) -> list[Path]:
    """Return the results files, sorted."""
    return sorted(folder.rglob("results_*.json"))


def samples_below(folder: Path) -> list[Path]:
    """Return the samples files, sorted."""
    return sorted(folder.rglob("samples_*.jsonl"))


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the hash of each file below a folder."""
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


def restore(folder: Path) -> None:
    """Make folders readable again, so that they can be removed."""
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            if not Path(parent, name).is_symlink():
                Path(parent, name).chmod(0o755)


@contextlib.contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Without the rights of root if something in the folder has no permissions: root may read it."""
    locked = any(not path.is_symlink() and not path.stat().st_mode & 0o777 for path in folder.rglob("*"))
    if not locked or os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def make_runs(folder: Path) -> None:
    """Evaluate three items with the embedded model, dense and pruned."""
    for pruner, tasks in (
        ("none", "mqa_illusion_en"),
        ("magnitude,sparsity=0.8", "mqa_illusion_en,mqa_illusion_zh_mc,mqa_illusion_zh_gen"),
    ):
        arguments = f"pretrained=embedded,pruner={pruner},dtype=float32,store={folder / 'store'}"
        command = [
            sys.executable,
            "-m",
            "lm_eval_illusion.cli",
            "run",
            "--model",
            "pruned-hf",
            "--model_args",
            arguments,
            "--tasks",
            tasks,
        ]
        command += ["--limit", "3", "--output_path", str(folder / "runs" / pruner[:4]), "--log_samples", "--device", "cpu"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> int:
    """Make the runs, fuzz, print the counts."""
    parser = argparse.ArgumentParser(description="Mutate the files of lm_eval and report them.")
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--runs", type=Path, help="runs with our views in English, of which one is dense (default: made by lm_eval)"
    )
    parsed = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fuzz-runs-") as folder:
        if parsed.runs is None:
            make_runs(Path(folder))
        tally = fuzz(parsed.runs or Path(folder) / "runs", parsed.cases, parsed.seed)
    for problem in tally.problems:
        print(problem)
    counts = {kind: tally.outcomes[kind] for kind in ("traceback", "hang", "wrong", "damaged")}
    print(
        f"{parsed.cases} cases in {time.perf_counter() - begin:.0f} s, the slowest {tally.slowest:.2f} s: {dict(tally.outcomes)};"
        f" must be 0: {counts}"
    )
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
