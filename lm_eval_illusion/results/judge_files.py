"""Files with the verdicts of judges, `judge_<model>.jsonl` in the folder of a run: their rows, and which verdict is about which answer.

`lm-eval-illusion judge` writes them. A verdict is only about the texts that the judge read: a row holds their hash, and a row about other
texts does not count.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from lm_eval_illusion.errors import UserError, one_line, system_reason
from lm_eval_illusion.reading import read_file
from lm_eval_illusion.results.messages import shown
from lm_eval_illusion.results.rescored import original_folder

SAME, DIFFERENT, UNCLEAR, EMPTY = "same", "different", "unclear", "empty"
VERDICTS = (SAME, DIFFERENT, UNCLEAR, EMPTY)
"""The response gives the same answer as the reference; another one; the judge's reply is no verdict; there is nothing to judge."""
OUTDATED = "outdated"
"""In place of a verdict: the judge read another response, or another item, of this id."""
MOST_OF_A_FILE_NAME = 100
_REMEDY = "remove the file and run lm-eval-illusion judge again, which asks nothing twice"


class Judge(NamedTuple):
    """A model that judges and the version of the prompt that it got. Verdicts of different judges are never mixed."""

    model: str
    prompt_version: int

    @property
    def name(self) -> str:
        """The name in reports."""
        return f"{self.model} (prompt {self.prompt_version})"


class JudgeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a judge file: the verdict on one answer.

    `judge`, `prompt_version`: who judged. `samples`: name of the samples file that has the answer; `id`, `language`, `variant`: of the
    answer. `content`: hash of item and response (`greedy_answers.content_hash`). `reply`: what the judge wrote, None where it was not
    asked. `served_model`: the model as the endpoint named it. `produced`: by the rules, when it was judged.
    """

    judge: str
    prompt_version: int
    samples: str
    variant: str
    language: str
    id: str
    verdict: str
    content: str
    reply: str | None = None
    served_model: str | None = None
    produced: bool | None = None

    @property
    def by(self) -> Judge:
        """The judge."""
        return Judge(self.judge, self.prompt_version)


@dataclass
class _OneJudge:
    """The verdicts of a judge in one folder. `contents`: those of the rows by samples file and id."""

    verdicts: dict[str, str] = field(default_factory=dict)
    contents: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgeVerdicts:
    """The verdicts in the folders of some samples files."""

    by_folder: Mapping[Path, Mapping[Judge, _OneJudge]]

    def are_about(self, samples_file: Path) -> bool:
        """Return whether there is a judge file beside this samples file."""
        return bool(self.by_folder.get(judge_folder(samples_file)))

    def on(self, samples_file: Path, item_id: str, content: str) -> dict[Judge, str]:
        """Return each judge's verdict on an answer, or `OUTDATED`; a judge that did not judge it is left out.

        `content`: the `content_hash` of the answer. An equal answer to the same item in another samples file has the same verdict.
        """
        found = {}
        for judge, rows in self.by_folder.get(judge_folder(samples_file), {}).items():
            if content in rows.verdicts:
                found[judge] = rows.verdicts[content]
            elif (samples_file.name, item_id) in rows.contents:
                found[judge] = OUTDATED
        return found


def read_verdicts(samples_files: Iterable[Path], same_run: Mapping[Path, Iterable[Path]] | None = None) -> JudgeVerdicts:
    """Return the verdicts of all judge files beside these samples files.

    `same_run`: by samples file, other folders that hold the same run. Where a run was rescored into another folder, the verdicts may
    stand with the original. Those beside the samples file count first.

    Raises:
        UserError: A judge file can't be read, or a row is damaged or contradicts another one.
    """
    elsewhere: dict[Path, dict[Path, None]] = {}
    for path in samples_files:
        others = (same_run or {}).get(path, ())
        elsewhere.setdefault(judge_folder(path), {}).update(dict.fromkeys(others))
    read = {
        folder: _verdicts_in(folder) for folder in {*elsewhere, *(other for others in elsewhere.values() for other in others)}
    }
    merged = {folder: _merged([read[folder], *(read[other] for other in others)]) for folder, others in elsewhere.items()}
    return JudgeVerdicts({folder: by_judge for folder, by_judge in merged.items() if by_judge})


def judge_folder(samples_file: Path) -> Path:
    """Return the folder of the judge files of a samples file: that of the run as lm_eval wrote it.

    The samples of a run that was rescored stand in a folder within it. The answers are the same, and so are the verdicts.
    """
    return original_folder(samples_file.parent)


def is_of_a_judge(file_name: str) -> bool:
    """Return whether a file beside samples is one of a judge: its verdicts, or the lock that its writer leaves there."""
    return re.fullmatch(r"judge_.*\.jsonl|\.judge_.*\.jsonl\.lock", file_name, re.DOTALL) is not None


def judge_file_name(model: str) -> str:
    """Return the name of the file with the verdicts of a model: characters that no file name needs become hyphens."""
    return f"judge_{re.sub(r'[^0-9A-Za-z._-]+', '-', model)[:MOST_OF_A_FILE_NAME]}.jsonl"


def read_judge_rows(path: Path) -> list[JudgeRow]:
    """Return the rows of a judge file.

    Raises:
        UserError: The file can't be read, or a line is no whole row; the message begins with file:line.
    """
    rows = []
    for number, line in enumerate(read_file(path, _REMEDY).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = _ROW.decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise UserError(f"{path}:{number} is no row of a judge ({one_line(error, 200)}): {_REMEDY}") from error
        if row.verdict not in VERDICTS:
            raise UserError(
                f"{path}:{number} has the verdict {shown(row.verdict)}, not one of {', '.join(VERDICTS)}: {_REMEDY}"
            )
        rows.append(row)
    return rows


_ROW = msgspec.json.Decoder(JudgeRow)


def _merged(folders: Iterable[Mapping[Judge, _OneJudge]]) -> dict[Judge, _OneJudge]:
    """Return the verdicts of several folders; of two on one answer that of the earlier folder."""
    found: dict[Judge, _OneJudge] = {}
    for by_judge in folders:
        for judge, rows in by_judge.items():
            one = found.setdefault(judge, _OneJudge())
            one.verdicts = {**rows.verdicts, **one.verdicts}
            one.contents = {**rows.contents, **one.contents}
    return found


def _verdicts_in(folder: Path) -> dict[Judge, _OneJudge]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.startswith("judge_") and is_of_a_judge(name))
    except OSError as error:
        raise UserError(f"{folder} can't be listed ({system_reason(error)}): make it readable") from error
    found: dict[Judge, _OneJudge] = {}
    for path in (folder / name for name in names):
        for row in read_judge_rows(path):
            one = found.setdefault(row.by, _OneJudge())
            if one.verdicts.setdefault(row.content, row.verdict) != row.verdict:
                raise UserError(
                    f"{path} has two verdicts of {shown(row.judge)} on one answer, to the item {shown(row.id)}: {_REMEDY}"
                )
            one.contents[row.samples, row.id] = row.content
    return found
