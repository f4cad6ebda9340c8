"""Runs with greedy answers, for the tests of the judge."""

from __future__ import annotations

from pathlib import Path

from tests.lm_eval_files import DENSE, PRUNED, write_run

OUTPUTS = {"a": "two", "b": "It is two.", "c": "three", "d": " ", "e": "not two", "f": "three"}
PRODUCED = {"a", "b", "e"}


def write_answers(folder: Path, outputs: dict[str, str] = OUTPUTS, produced: set[str] = PRODUCED, **options) -> Path:
    """Write a run with the views `mc` and `gen` and return its results file. The question is `Which is <id>?`, the answer `two`."""
    rows = [{"id": item, "match": float(item in produced), "output": text} for item, text in outputs.items()]
    return write_run(folder, {"mc": [{"id": item, "acc": 1.0} for item in outputs], "gen": rows}, **options)


def write_two_variants(folder: Path) -> None:
    """Write a dense and a pruned run; the answers of `a` are equal in both."""
    write_answers(folder / "dense", {**OUTPUTS, "c": "two!"}, PRODUCED | {"c"}, illusion=DENSE)
    write_answers(folder / "wanda", illusion=PRUNED)
