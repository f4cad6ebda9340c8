"""Accuracy of `match` on the judged tables, and its speed: `python -m benchmarks.matching [--tables FOLDER]`.

Printed: for each language and each kind the number of cases and the share on which `match` agrees with the person; precision and recall
of all; the same for the first set, the held-out set and the real outputs of SmolLM2; the processor time of 1,000 calls; and the cases
that differ from the lists of known disagreements, as lines for these lists. Exit code 1 if there are such cases.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lm_eval_illusion import matches
from lm_eval_illusion.items import embedded_items, embedded_languages
from tests.matching.judged import (
    FIRST,
    FIRST_KNOWN,
    FRESH,
    FRESH_KNOWN,
    HELD_OUT,
    Case,
    agrees,
    is_matched,
    read_known,
    read_outputs_of_smollm2,
    read_tables,
)

CALLS = 1_000


def table(cases: Sequence[Case], key: Callable[[Case], str]) -> list[str]:
    """Return one line for each group of cases: its name, their number, and the percentage of agreement."""
    lines = []
    for name in sorted(set(map(key, cases))):
        group = [case for case in cases if key(case) == name]
        lines.append(f"{name:16} {len(group):5} {100 * sum(map(agrees, group)) / len(group):6.1f}")
    return lines


def summary(name: str, cases: Sequence[Case]) -> str:
    """Return one line: cases, agreement, precision and recall of the verdict "right"; "-" where a quotient is undefined."""
    matched = [case for case in cases if is_matched(case)]
    right = [case for case in cases if case.verdict == "right"]
    both = sum(case.verdict == "right" for case in matched)
    agreement = sum(map(agrees, cases)) / len(cases)
    precision, recall = (f"{both / len(part):.3f}" if part else "-" for part in (matched, right))
    return f"{name:16} {len(cases):5} {100 * agreement:6.1f}   precision {precision} recall {recall}"


def unlisted(cases: Sequence[Case], known: dict[tuple[str, str, str], str]) -> list[str]:
    """Return a line for each case that differs from a list of known disagreements."""
    differing = {case[:3]: case for case in cases if not agrees(case)}
    new = ["\t".join(("not listed:", *key, f"(judged {case.verdict})")) for key, case in differing.items() if key not in known]
    return new + ["\t".join(("listed, but agrees or is no case:", *key)) for key in known if key not in differing]


def seconds() -> tuple[float, float]:
    """Return the processor time of `CALLS` calls with new answers and outputs, and with known answers and new outputs."""
    rng = random.Random(0)
    calls = [
        (
            f"{item['question'][:30]} {rng.choice(item['choices'])} {rng.randrange(10**6)}",
            [item["answer"], *item["aliases"]],
            lang,
        )
        for lang in embedded_languages()
        for item in embedded_items(lang)[:60]
    ]
    rng.shuffle(calls)
    for lang in embedded_languages():
        matches("x 3", ["y"], lang)
    times = []
    for end in ("", " z"):
        start = time.process_time()
        for output, answers, lang in calls[:CALLS]:
            matches(output + end, answers, lang)
        times.append(time.process_time() - start)
    return times[0], times[1]


def main(argv: Sequence[str] | None = None) -> int:
    """Print all tables; return 1 if a case differs from the lists of known disagreements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--tables", type=Path, help="another folder of tables <language>.tsv with kinds; nothing else is printed"
    )
    folder = parser.parse_args(argv).tables
    new_answers, known_answers = seconds() if folder is None else (0.0, 0.0)
    cases = read_tables(folder or FRESH)
    print(f"{'language':16} cases  right", *table(cases, lambda case: case.lang), "", sep="\n")
    print(f"{'kind':16} cases  right", *table(cases, lambda case: case.kind), "", sep="\n")
    print(summary("all", cases))
    if folder is not None:
        return 0
    first = read_tables(FIRST)
    print(summary("first set", first))
    print(summary("held out", read_tables(HELD_OUT)))
    print(summary("SmolLM2", read_outputs_of_smollm2()))
    print(f"\n{CALLS} calls: {new_answers:.2f} s with new answers, {known_answers:.2f} s with known answers and new outputs")
    differing = unlisted(first, read_known(FIRST_KNOWN)) + unlisted(cases, read_known(FRESH_KNOWN))
    print(*differing, sep="\n", end="\n" if differing else "")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
