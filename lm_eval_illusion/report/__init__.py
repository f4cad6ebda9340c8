"""The report of runs: report.json, report.md and tables on the terminal."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.crosstab import cross_tabulate
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.report.markdown import markdown_report
from lm_eval_illusion.report.notes import notes_of
from lm_eval_illusion.samples import load_outcomes


def report_command(paths: Sequence[Path], out: Path | None, recognition: str) -> int:
    """Read the runs, write the report to `out` if it is given, print its tables. Returns the exit code."""
    from lm_eval_illusion.report.terminal import print_report

    outcomes = load_outcomes(paths, recognition)
    report = cross_tabulate(outcomes, recognition)
    notes = notes_of(outcomes)
    if out is not None:
        write_report(report, notes, out)
    print_report(report, notes)
    if out is not None:
        print(f"written: {out / 'report.json'}, {out / 'report.md'}")
    return 0


def write_report(report: dict[str, Any], notes: Sequence[str], out: Path) -> None:
    """Write report.json and report.md; each is whole or not there, and neither is replaced before both are written.

    Raises:
        UserError: the folder can't be written.
    """
    # NaN is not JSON: a number that is undefined must have become null before it comes here.
    texts = {
        "report.json": json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "report.md": markdown_report(report, notes),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=out) as unfinished:
            for name, text in texts.items():
                (Path(unfinished) / name).write_text(text, encoding="utf-8")
            for name in texts:
                (Path(unfinished) / name).replace(out / name)
    except OSError as error:
        raise UserError(f"{out} can't be written ({error.strerror or error}): give another --out") from error
