"""Outputs judged by hand, and where `match` is known to disagree.

Tables (`<language>.tsv`): the answer and its aliases (separated by `|`), the output, the verdict ("right" or "wrong"), and in the folders
`fresh` and `held_out` the kind of difficulty. The first set was in view when the rules were written. The fresh set was judged before the
rules for its kinds were: of answers that a fair person would not doubt, and without running `match`; later cases were added after they
had been scored once. The set in `held_out` was written at the same time by others and never shown to those who write the rules: don't
mend single cases of it, so that it stays an estimate.

`smollm2.jsonl`: outputs of SmolLM2-135M-Instruct on the embedded English items, dense and pruned (wanda at 0.3, 0.4, 0.5; magnitude at
0.3), greedy, with its chat template. Chosen were first all different outputs that contain a word of the answer (letters may differ behind
a stem of four), then a random sample of the others. The first visible line of each was judged without running `match`, as a fair grader
does: an answer with something false about it is given, one that only repeats the question is not. Doubtful ones were left out.

Lists of known disagreements (`known.txt`, `fresh_known.txt`): language, answers, output, and the reason.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lm_eval_illusion import matches

FIRST = Path(__file__).parent
FRESH = FIRST / "fresh"
HELD_OUT = FIRST / "held_out"
FIRST_KNOWN = FIRST / "known.txt"
FRESH_KNOWN = FIRST / "fresh_known.txt"


class Case(NamedTuple):
    """An output that a person judged.

    Attributes:
        lang: ISO 639-1 code.
        answers: The answer and its aliases, separated by `|`.
        output: One line.
        verdict: "right" or "wrong".
        kind: Kind of difficulty, empty in a table without kinds.
    """

    lang: str
    answers: str
    output: str
    verdict: str
    kind: str = ""


@cache
def is_matched(case: Case) -> bool:
    """Return the verdict of `match`, computed once."""
    return matches(case.output, case.answers.split("|"), case.lang)


def agrees(case: Case) -> bool:
    """Return whether `match` says what the person said."""
    return is_matched(case) is (case.verdict == "right")


def read_tables(folder: Path) -> list[Case]:
    """Return the cases of all tables of a folder."""
    return [
        Case(file.stem, *line.split("\t"))
        for file in sorted(folder.glob("*.tsv"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def read_outputs_of_smollm2() -> list[Case]:
    """Return the judged outputs of SmolLM2."""
    rows = [json.loads(line) for line in (FIRST / "smollm2.jsonl").read_text(encoding="utf-8").splitlines()]
    return [Case("en", "|".join([row["answer"], *row["aliases"]]), row["output"], row["verdict"]) for row in rows]


def read_known(file: Path) -> dict[tuple[str, str, str], str]:
    """Return language, answers and output of each known disagreement -> the reason."""
    lines = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return {(lang, answers, output): reason for lang, answers, output, reason in lines}
