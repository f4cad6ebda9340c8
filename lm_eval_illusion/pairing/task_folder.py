"""`lm-eval-illusion pair`: a file of questions -> a task folder for `lm_eval --include_path`, with a summary in pairing.txt."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.files import new_folder, packaged_folder, refuse_existing, shown
from lm_eval_illusion.items import Item
from lm_eval_illusion.languages import PromptWords
from lm_eval_illusion.memory import paused_collector
from lm_eval_illusion.pairing.build import pair
from lm_eval_illusion.pairing.family_names import check_name, check_task_names
from lm_eval_illusion.pairing.own_words import with_words
from lm_eval_illusion.pairing.reading.question_file import DEFAULTS, ReadingOptions, read_questions
from lm_eval_illusion.pairing.summary.text import overview, pairing_of, summary
from lm_eval_illusion.progress import is_terminal, step_bar
from lm_eval_illusion.views.task_yaml import NO_WORDS, write_task_files, write_text

SUMMARY_FILE = "pairing.txt"
IGNORED_FOLDERS = ("__pycache__", ".ipynb_checkpoints")
"""lm_eval looks for no task in these."""

_FAMILY_YAML = """\
# What all tasks of the family share: where the items come from.
custom_dataset: !function dataset.load
test_split: test
"""

_DATASET_PY = '''\
"""The items of this folder as lm_eval wants them: a dataset with a `test` split."""

from pathlib import Path

from datasets import Dataset

from lm_eval_illusion.items import read_items


def load(lang, **_):
    """The items of the language that the task's metadata names."""
    return {"test": Dataset.from_list(read_items(Path(__file__).parent / "items" / f"{lang}.jsonl"))}
'''


def pair_command(
    source: Path | str, name: str, out: Path, seed: int, limit: int | None, options: ReadingOptions = DEFAULTS
) -> int:
    """Pair the questions of a file, write the task folder and print the summary. Return the exit code 0.

    Args:
        source: A file of questions, or hub:NAME[:CONFIG[:SPLIT]].
        name: The name of the task family.
        out: The folder to make; it must not exist.
        seed: Seed of distractors and positions, see `pair`.
        limit: The most items per language, None for all.
        options: How the questions are read.

    Raises:
        UserError: The name or a question is wrong, `out` exists or can't be written, or there is no item. Nothing is written then.
    """
    check_name(name)
    _check_folder(out)
    with paused_collector(), step_bar(disable=not is_terminal()) as report:
        report("reading", 0, 0)
        questions = read_questions(source, options)
        check_task_names(name, sorted({question.lang for question in questions.questions}))
        paired = pair(questions.questions, name, seed, limit, strict=options.is_strict, report=report)
    pairing = pairing_of(name, str(source), questions, paired)
    lines = overview(pairing)
    if not paired.items:
        advice = "give at least 2 questions a language, or 5 of a type if options are to be made"
        raise UserError(f"{source} gives no item ({advice}): {' '.join(line.strip() for line in lines)}")
    write_folder(with_words(paired.items, questions.words), name, summary(pairing), out, questions.words)
    # Ids, reasons and paths come from other people. The command stays one line, so that it can be copied.
    print(
        *map(for_terminal, [*lines, "", f"Details, examples: {out / SUMMARY_FILE}", f"Now: {next_command(name, out)}"]),
        sep="\n",
    )
    return 0


def next_command(name: str, out: Path) -> str:
    """Return the command that evaluates a model on the tasks of a folder, as a shell takes it."""
    # A path that begins with "-" would be an option.
    folder = _for_shell(f"./{out}" if str(out).startswith("-") else str(out))
    return f"lm_eval --model hf --model_args pretrained=MODEL --include_path {folder} --tasks {name} --log_samples --output_path runs"


def _for_shell(path: str) -> str:
    """Return a path as a shell takes it; bytes that a terminal would obey or can't show are written as bash, ksh and zsh read them."""
    if path == for_terminal(path):
        return shlex.quote(path)
    plain = set(range(0x20, 0x7F)) - set(b"\\'")
    written = "".join(chr(byte) if byte in plain else rf"\x{byte:02x}" for byte in os.fsencode(path))
    return f"$'{written}'"


def _check_folder(out: Path) -> None:
    refuse_existing(out, ", so that no item of an earlier pairing stays in it")
    ignored = next((folder for folder in IGNORED_FOLDERS if folder in out.resolve().parts), None)
    if ignored is not None:
        raise UserError(f"{shown(out)} is in a folder {ignored}, where lm_eval looks for no task: give another folder")


def write_folder(
    items: Mapping[str, Sequence[Item]], name: str, text: str, out: Path, words: Mapping[str, PromptWords] = NO_WORDS
) -> None:
    """Write the task folder at `out`, completely or not at all. `items`: language -> its items; `text`: that of pairing.txt. `words`:
    language -> its prompt words, if the items carry some.

    Raises:
        UserError: The folder can't be written; parent folders that were made for it are removed again.
    """
    with new_folder(out) as folder:
        for lang, in_lang in items.items():
            _write_items(folder / "items" / f"{lang}.jsonl", in_lang)
        write_text(folder / "family.yaml", _FAMILY_YAML)
        write_text(folder / "dataset.py", _DATASET_PY)
        write_text(folder / SUMMARY_FILE, text)
        shutil.copytree(packaged_folder("lm_eval_illusion.tasks") / "views", folder / "views")
        write_task_files(folder, name, list(items), views="../views", words=words)


def _write_items(path: Path, items: Iterable[Item]) -> None:
    # `json.dumps` would make an encoder for each item. The file is not held in memory as one text.
    encode = json.JSONEncoder(ensure_ascii=False).encode
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{encode(item)}\n" for item in items)
