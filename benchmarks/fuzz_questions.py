"""Files of questions that are hostile or damaged, through the reader of `pair`: `python -m benchmarks.fuzz_questions`.

Cases are drawn from a seed: rows in the shapes of public data sets with any JSON value in any field, written as JSONL, a JSON array, a
document, CSV, TSV or SQuAD; then some files have bytes changed, cut or repeated. Each must be read or be a `UserError`, within 10 s.
What is read must pass the checks of a question, have an id per language once, and hold nothing that can't be written as UTF-8. The
exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.column_mapping import FIELDS
from lm_eval_illusion.pairing.reading.fields import SYNONYMS
from lm_eval_illusion.pairing.reading.question_file import QuestionFile, ReadingOptions, read_questions
from lm_eval_illusion.pairing.reading.questions import Question, check_question

MOST_SECONDS = 10
COLUMNS = [
    name for names in SYNONYMS.values() for name in names
] + "A B C D option1 option2 distractor1 meta title row x".split()
TEXTS = [
    *(
        "",
        " ",
        "Ada",
        "Paris",
        "B",
        "2",
        "-1",
        "é",
        "\u200f",
        "\ud800",
        "a\x00b",
        "&amp;#39;",
        "&#0;",
        "<b>x</b>",
        "en",
        "pt-BR",
    ),
    *(
        "['a', 'b']",
        "{'text': array(['x'], dtype=object)}",
        "[" * 50,
        '"',
        "a|b;c",
        "x" * 1200,
        "1e999",
        "=1+1",
        "zh_TW",
        "\n\n",
        "NaN",
    ),
]
NUMBERS = [0, 1, 3, -1, 4, 3.0, 2.5, 1e300, 10**4000, float("nan"), float("inf"), True, False, None]
SHAPES: list[dict[str, Any]] = [
    {"id": "1", "lang": "en", "question": "Who?", "answer": "Ada", "aliases": ["A"], "context": "Ada.", "topic": "t"},
    {"question": "Who?", "choices": ["a", "b", "c", "d"], "answer": 2},
    {"question": "Who?", "choices": {"text": ["a", "b", "c", "d"], "label": ["A", "B", "C", "D"]}, "answerKey": "B"},
    {"question": {"stem": "Who?", "choices": [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]}, "answerKey": "B"},
    {"question": "Who?", "answers": {"text": ["Ada", "Ada L."], "answer_start": [1, 2]}, "title": "T"},
    {"question": "Who?", "answer": {"value": "Ada", "aliases": ["A"], "normalized_aliases": ["a"]}},
    {"question": "Who?", "answer": {"mention": "X", "answerType": "entity", "answer": [{"name": "Q", "label": {"en": "Y"}}]}},
    {"queries": {"en": "Who?", "de": "Wer?"}, "answers": {"en": [{"text": "Ada", "type": "entity"}], "de": [{"text": None}]}},
    {"question": [{"language": "en", "string": "Who?"}, {"language": "fi", "string": "Kuka?"}], "answer": "Ada"},
    {"question": "Who?", "correct_answer": "Ada", "distractor1": "x", "distractor2": "y", "distractor3": "z"},
    {"question": "Who?", "A": "x", "B": "y", "C": "z", "D": "w", "answer": "D"},
    {"title": "T", "paragraphs": [{"context": "c", "qas": [{"id": "q", "question": "Who?", "answers": [{"text": "Ada"}]}]}]},
]


@dataclass
class Figures:
    """What the fuzz counts. `wrong`: descriptions of cases with a traceback, too much time, or a wrong question."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0
    wrong: list[str] = field(default_factory=list)


def any_value(draw: random.Random, depth: int = 0) -> Any:
    """Return any JSON value."""
    kind = draw.randrange(4 if depth < 4 else 2)
    if kind == 0:
        return draw.choice(TEXTS)
    if kind == 1:
        return draw.choice(NUMBERS)
    if kind == 2:
        return [any_value(draw, depth + 1) for _ in range(draw.randrange(5))]
    names = [*COLUMNS, "text", "value", "label", "mention", "answer", "en", "de", *TEXTS[:6]]
    return {draw.choice(names): any_value(draw, depth + 1) for _ in range(draw.randrange(4))}


def one_row(draw: random.Random, shape: dict[str, Any], share: float) -> dict[str, Any]:
    """Return a row of a shape; in a share of the rows some values are exchanged or added."""
    row = json.loads(json.dumps(shape))
    if "question" in row and isinstance(row["question"], str):
        row["question"] += f" {draw.random()}"
    for _ in range(draw.choice((1, 1, 2, 5)) if draw.random() < share else 0):
        row[draw.choice([*row, draw.choice(COLUMNS)])] = any_value(draw)
    return row


def one_file(draw: random.Random) -> tuple[str, bytes]:
    """Return the ending and the content of a file."""
    shape, share = draw.choice(SHAPES), draw.choice((0, 0.04, 0.04, 1))
    rows = [
        one_row(draw, shape if draw.random() < 0.98 else draw.choice(SHAPES), share) for _ in range(draw.choice((1, 2, 25, 60)))
    ]
    for number, row in enumerate(rows):
        if row.get("id") == "1":
            row["id"] = number
    ending = draw.choice(("jsonl", "json", "json", "csv", "tsv", "txt"))
    if ending in ("csv", "tsv") or (ending == "txt" and draw.random() < 0.5):
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t" if ending == "tsv" else draw.choice(",;|"))
        try:
            writer.writerows([names, *([row.get(name, "") for name in names] for row in rows)])
        except (csv.Error, ValueError):
            text.write("x\n")
        content = text.getvalue().encode("utf-8", "replace")
    elif ending == "json":
        key = draw.choice(("data", "rows", "x", "question"))
        document = draw.choice((rows, {key: rows}, {"version": 1, key: rows, "y": draw.choice((rows, 1))}, rows[0]))
        content = json.dumps(document, indent=draw.choice((None, 1)), default=str).encode()
    else:
        content = "\n".join(json.dumps(row, ensure_ascii=draw.random() < 0.5) for row in rows).encode("utf-8", "surrogatepass")
    for _ in range(draw.choice((0, 0, 0, 0, 0, 1, 3))):
        place = draw.randrange(len(content) + 1)
        noise = draw.choice((b"", b'"', b"\n", b"\x00", b"\xff", b"{", b"[", b",", b"\xef\xbb\xbf"))
        content = draw.choice((content[:place] + noise + content[place + 1 :], content[:place], noise + content, content * 2))
    return ending, content


def fuzz(cases: int, seed: int, folder: Path) -> Figures:
    """Run so many cases."""
    figures = Figures()
    for number in range(cases):
        draw = random.Random(f"{seed} {number}")
        ending, content = one_file(draw)
        path = folder / f"case.{ending}"
        path.write_bytes(content)
        mapping = [f"{draw.choice(FIELDS)}={draw.choice(COLUMNS)}"] if draw.random() < 0.1 else []
        options = ReadingOptions(draw.choice(("en", "en", "en", "", "German", "xx")), mapping, draw.random() < 0.1)
        before = time.monotonic()
        try:
            outcome = "read"
            problem = wrongly_accepted(read_questions(path, options))
        except UserError as error:
            outcome, problem = "refused", "" if str(error).strip() else "an error without words"
        except Exception:
            outcome, problem = "traceback", traceback.format_exc(limit=-4)
        seconds = time.monotonic() - before
        figures.slowest = max(figures.slowest, seconds)
        figures.outcomes[outcome] += 1
        if seconds > MOST_SECONDS:
            problem = f"{seconds:.0f} s"
        if problem:
            figures.wrong.append(f"case {number} of seed {seed}: {problem}: {content[:400]!r}")
    return figures


def wrongly_accepted(file: QuestionFile) -> str:
    """Return what is wrong with what was read, "" if nothing is."""
    keys = Counter((question.id, question.lang) for question in file.questions)
    if keys and max(keys.values()) > 1:
        return "an id twice in a language"
    questions: list[Question] = file.questions
    for question in questions:
        check_question(question, question.choices.index(question.answer) if question.choices else None)
    if sum(row.is_mistake for row in file.dropped) and not file.questions:
        return "no question, and no error"
    "\n".join([repr(file.questions), *file.notices, *file.unused_fields]).encode()
    for question in file.questions:
        json.dumps(
            [question.id, question.question, question.answer, question.topic, question.aliases], ensure_ascii=False
        ).encode()
    return ""


def main() -> int:
    """Run the cases that the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = fuzz(asked.cases, asked.seed, Path(folder))
    print(*figures.wrong[:20], sep="\n\n")
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(figures.outcomes.items()))
    print(f"{asked.cases:,} cases: {counts}; {len(figures.wrong):,} wrong; the slowest {figures.slowest:.1f} s")
    return 1 if figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
