"""`lm-eval-illusion pair`: a file of questions -> a folder that lm_eval takes by --include_path, and an account of it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections import defaultdict
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import new_folder, packaged_folder, refuse_existing
from lm_eval_illusion.pairing.build import Paired, pair
from lm_eval_illusion.pairing.questions import Source, read_source
from lm_eval_illusion.views.task_yaml import write_task_files, write_text

ACCOUNT = "pairing.txt"
_SHOWN = 5
OURS = "mqa_illusion"
LONGEST_NAME = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_FAMILY = """\
# What all tasks of the family share: where the items come from.
custom_dataset: !function dataset.load
test_split: test
"""

_DATASET = '''\
"""The items of this folder as lm_eval wants them: a dataset with a `test` split."""

from pathlib import Path

from datasets import Dataset

from lm_eval_illusion.items import read_items


def load(lang, **_):
    """The items of the language that the task's metadata names."""
    return {"test": Dataset.from_list(read_items(Path(__file__).parent / "items" / f"{lang}.jsonl"))}
'''


def pair_command(source: Path, name: str, out: Path, seed: int, limit: int | None) -> int:
    """Pair the questions of `source`, write the folder `out` and print the account.

    Raises:
        UserError: the name or a question is ill-formed, `out` exists or can't be written, or nothing pairs. Nothing is written then.
    """
    check_name(name)
    refuse_existing(out, ", so that no item of an earlier pairing stays in it")
    read = read_source(source)
    paired = pair(read.questions, name, seed, limit)
    account = describe(read, paired)
    if not paired.items:
        advice = "give at least 2 questions a language, or 5 of a type if options are to be made"
        raise UserError(f"{source} gives no item ({advice}): {' '.join(account.splitlines()[1:])}")
    write_folder(paired, name, account, out)
    next_step = f"Now: lm_eval --include_path {out} --tasks {name} --model hf --model_args pretrained=MODEL --log_samples"
    print(_printable(f"{account}\n{next_step}"))
    return 0


def check_name(name: str) -> None:
    """A name must do as a part of task and file names and must not begin as ours do, which would make groups of the same name.

    Raises:
        UserError: it does not.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"name {name!r} can't name tasks: begin with a letter and use letters, digits and _ only")
    if len(name) > LONGEST_NAME:
        raise UserError(
            f"name of {len(name)} characters is longer than {LONGEST_NAME}: give a shorter one, files are named after it"
        )
    if name.casefold().startswith(OURS):
        raise UserError(f"name {name!r} begins as the families of lm-eval-illusion do ({OURS}): give another one")


def _printable(text: str) -> str:
    """As far as the terminal's encoding goes; an id may be in any script."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def describe(source: Source, paired: Paired) -> str:
    """How many questions became items, what was dropped and why, and what was changed in reading."""
    ids = {question.id for question in source.questions}
    counts = ", ".join(f"{lang} {len(items)}" for lang, items in paired.items.items()) or "none"
    lines = [
        f"{len(source.questions)} questions read, {len(ids)} ids.",
        f"Items: {counts}.",
        f"Held out as one-shot examples: {_some(paired.held_out)}.",
        f"Dropped: {len(paired.dropped)} of {len(ids)} ids.",
    ]
    by_reason: dict[str, list[str]] = defaultdict(list)
    for one_id, reason in paired.dropped.items():
        by_reason[reason].append(one_id)
    lines += [f"  {reason}: {_some(dropped)}" for reason, dropped in by_reason.items()]
    if source.notices:
        lines += [f"Changed in reading, {len(source.notices)} times:", *(f"  {notice}" for notice in source.notices[:_SHOWN])]
        lines += [f"  and {len(source.notices) - _SHOWN} more"] * (len(source.notices) > _SHOWN)
    return "\n".join(lines) + "\n"


def write_folder(paired: Paired, name: str, account: str, out: Path) -> None:
    """Write the folder, whole or not at all.

    Raises:
        UserError: it can't be written; the parents that were made for it are gone again.
    """
    with new_folder(out) as folder:
        _write(paired, name, account, folder)


def _write(paired: Paired, name: str, account: str, folder: Path) -> None:
    for lang, items in paired.items.items():
        lines = (json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        write_text(folder / "items" / f"{lang}.jsonl", "".join(lines))
    write_text(folder / "family.yaml", _FAMILY)
    write_text(folder / "dataset.py", _DATASET)
    write_text(folder / ACCOUNT, account)
    shutil.copytree(packaged_folder("lm_eval_illusion.tasks") / "views", folder / "views")
    write_task_files(folder, name, list(paired.items), views="../views")


def _some(ids: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return (", ".join(ids[:_SHOWN]) or "none") + more
