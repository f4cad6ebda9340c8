"""Checks of the arguments of `lm-eval-illusion run` that lm_eval would not check, or only after an evaluation."""

from __future__ import annotations

import argparse
import fnmatch
import glob
import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.models.command_checks import MOST_CONFIG_BYTES, read_config
from lm_eval_illusion.option_values import (
    LARGEST_BATCH,
    LARGEST_LIMIT,
    LARGEST_SEED,
    number_in,
    read_name,
    read_number,
    read_whole_number,
    shown,
)
from lm_eval_illusion.reading import is_special, open_file, read_json

MOST_SHOTS = 1_000
MOST_ENTRIES = 100_000
"""The most files and folders below --include_path, which lm_eval searches; its own tasks have 15,000."""
_LEVELS = ("CRITICAL", "FATAL", "ERROR", "WARNING", "WARN", "INFO", "DEBUG", "NOTSET")
_PACKAGES = {"wandb_args": "wandb", "trackio_args": "trackio"}
_SAMPLES = "give a mapping of tasks to positions of documents, e.g. '{\"mqa_illusion_en_mc\": [0, 1]}', or a file with one"
_LIMIT = f"give a whole number from 1 to {LARGEST_LIMIT:,}, or a share of the items above 0 and below 1"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return those of lm_eval's arguments that are checked here, as text; None where one is missing or has no value.

    Abbreviated options are left to lm_eval.

    Raises:
        UserError: An option has the value "--".
    """
    for argument in arguments:
        # argparse drops a value "--" without a word.
        if argument.startswith("--") and argument.endswith("=--"):
            raise UserError(f"{shown(argument)} has no value: give one, or leave the option out")
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--tasks", "-t", nargs="*")
    for flags in (
        *(("--limit", "-L"), ("--num_fewshot", "-f"), ("--batch_size", "-b"), ("--output_path", "-o"), ("--samples", "-E")),
        *(("--config", "-C"), ("--max_batch_size",), ("--include_path",), ("--seed",), ("--verbosity", "-v")),
    ):
        parser.add_argument(*flags, nargs="?")
    for option in _PACKAGES:
        parser.add_argument(f"--{option}", nargs="*")
    parsed, _ = parser.parse_known_args(arguments)
    return parsed


def check_arguments(named: argparse.Namespace) -> None:
    """Check the arguments, before anything is imported or loaded.

    Raises:
        UserError: A number is out of range, or a file or folder does not exist, is of the wrong kind, or can't be written.
    """
    checks: dict[str, Callable[[str], object]] = {
        "limit": _check_limit,
        "num_fewshot": lambda text: read_whole_number("--num_fewshot", text, 0, MOST_SHOTS),
        "batch_size": _check_batch_size,
        "max_batch_size": lambda text: read_whole_number("--max_batch_size", text, 1, LARGEST_BATCH),
        "seed": _check_seed,
        "config": _check_config,
        "include_path": _check_include_path,
        "output_path": _check_output_path,
        "samples": read_samples,
        "verbosity": lambda text: _check_verbosity("--verbosity", text.upper()),
    }
    for name, check in checks.items():
        value = getattr(named, name)
        if value is not None:
            check(value)
    for task in named.tasks or ():
        _check_task(task)
    config = config_of(named)
    if named.verbosity is None and config.get("verbosity") is not None:
        _check_verbosity("verbosity of --config", config["verbosity"])
    for option, package in _PACKAGES.items():
        if (getattr(named, option) or config.get(option)) and not _is_installed(package):
            raise UserError(
                f"{option} needs the package {package}, which is not installed: run pip install {package}, or leave it out"
            )


def config_of(named: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments in the file of --config; none without one."""
    return read_config(Path(named.config)) if named.config else {}


def samples_of(named: argparse.Namespace) -> list[str]:
    """Return the keys of --samples, or of the samples in the file of --config."""
    samples = config_of(named).get("samples") if named.samples is None else named.samples
    if isinstance(samples, str):
        samples = read_samples(samples)
    return [key for key in samples if isinstance(key, str)] if isinstance(samples, dict) else []


def tasks_of(named: argparse.Namespace) -> list[str]:
    """Return the tasks of --tasks, or of the file of --config; none if that has something else there."""
    tasks = named.tasks or config_of(named).get("tasks")
    parts = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return []
    return [task for part in parts for task in part.split(",") if task]


def check_written(named: argparse.Namespace, begin: float) -> None:
    """Check that lm_eval wrote its results: it only warns if it can't. `begin`: when it was started, as `time.time()`.

    Raises:
        UserError: There is an --output_path and no new results file.
    """
    # Of several processes only the first writes.
    if named.output_path is None or os.environ.get("RANK", "0") != "0" or os.environ.get("LOCAL_RANK", "0") != "0":
        return
    out = Path(named.output_path)
    is_file = out.suffix == ".json"
    # lm_eval writes into a folder with the name of the model, which may be a link.
    folders = [out.parent] if is_file else [out, *_entries(out)]
    pattern = f"{glob.escape(out.stem)}_*.json" if is_file else "results_*.json"
    found = [path for folder in folders for path in _entries(folder) if fnmatch.fnmatchcase(path.name, pattern)]
    # The clock of a network disk may be behind.
    if not any(_changed_since(begin - 60, path) for path in found):
        raise UserError(
            f"lm_eval could not write its results to {out} (its warning above has the reason): give another --output_path"
        )


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if it is no folder, or another process deletes it."""
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []


def _changed_since(time: float, path: Path) -> bool:
    try:
        return path.stat().st_mtime > time
    except OSError:
        return False  # a link to nothing, or a file that another process deletes


def _check_limit(text: str) -> None:
    value = read_number("--limit", text, _LIMIT)
    if not (0 < value < 1 or (1 <= value <= LARGEST_LIMIT and value == int(value))):
        raise UserError(f"--limit {shown(text)} is out of range: {_LIMIT}")


def _check_batch_size(text: str) -> None:
    word, _, times = text.partition(":")
    if word == "auto":
        # lm_eval reads how often it looks for the largest batch.
        if times and number_in(times) is None:
            raise UserError(f"--batch_size {shown(text)} is not auto:N with a number N: give e.g. auto:4")
        return
    read_whole_number("--batch_size", text, 1, LARGEST_BATCH)


def _check_seed(text: str) -> None:
    parts = text.split(",")
    if len(parts) not in (1, 3, 4):
        raise UserError(f"--seed {shown(text)} has {len(parts)} parts: give one, or four for Python, numpy, torch and few-shot")
    for part in parts:
        if part.lower() != "none":
            read_whole_number("--seed", part, 0, LARGEST_SEED)


def _check_config(text: str) -> None:
    with open_file(Path(read_name("--config", text)), "give a YAML file") as file:
        if len(file.read(MOST_CONFIG_BYTES + 1)) > MOST_CONFIG_BYTES:
            raise UserError(
                f"--config {text} has more than {MOST_CONFIG_BYTES:,} bytes: give a YAML file with lm_eval's arguments"
            )


def _check_include_path(text: str) -> None:
    folder = Path(read_name("--include_path", text))
    with attributed(f"--include_path {shown(text)} can't be read", "give a folder with tasks"):
        if not folder.is_dir():
            raise UserError(f"--include_path {shown(text)} is not a folder: give one with tasks")
        entries = 0
        for parent, folders, files in os.walk(folder):
            entries += len(folders) + len(files)
            if entries > MOST_ENTRIES:
                raise UserError(
                    f"--include_path {shown(text)} has more than {MOST_ENTRIES:,} files and folders: give the folder of the tasks alone"
                )
            for file in files:
                if file.endswith(".yaml"):
                    _refuse_special(Path(parent, file))


def _check_output_path(text: str) -> None:
    out = Path(read_name("--output_path", text))
    with attributed(f"--output_path {shown(text)} can't be written", "give a folder, or a file that ends in .json"):
        if out.exists() and not out.is_dir() and not (out.is_file() and out.suffix == ".json"):
            raise UserError(f"--output_path {shown(text)} is not a folder: give one, or a file that ends in .json")
        existing = next(path for path in _and_parents(out.absolute()) if os.path.lexists(path))
        folder = existing.parent if existing.is_file() and existing == out.absolute() else existing
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(f"--output_path {shown(text)} can't be written (below {folder}): give another folder")


def _and_parents(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents


def _check_verbosity(option: str, value: object) -> None:
    """Check a level of logging, which lm_eval sets only after the evaluation. In a --config file it may be a number."""
    if value not in _LEVELS if isinstance(value, str) else not isinstance(value, int):
        raise UserError(f"{option} {shown(value)} is no level: give one of {', '.join(_LEVELS)}")


def _is_installed(package: str) -> bool:
    spec = importlib.util.find_spec(package)
    # wandb and trackio make a folder of their name for their logs: it would be found, but has no file of code.
    return spec is not None and spec.origin is not None


def read_samples(text: str) -> dict[str, list[int]]:
    """Return the samples of --samples: JSON, or the name of a file with it.

    Raises:
        UserError: They are no mapping of tasks to positions of documents.
    """
    read_name("--samples", text, _SAMPLES)
    if text.lstrip().startswith("{"):
        with attributed(f"--samples {shown(text)} is not JSON", _SAMPLES):
            samples: Any = json.loads(text)
    else:
        samples = read_json(Path(text), _SAMPLES)
    if not isinstance(samples, dict) or not samples or not all(_are_positions(value) for value in samples.values()):
        raise UserError(f"--samples {shown(text)} is no mapping of tasks to positions: {_SAMPLES}")
    return samples


def _are_positions(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, int) and not isinstance(entry, bool) and entry >= 0 for entry in value
    )


def _check_task(text: str) -> None:
    read_name("--tasks", text, "give names of tasks or groups: `lm_eval ls tasks` lists them all")
    for task in text.split(","):
        path = Path(task)
        with attributed(f"task {shown(task)} can't be read", "give a name or a YAML file"):
            if task.endswith(".yaml"):
                files = [Path(file) for file in glob.glob(task)]
            else:
                files = list(path.glob("*.yaml")) if path.is_dir() else []
            for file in files:
                _refuse_special(file)


def _refuse_special(path: Path) -> None:
    """Refuse a FIFO, a device or a socket, which lm_eval would wait for without end.

    Raises:
        UserError: It is one.
    """
    if is_special(path):
        raise UserError(f"{path} is not a regular file: remove it, or give another folder")
