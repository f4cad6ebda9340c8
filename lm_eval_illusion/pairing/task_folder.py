"""`lm-eval-illusion pair`: a file of questions -> a task folder for `lm_eval --include_path`, with a summary of what was dropped."""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.files import new_folder, packaged_folder, refuse_existing
from lm_eval_illusion.items import Item
from lm_eval_illusion.languages import PromptWords
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.build import Paired, pair
from lm_eval_illusion.pairing.own_words import with_words
from lm_eval_illusion.pairing.question_file import QuestionFile, read_questions
from lm_eval_illusion.views.task_yaml import NO_WORDS, write_task_files, write_text

SUMMARY_FILE = "pairing.txt"
MAX_LISTED = 5
"""The most ids or notices that the summary lists for one reason."""
RESERVED_PREFIX = "mqa_illusion"
MAX_NAME_LENGTH = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

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


def pair_command(source: Path, name: str, out: Path, seed: int, limit: int | None, words: Sequence[str] = ()) -> int:
    """Pair the questions of a file, write the task folder and print the summary. Return the exit code 0.

    Args:
        source: A JSONL file of questions.
        name: The name of the task family.
        out: The folder to make; it must not exist.
        seed: Seed of distractors and positions, see `pair`.
        limit: The most items per language, None for all.
        words: The values of `--words`.

    Raises:
        UserError: The name or a question is wrong, `out` exists or can't be written, or there is no item. Nothing is written then.
    """
    check_name(name)
    refuse_existing(out, ", so that no item of an earlier pairing stays in it")
    questions = read_questions(source, words)
    paired = pair(questions.questions, name, seed, limit)
    summary = summarize(questions, paired)
    if not paired.items:
        advice = "give at least 2 questions a language, or 5 of a type if options are to be made"
        raise UserError(f"{source} gives no item ({advice}): {' '.join(summary.splitlines()[1:])}")
    write_folder(with_words(paired.items, questions.words), name, summary, out, questions.words)
    next_step = f"Now: lm_eval --include_path {out} --tasks {name} --model hf --model_args pretrained=MODEL --log_samples"
    # Ids and notices come from the file of questions.
    print(*map(for_terminal, f"{summary}\n{next_step}".split("\n")), sep="\n")
    return 0


def check_name(name: str) -> None:
    """Check that a family name can be part of task and file names and does not collide with the groups of the package's families.

    Raises:
        UserError: The name has other characters than letters, digits and _, is too long, or begins with the reserved prefix.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"name {shown(name)} can't be part of task names: begin with a letter and use letters, digits and _ only"
        )
    if len(name) > MAX_NAME_LENGTH:
        raise UserError(
            f"name of {len(name)} characters is longer than {MAX_NAME_LENGTH}: give a shorter one, because it becomes part of file names"
        )
    if name.casefold().startswith(RESERVED_PREFIX):
        raise UserError(
            f"name {name!r} begins with {RESERVED_PREFIX}, which is reserved for the package's families: give another one"
        )


def summarize(questions: QuestionFile, paired: Paired) -> str:
    """Return the text that says how many questions became items, which were dropped and why, and what cleaning changed."""
    ids = {question.id for question in questions.questions}
    counts = ", ".join(f"{lang} {len(items)}" for lang, items in paired.items.items()) or "none"
    lines = [
        f"{len(questions.questions)} questions read, {len(ids)} ids.",
        f"Items: {counts}.",
        f"Held out as one-shot examples: {_first_ids(paired.held_out)}.",
        f"Dropped: {len(paired.dropped)} of {len(ids)} ids.",
    ]
    by_reason: dict[str, list[str]] = defaultdict(list)
    for question_id, reason in paired.dropped.items():
        by_reason[reason].append(question_id)
    lines += [f"  {reason}: {_first_ids(dropped)}" for reason, dropped in by_reason.items()]
    notices = questions.notices
    if notices:
        lines += [f"Changed in reading, {len(notices)} times:", *(f"  {notice}" for notice in notices[:MAX_LISTED])]
        lines += [f"  and {len(notices) - MAX_LISTED} more"] * (len(notices) > MAX_LISTED)
    return "\n".join(lines) + "\n"


def _first_ids(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MAX_LISTED} more" if len(ids) > MAX_LISTED else ""
    return (", ".join(ids[:MAX_LISTED]) or "none") + more


def write_folder(
    items: Mapping[str, Sequence[Item]], name: str, summary: str, out: Path, words: Mapping[str, PromptWords] = NO_WORDS
) -> None:
    """Write the task folder at `out`, completely or not at all. `words`: language -> its prompt words, if the items carry some.

    Raises:
        UserError: The folder can't be written; parent folders that were made for it are removed again.
    """
    with new_folder(out) as folder:
        for lang, in_lang in items.items():
            lines = (json.dumps(item, ensure_ascii=False) + "\n" for item in in_lang)
            write_text(folder / "items" / f"{lang}.jsonl", "".join(lines))
        write_text(folder / "family.yaml", _FAMILY_YAML)
        write_text(folder / "dataset.py", _DATASET_PY)
        write_text(folder / SUMMARY_FILE, summary)
        shutil.copytree(packaged_folder("lm_eval_illusion.tasks") / "views", folder / "views")
        write_task_files(folder, name, list(items), views="../views", words=words)
