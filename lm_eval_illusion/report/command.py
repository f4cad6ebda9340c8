"""The report of runs: files (HTML, JSON, Markdown, CSV, Parquet, SVG) and tables on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.gate import failures, read_condition
from lm_eval_illusion.analysis.noise import noise_floor
from lm_eval_illusion.analysis.records import Noise
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.report.files import write_report
from lm_eval_illusion.report.item_browser import item_browser
from lm_eval_illusion.report.notes import notes_of
from lm_eval_illusion.results.join_views import join_views, load_outcomes
from lm_eval_illusion.results.outcomes import Outcome
from lm_eval_illusion.results.runs import ViewFile, as_variants_of, find_runs, find_views, join_truncated
from lm_eval_illusion.results.task_pairs import DocumentPair, join_tasks, read_pair

EXIT_GATE = 3
"""The exit code where a --fail-if condition holds."""


@dataclass(frozen=True)
class ReportOptions:
    """What `lm-eval-illusion report` was asked; see its --help."""

    recognition: str = "acc"
    dense: str | None = None
    pairs: tuple[str, ...] = ()
    on: str | None = None
    noise: tuple[Path, Path] | None = None
    fail_if: tuple[str, ...] = ()
    format: str = "table"


@dataclass(frozen=True)
class ReportInputs:
    """All that was read: the outcomes, the views and the documents of paired tasks that they are of, what a reader must know."""

    outcomes: list[Outcome]
    views: list[ViewFile]
    documents: list[DocumentPair]
    notes: list[str]


def report_command(paths: Sequence[Path], out: Path | None, options: ReportOptions | None = None) -> int:
    """Read the runs, write the report to `out` if it is given, print its tables. Returns the exit code: 0, or 3 for a gate that fails.

    Raises:
        UserError: nothing to read, files that are not whole, a condition that names nothing, an `out` that can't be written.
    """
    from lm_eval_illusion.report.terminal import print_report

    options = options or ReportOptions()
    conditions = [read_condition(text) for text in options.fail_if]
    evidence = read_evidence(paths, options)
    report = tabulate(evidence.outcomes, options.recognition, noise=_noise(options))
    failed = failures(conditions, report)
    if out is not None:
        browser = item_browser(evidence.outcomes, evidence.views, evidence.documents, options.recognition)
        written = write_report(report, evidence.notes, evidence.outcomes, browser, out)
    print_report(report, evidence.notes, options.format)
    if out is not None:
        # Not among the numbers: stdout may go to a file as it is.
        print(f"written: {join_truncated(written, most=9)}", file=sys.stderr if options.format != "table" else sys.stdout)
    for line in failed:
        print(f"lm-eval-illusion: gate: {line}", file=sys.stderr)
    return EXIT_GATE if failed else 0


def read_evidence(paths: Sequence[Path], options: ReportOptions) -> ReportInputs:
    """The outcomes of our views and of the paired tasks in every run below `paths`.

    Raises:
        UserError: there are neither, or a file is not whole.
    """
    pairs = [read_pair(text) for text in options.pairs]
    runs = find_runs(paths)
    if options.noise is not None:
        # The second dense run may lie among the others, where it would claim the variant of the first.
        again = {run.results_file for run in find_runs([options.noise[1]])}
        runs = [run for run in runs if run.results_file not in again]
    if options.dense is not None:
        runs = as_variants_of(options.dense, runs)
    views = find_views(runs)
    if not views and not pairs:
        raise UserError(
            f"no tasks of ours in {join_truncated(paths)}: run lm_eval with --tasks mqa_illusion, or name two of its tasks by --pair"
        )
    outcomes = join_views(views, options.recognition) if views else []
    paired = join_tasks(runs, pairs, options.on)
    outcomes += paired.outcomes
    return ReportInputs(outcomes, views, paired.shown, [*notes_of(outcomes, runs), *paired.notes])


def _noise(options: ReportOptions) -> Noise | None:
    if options.noise is None:
        return None
    first, second = (load_outcomes([run], options.recognition) for run in options.noise)
    return noise_floor(first, second)


__all__ = ["ReportOptions", "read_evidence", "report_command"]
