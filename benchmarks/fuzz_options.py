"""Hostile values for every option of every subcommand and for the arguments of `pruned-hf`: `python -m benchmarks.fuzz_options`.

Each case is a command that is right, with one change: a hostile value, an option twice, an unknown or abbreviated option, a missing value.
It runs in this process; only what would take long is replaced, after all checks. A case is wrong if it shows a traceback, takes more than
10 s, shows more than one line or a control character, changes a file that was there, or is accepted although its value is outside the
stated range, blank, given twice or unknown. Exit code 1 if any case is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.time_limit import HangError, time_limit
from lm_eval_illusion.errors import UserError

MOST_SECONDS = 10
# Each is no number that any option takes, whatever its range.
NO_NUMBERS = (
    *("", " ", "²", "１２", "1_000", " 5 ", "+5", "0x10", "nan", "inf", "-inf", "-1", "1e400", "9" * 5000, "1" + "0" * 30, "x"),
    *("True", "None", "[1]", "{}", "5 5", "--", "1,5", "1\n", "\x1b[2J"),
)
# No name of anything. The first are refused by every option that names something.
NO_NAMES = ("", " ", "\t\n", "a\0b", "x" * 100_000)
HOSTILE_NAMES = (
    *("\x1b[2J\x1b]52;c;aGk=\x07", "\u202egnp.exe", "a\udcff", "nowhere", "nowhere/x", "x" * 300, "x/" * 1_500, "..", "/", "."),
    *("~nobody-of-this-name/x", "file", "fifo", "loop", "unreadable", "/dev/zero", "/dev/full", "/dev/null", "-", "{{ 1/0 }}"),
    *("hub:", "hub:a:b:c:d:e", "a/b/c", "%s%n", "[bold]", "=1+1", "wanda", "embedded", "off", "../../etc/passwd", "2:4", "a b"),
    *("table", "csv", "acc > 1", "a=b", "a=b:c,d", "mqa_illusion", "[1", '{"a": ' * 3_000),
)


class Reached(BaseException):
    """All checks passed: now the work would begin."""


@dataclass(frozen=True)
class Command:
    """A command that is right. `numbers`, `names`: its options of these kinds. `once`: whether an option that is given twice is refused."""

    arguments: tuple[str, ...]
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    once: bool = True


COMMANDS = (
    Command(
        ("report", "runs", "--format", "headline"),
        (),
        ("--out", "--recognition", "--dense", "--pair", "--on", "--fail-if", "--format"),
    ),
    Command(
        ("pair", "questions.jsonl", "--name", "cities", "--out", "new"), ("--seed", "--limit"), ("--name", "--out", "--words")
    ),
    Command(
        ("prune", "--pretrained", "embedded", "--out", "new"),
        *(
            ("--sparsity", "--calibration-samples", "--calibration-length", "--pruning-seed", "--owl-lambda", "--owl-m"),
            (
                *("--pretrained", "--out", "--revision", "--dtype", "--pruner", "--mask-structure", "--calibration"),
                *("--calibration-language", "--store", "--push-to-hub"),
            ),
        ),
    ),
    Command(
        ("sweep", "--pretrained", "embedded", "--out", "new", "--dry-run"),
        ("--sparsity", "--pruning-seed", "--limit", "--batch-size", "--cpus-per-cell", "--gpus-per-cell", "--memory-per-cell"),
        ("--pretrained", "--out", "--pruner", "--mask-structure", "--calibration-language", "--tasks", "--address", "--engine"),
    ),
    Command(("demo", "--out", "new"), ("--limit",), ("--out",)),
    Command(
        (
            *("judge", "runs", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--cache", "new", "--dry-run"),
            *("--price-in", "1", "--price-out", "1"),
        ),
        (
            *("--limit", "--sample-seed", "--concurrency", "--max-tokens", "--seed", "--tries", "--timeout"),
            *("--price-in", "--price-out"),
        ),
        ("--base-url", "--model", "--api-key-env", "--request", "--cache"),
    ),
)
RUN = Command(
    ("run", "--model", "pruned-hf", "--tasks", "mqa_illusion_en_mc"),
    ("--limit", "--num_fewshot", "--batch_size", "--max_batch_size", "--seed"),
    ("--output_path", "--include_path", "--config", "--samples", "--tasks"),
    once=False,
)
MODEL_NUMBERS = (
    *("sparsity", "owl_lambda", "owl_m", "calibration_samples", "calibration_length", "pruning_seed", "max_batch_tokens"),
    *("max_thought_tokens", "max_length", "max_batch_size"),
)
MODEL_NAMES = (
    *("pretrained", "revision", "dtype", "pruner", "mask_structure", "calibration", "calibration_language", "store", "fast"),
    *("tokenizer", "peft", "subfolder", "variant", "delta", "quantization_config", "device_map"),
)


@dataclass(frozen=True)
class Case:
    """`arguments`: of the command; of `pruned-hf` if it is a dictionary. `must_fail`: whether accepting them is wrong."""

    arguments: list[str] | dict[str, Any]
    must_fail: bool


def main() -> int:
    """Run the cases, print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    figures, wrong = fuzz(parsed.cases, parsed.seed, with_lm_eval=True)
    for line in wrong:
        print(line)
    print(", ".join(f"{count} {name}" for name, count in figures.items()))
    return 1 if wrong else 0


def fuzz(cases: int, seed: int, with_lm_eval: bool) -> tuple[Counter[str], list[str]]:
    """Run the cases and return the figures and a line for each wrong case. `with_lm_eval`: also `run` and the arguments of `pruned-hf`."""
    figures = Counter({"cases": cases, "tracebacks": 0, "hangs": 0, "wrongly accepted": 0, "damaged": 0})
    rng, wrong = random.Random(seed), []
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name).resolve()
        prepare(folder)
        os.chdir(folder)
        stack.callback(os.chdir, before)
        stack.enter_context(patch.dict(os.environ, {"HF_HUB_OFFLINE": "1", "LM_EVAL_ILLUSION_STORE": str(folder / "store")}))
        for target, replacement in replacements(with_lm_eval):
            stack.enter_context(patch(target, replacement))
        original = digest(folder)
        for number in range(cases):
            case = draw(rng, with_lm_eval)
            kind, detail, seconds = run(case)
            if kind == "accepted" and case.must_fail:
                kind = "wrongly accepted"
            after = digest(folder)
            if changed := [path for path, content in original.items() if after.get(path) != content]:
                kind, detail = "damaged", str(changed)
            if seconds > MOST_SECONDS:
                kind = "hangs"
            figures[kind] += 1
            if kind not in ("accepted", "refused"):
                wrong.append(f"{number}: {kind}: {str(case.arguments)[:300]}: {detail[-600:]}")
            remove_new(folder, original)
    return figures, wrong


def prepare(folder: Path) -> None:
    """Write the inputs, and paths of each kind."""
    questions = [
        {"id": str(n), "lang": "en", "question": f"Which city is number {n}?", "answer": f"City {n}"} for n in range(8)
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(question) + "\n" for question in questions))
    write_runs(folder / "runs")
    (folder / "file").write_text("a file\n")
    (folder / "folder").mkdir()
    (folder / "folder" / "kept").write_text("kept\n")
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "unreadable").mkdir(mode=0)


def write_runs(folder: Path) -> None:
    """Write a run of two views with two items each."""
    from benchmarks.report_at_size import make_runs

    make_runs(folder, rows=600, variants=1)


def replacements(with_lm_eval: bool) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield what is replaced because it takes long. It comes after all checks of the arguments."""

    def reached(*_: Any, **__: Any) -> Any:
        raise Reached

    yield "lm_eval_illusion.pruning.prune.get_or_create", reached
    yield "lm_eval_illusion.demo.evaluate_variant", reached
    yield "lm_eval_illusion.sweep.command._run_missing", reached
    if with_lm_eval:
        from lm_eval.tasks._index import TaskIndex

        from lm_eval_illusion.plugin import register, tasks_folder

        register()
        build = TaskIndex.build
        yield "lm_eval.simple_evaluate", reached
        # lm_eval's own tasks take 10 s, and are not what is tried here.
        yield "lm_eval.tasks._index.TaskIndex.build", staticmethod(lambda paths, **options: build([tasks_folder()], **options))
        yield "lm_eval.models.huggingface.HFLM.__init__", reached


def draw(rng: random.Random, with_lm_eval: bool) -> Case:
    """Return a case."""
    if with_lm_eval and rng.random() < 0.25:
        return draw_model_arguments(rng)
    command = rng.choice([*COMMANDS, RUN] if with_lm_eval else COMMANDS)
    arguments, kind = list(command.arguments), rng.random()
    if kind < 0.35 and command.numbers:
        option = rng.choice(command.numbers)
        value = rng.choice(NO_NUMBERS)
        return Case([*without(arguments, option), *given(option, value, rng)], must_fail=True)
    option = rng.choice(command.names)
    if kind < 0.85:
        must_fail = rng.random() < 0.3
        value = rng.choice(NO_NAMES if must_fail else HOSTILE_NAMES)
        return Case([*without(arguments, option), *given(option, value, rng)], must_fail)
    if kind < 0.9:
        appended = ("--pair", "--fail-if")
        return Case([*without(arguments, option), option, "a", option, "b"], must_fail=command.once and option not in appended)
    if kind < 0.95:
        return Case(
            [*arguments, rng.choice(["--nonexistent", "--\x1b[2J", "--ou", "-q", "--out-"]), "x"], must_fail=command.once
        )
    return Case([*without(arguments, option), option], must_fail=command.once)


def given(option: str, value: str, rng: random.Random) -> list[str]:
    """Return an option with its value, in one of the two forms."""
    return [f"{option}={value}"] if value.startswith("-") or rng.random() < 0.5 else [option, value]


def without(arguments: Sequence[str], option: str) -> list[str]:
    """Return the arguments without an option and its value."""
    if option not in arguments:
        return list(arguments)
    index = arguments.index(option)
    return [*arguments[:index], *arguments[index + 2 :]]


def draw_model_arguments(rng: random.Random) -> Case:
    """Return a case of the arguments of `pruned-hf`, as lm_eval passes them on: texts, numbers, or whatever JSON has."""
    if rng.random() < 0.5:
        name = rng.choice(MODEL_NUMBERS)
        others = (True, [1], {}, 10**30, -1, float("nan"), float("inf"), 10**5000, [[]], "1" * 4301)
        value = rng.choice([*NO_NUMBERS, *others])
        base = {"pruner": "owl"} if name.startswith("owl") else {}
        return Case({**base, name: value}, must_fail=True)
    must_fail = rng.random() < 0.3
    name = rng.choice(MODEL_NAMES)
    return Case({name: rng.choice(NO_NAMES if must_fail else (*HOSTILE_NAMES, 5, 1.5, True, ["a"], {"a": 1}))}, must_fail)


def run(case: Case) -> tuple[str, str, float]:
    """Run a case; return what happened ("accepted", "refused", "tracebacks", "hangs"), what it printed and how long it took."""
    from lm_eval_illusion.cli import main as command

    out, errors = io.StringIO(), io.StringIO()
    begin = time.monotonic()
    try:
        with time_limit(3 * MOST_SECONDS), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code: object = create_model(case.arguments) if isinstance(case.arguments, dict) else command(case.arguments)
    except Reached:
        code = 0
    except SystemExit as error:
        code = error.code
    except HangError:
        code = "hang"
    except BaseException as error:
        return "tracebacks", f"{type(error).__name__}: {error}", time.monotonic() - begin
    text, seconds = errors.getvalue(), time.monotonic() - begin
    if code == "hang":
        return "hangs", text, seconds
    if code == 0:
        return "accepted", text, seconds
    own = [line for line in text.split("\n") if line.startswith("lm-eval-illusion: ")]
    is_one_line = len(own) == 1 and own[0].startswith("lm-eval-illusion: error: ") and len(own[0]) < 5_000
    if code not in (1, 2) or "Traceback" in text or not is_one_line or any(map(_is_unsafe, own[0])):
        return "tracebacks", text, seconds
    return "refused", text, seconds


def create_model(arguments: dict[str, Any]) -> int:
    """Create `pruned-hf` as lm_eval does."""
    from lm_eval_illusion.models.hf import PrunedHFLM

    try:
        PrunedHFLM.create_from_arg_obj(dict(arguments), {"batch_size": 1})
    except UserError as error:
        return error.code
    return 0


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in "\u202a\u202b\u202c\u202d\u202e"


def digest(folder: Path) -> dict[str, str]:
    """Return the kind or the hash of each path below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        is_file = path.is_file() and not path.is_symlink()
        found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else str(path.lstat().st_mode)
    return found


def remove_new(folder: Path, original: dict[str, str]) -> None:
    """Remove what a case wrote."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if str(path) not in original:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


if __name__ == "__main__":
    sys.exit(main())
