"""The demonstration: evaluate the embedded model, dense and pruned, in all views, and show what pruning did.

The terminal shows one live display and a summary. The output of lm_eval and of the libraries goes to a log file.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import time
import traceback
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from lm_eval_illusion.errors import UserError, one_line, system_reason
from lm_eval_illusion.escaping import cut, for_terminal
from lm_eval_illusion.files import refuse_special, shown, unique_folder
from lm_eval_illusion.pipes import guarded_copy

VARIANTS: tuple[dict[str, Any], ...] = (
    {"pruner": "none"},
    {"pruner": "wanda", "sparsity": 0.6},
    {"pruner": "wanda", "sparsity": 0.7},
    {"pruner": "sparsegpt", "sparsity": 0.7},
    {"pruner": "magnitude", "sparsity": 0.6},
)
"""The arguments of `pruned-hf` for each run."""
ITEMS_PER_LANGUAGE = 15
BATCH_ROWS = 160
SUMMARY_KEYS = ("recognition", "production", "illusion_gap", "recognition_only_rate")
"""The columns of the summary, before the recovery by any strategy."""
LOG = "demo.log"
LOG_LINES_SHOWN = 10
"""How many last lines of the log an error shows."""
LOG_BYTES_READ = 1 << 16
"""How many last bytes of the log are read for them."""
LONGEST_LINE = 300
EXIT_FAILED = 1


def run_demo(out: Path, limit: int | None = None) -> int:
    """Evaluate every variant, write the report to `out` and print a summary of at most 25 lines.

    Args:
        out: Folder for the runs, the report and the log.
        limit: Number of items per language, from the first. Default: ITEMS_PER_LANGUAGE.

    Returns:
        The exit code: 0, or 1 if a run failed; then the last lines of the log are on stderr.

    Raises:
        UserError: An argument is wrong, or `out` cannot be written.
    """
    from lm_eval_illusion.evaluation import output_to_file
    from lm_eval_illusion.items import embedded_languages

    items, log = limit or ITEMS_PER_LANGUAGE, out / LOG
    print(
        f"{len(VARIANTS)} variants of the embedded model, {items} items in each of {len(embedded_languages())} languages.",
        flush=True,
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        refuse_special(log)
        log.write_bytes(b"")
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise UserError(f"{shown(out)} can't be written ({system_reason(error)}): give another --out") from error
    # The display writes to a copy of the descriptor of stdout; the descriptor itself leads to the log during the runs.
    with guarded_copy(1) as terminal:
        try:
            with output_to_file(log, 1, 2):
                sentence = _run_and_report(items, out, terminal)
        except Exception as error:
            return _show_failure(error, log)
    _print_summary(sentence, out)
    return 0


def _run_and_report(items: int, out: Path, terminal: TextIO) -> str:
    """Evaluate the variants, write the report; return its headline."""
    from rich.console import Console

    from lm_eval_illusion.progress import RunFinished, notify, progress_display, seconds_left
    from lm_eval_illusion.report.command import ReportOptions, report_command

    check_variants()
    # Each demo has its own folder for its runs, so that the report contains no run of an earlier demo, or of one at the same time.
    runs = unique_folder(out, f"runs-{time.strftime('%Y%m%dT%H%M%S')}")
    begin = time.perf_counter()
    with progress_display(len(VARIANTS), Console(file=terminal)) as display:
        for number, variant in enumerate(VARIANTS, 1):
            name, run_begin = variant_name(variant), time.perf_counter()
            with notify(lambda event, name=name: display.at({name: event})):  # type: ignore[misc]
                evaluate_variant(variant, items, runs)
            now = time.perf_counter()
            remaining = seconds_left(len(VARIANTS) - number, number, now - begin, [])
            display.ended(RunFinished(number, len(VARIANTS), name, "done", now - run_begin, remaining))
        display.at({})
    with redirect_stdout(io.StringIO()) as sentence:
        report_command([runs], out, ReportOptions(format="headline"))
    return sentence.getvalue().strip()


def check_variants() -> None:
    """Check that every pruned variant is in the store or can be made, before the dense model is evaluated.

    Raises:
        UserError: This environment has no llmcompressor, and the store does not have a variant.
    """
    from lm_eval_illusion.embedded import EMBEDDED
    from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
    from lm_eval_illusion.pruning.prune import check_obtainable
    from lm_eval_illusion.pruning.settings import read_settings

    for variant in VARIANTS:
        settings = read_settings(**variant, pretrained=EMBEDDED)
        if settings.pruner != "none":
            check_obtainable(BaseModel(EMBEDDED), settings)


def evaluate_variant(variant: dict[str, Any], items: int, runs: Path) -> None:
    """Run lm_eval on the whole family `mqa_illusion` and write its files below `runs`."""
    from lm_eval_illusion.evaluation import evaluate

    evaluate(variant, ["mqa_illusion"], runs, limit=items, batch_size=BATCH_ROWS, metadata={})


def variant_name(variant: dict[str, Any]) -> str:
    """Return the name that the report gives a variant: 'dense', 'wanda-0.6'."""
    return "dense" if variant["pruner"] == "none" else f"{variant['pruner']}-{variant['sparsity']}"


def _show_failure(error: Exception, log: Path) -> int:
    """Print the last lines of the log, its path and the error."""
    if not isinstance(error, UserError):
        # A full disk may be the error.
        with contextlib.suppress(OSError), log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exception(type(error), error, error.__traceback__, file=file)
    if lines := _last_lines(log):
        for line in lines:
            print(f"  {line}", file=sys.stderr)
        print(f"lm-eval-illusion: the lines above are the last of {for_terminal(str(log))}", file=sys.stderr)
    if isinstance(error, UserError):
        raise error
    print(f"lm-eval-illusion: error: the demo failed ({for_terminal(one_line(error, 200))})", file=sys.stderr)
    return EXIT_FAILED


def _last_lines(log: Path) -> list[str]:
    """Return the last lines of the log for a terminal; one line that says so if it can't be read. The libraries write what they like."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_BYTES_READ))
            text = file.read(LOG_BYTES_READ).decode("utf-8", errors="replace")
    except OSError as error:
        return [f"(it can't be read: {system_reason(error)})"]
    # A progress bar overwrites its line by carriage returns.
    lines = [for_terminal(line.rstrip()) for line in re.split(r"[\r\n]+", text) if line.strip()]
    return [cut(line, LONGEST_LINE) for line in lines[-LOG_LINES_SHOWN:]]


def _print_summary(sentence: str, out: Path) -> None:
    """Print the headline, a table with one row per variant, and where the report is."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from lm_eval_illusion.report.column_formats import SHARE_BRIEF
    from lm_eval_illusion.report.columns import ROW_COLUMNS, VARIANT
    from lm_eval_illusion.report.files import read_report
    from lm_eval_illusion.report.names import pooled_rows
    from lm_eval_illusion.report.notes import EMBEDDED_NOTE
    from lm_eval_illusion.report.strategies import ANY, COUNTED
    from lm_eval_illusion.report.tables import text_table

    by_key = {column.key: column for column in ROW_COLUMNS}
    # Without intervals, so that a row fits into 80 characters.
    columns = [replace(by_key[key], format=SHARE_BRIEF) for key in SUMMARY_KEYS]
    columns.append(replace(by_key[ANY], heading="recovered"))
    rows = pooled_rows(read_report(out))
    summary = text_table([VARIANT], columns, rows)
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, column in enumerate(summary.columns):
        table.add_column(column.heading, justify="left" if index < summary.names else "right")
    for texts in summary.rows:
        table.add_row(*texts)
    *names, last = (strategy.heading for strategy in COUNTED)
    console.print(Text(f"\n{sentence}\n", style="bold"))
    console.print(table)
    console.print(
        f"% of {rows[0].n} items; gap in points; recovered: % of the recognition-only errors, by {', '.join(names)} or {last}.",
        highlight=False,
    )
    console.print(EMBEDDED_NOTE, highlight=False)
    report, log = (for_terminal(str(out / name)) for name in ("report.html", LOG))
    print(f"Report, to open in a browser: {report}\nLog of lm_eval and the libraries: {log}")


__all__ = ["VARIANTS", "evaluate_variant", "run_demo", "variant_name"]
