"""`lm-eval-illusion report`: read runs, write the report's files and print its tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.gate import failures, read_condition
from lm_eval_illusion.analysis.noise import noise_floor
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pipes import exit_code_kept
from lm_eval_illusion.report.files import Written, write_report
from lm_eval_illusion.report.item_browser import MOST_ROWS, item_browser
from lm_eval_illusion.report.notes import notes_of
from lm_eval_illusion.report.own_files import left_over
from lm_eval_illusion.report.shown import shown_sentence
from lm_eval_illusion.results import (
    ItemTexts,
    Outcome,
    as_variants_of,
    check_same_base,
    find_runs,
    find_views,
    join_tasks,
    join_truncated,
    join_views,
    read_pair,
)
from lm_eval_illusion.results.equal_samples import with_equal_samples
from lm_eval_illusion.results.join_views import check_recognition, recognition_of, views_below
from lm_eval_illusion.results.outcomes import PRODUCTION
from lm_eval_illusion.results.rules_version import rules_version_of
from lm_eval_illusion.results.task_pairs import PairedTasks
from lm_eval_illusion.results.view_rows import RowCache

EXIT_GATE = 3
"""The exit code if a --fail-if condition holds."""

__all__ = ["ReportInputs", "ReportOptions", "read_inputs", "report_command"]


@dataclass(frozen=True)
class ReportOptions:
    """The options of `lm-eval-illusion report`; its --help describes them."""

    recognition: str | None = None
    dense: str | None = None
    pairs: tuple[str, ...] = ()
    on: str | None = None
    noise: tuple[Path, Path] | None = None
    fail_if: tuple[str, ...] = ()
    format: str = "table"


@dataclass(frozen=True)
class ReportInputs:
    """The data that was read from the runs.

    `notes`: caveats for readers of the report, one sentence each. `recognition`, `production`: the names of the metrics that the outcomes
    were read from. `noise`: the outcomes of two runs of the dense model, of --noise.
    """

    outcomes: list[Outcome]
    notes: list[str]
    recognition: str
    production: str
    noise: tuple[list[Outcome], list[Outcome]] | None = None


def report_command(paths: Sequence[Path], out: Path | None, options: ReportOptions | None = None) -> int:
    """Read the runs below `paths`, write the report to the folder `out` if there is one, and print its tables.

    Returns the exit code: 0, or 3 if a --fail-if condition holds.

    Raises:
        UserError: An option has an unknown value, there is nothing to read, a file is incomplete, a condition matches no row, or `out`
            can't be written.
    """
    from lm_eval_illusion.report.terminal import FORMATS, print_report

    options = options or ReportOptions()
    if options.recognition is not None:
        check_recognition(options.recognition)
    if options.format not in FORMATS:
        raise UserError(f"format {options.format!r} is unknown: give one of {', '.join(FORMATS)}")
    conditions = [read_condition(text) for text in options.fail_if]
    texts = ItemTexts(MOST_ROWS) if out is not None else None
    inputs = read_inputs(paths, options, texts)
    noise = noise_floor(*inputs.noise) if inputs.noise else None
    report = tabulate(inputs.outcomes, inputs.recognition, inputs.production, noise)
    failed = failures(conditions, report)
    exit_code = EXIT_GATE if failed else 0
    written: Written | None = None
    if out is not None and texts is not None:
        try:
            written = write_report(report, inputs.notes, inputs.outcomes, item_browser(inputs.outcomes, texts), out)
        except UserError as error:
            if not failed:
                raise
            error.show()
    # A gate that fails is told by the exit code and on standard error, also if the report can't be written or printed.
    with exit_code_kept(exit_code):
        try:
            print_report(report, inputs.notes, options.format)
            if out is not None and written is not None:
                # stdout may be redirected to a file, which then contains only the numbers.
                stream = sys.stderr if options.format != "table" else sys.stdout
                print(shown_sentence(f"written: {join_truncated(written.files, most=9)}"), file=stream)
                if written.kept:
                    kept = join_truncated(written.kept, most=9)
                    print(shown_sentence(f"not of an earlier report, and kept under another name: {kept}"), file=stream)
                if older := left_over(out):
                    print(shown_sentence(f"not of this report, and not removed: {join_truncated(older, most=9)}"), file=stream)
        finally:
            for line in failed:
                print(shown_sentence(f"lm-eval-illusion: gate: {line}"), file=sys.stderr)
    return exit_code


def read_inputs(paths: Sequence[Path], options: ReportOptions, texts: ItemTexts | None = None) -> ReportInputs:
    """Return the outcomes of our views and of the paired tasks in every run below `paths`.

    `texts`: collects the texts of a sample of the items for the item browser.

    Raises:
        UserError: There are neither views nor pairs, or a file is incomplete.
    """
    pairs = [read_pair(text) for text in options.pairs]
    runs = find_runs(paths)
    if options.noise is not None:
        # The second dense run may be among the others: leave it out there, because it has the variant name of the first.
        first, repeated = ({run.results_file for run in find_runs([path])} for path in options.noise)
        if same := first & repeated:
            raise UserError(
                f"--noise names {min(same)} twice: give two runs of the dense model, e.g. the second with another batch size"
            )
        runs = [run for run in runs if run.results_file not in repeated]
    if options.dense is not None:
        runs = as_variants_of(options.dense, runs)
    views = find_views(runs)
    if not views and not pairs:
        raise UserError(
            f"no tasks of ours in {join_truncated(paths)}: run lm_eval with --tasks mqa_illusion, or name two of its tasks by --pair"
        )
    repetitions = [views_below([run]) for run in options.noise or ()]
    check_same_base([*views, *chain.from_iterable(repetitions)])
    cache = RowCache(frozenset(view.samples_file for views_of_run in repetitions for view in views_of_run))
    recognition = recognition_of(views, options.recognition)
    outcomes = join_views(views, recognition, texts, cache) if views else []
    paired = join_tasks(runs, pairs, options.on, texts)
    outcomes += paired.outcomes
    noise = [join_views(views_of_run, recognition, cache=cache) for views_of_run in repetitions]
    rules_version_of([*outcomes, *chain.from_iterable(noise)])  # also the two dense runs have one version
    return ReportInputs(
        outcomes,
        [*notes_of(outcomes, runs, with_equal_samples(views), recognition), *_metrics_of_pairs(paired), *paired.notes],
        # The metrics of our views are not those of other tasks.
        recognition=recognition if views else _joined(paired.recognition.values()),
        production=PRODUCTION.outcome_metric if views else _joined(paired.production.values()),
        noise=(noise[0], noise[1]) if noise else None,
    )


def _metrics_of_pairs(paired: PairedTasks) -> list[str]:
    return [
        f"in {family}, a document is recognised if {_joined([metrics])} of the first task is 1 and no two options tie for the top score,"
        f" and produced if {_joined([paired.production[family]])} of the second is 1."
        for family, metrics in paired.recognition.items()
    ]


def _joined(metrics: Iterable[set[str]]) -> str:
    return " or ".join(sorted(set().union(*metrics)))
