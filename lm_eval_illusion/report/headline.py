"""The headline: one sentence with the numbers of the worst variant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lm_eval_illusion.analysis.records import DenseComparison, Report, Row
from lm_eval_illusion.report.format import count, decimal, percent
from lm_eval_illusion.report.names import DENSE, families, pooled_rows, short_names
from lm_eval_illusion.report.shown import shown_report
from lm_eval_illusion.report.validity import invalid_languages, refusals
from lm_eval_illusion.results.join_views import BY_LETTER


def headline(report: Report) -> str:
    """Return the parts of the headline as one text."""
    return " ".join(headline_parts(report))


def headline_parts(report: Report) -> list[str]:
    """Return a sentence on the variant whose illusion gap grew most; without a dense run, on the variant with the widest gap.

    Where the open view of a dense model is not valid, its variants are left out, and another part says what is wrong and what to change.
    If nothing is left to claim, such parts are all.
    """
    report = shown_report(report)
    row = worst_row(report)
    refused = refusals(report)
    if row is None:
        return refused or ["Nothing was measured: no item has a defined recognition and production."]
    return [_claim(report, row), *invalid_languages(report), *refused]


def _claim(report: Report, row: Row) -> str:
    name = f"{row.variant} of {short_names(report)[row.base_model]}"
    if len(families(pooled_rows(report))) > 1:
        name += f", on {row.family}"
    # By scores it needs no word: every option was compared. A letter is another measure, and never the default beside scores.
    by = " by a generated letter" if report.recognition_metric in BY_LETTER else ""
    if row.vs_dense and _gap_change(row) is not None:
        return f"{name}: {_changes(row.vs_dense, by)}; {_known_items(row.vs_dense)}."
    is_dense = (row.base_model, row.variant) in _dense_variants(report)
    missing = "no compressed variant was given" if is_dense else "no dense run was given to compare it with"
    return f"{name}: {_levels(row, by)}; {missing}."


def worst_row(report: Report) -> Row | None:
    """Return the pooled row that the headline is about; None where nothing is defined, or the open view is not valid."""
    rows = [row for row in pooled_rows(report) if row.validity.ok is not False]
    dense = _dense_variants(report)
    pruned = [row for row in rows if (row.base_model, row.variant) not in dense]
    return _largest(pruned, _gap_change) or _largest(pruned, _gap) or _largest(rows, _gap)


def _largest(rows: Sequence[Row], key: Callable[[Row], float | None]) -> Row | None:
    defined = [(value, row) for row in rows if (value := key(row)) is not None]
    return max(defined, key=lambda pair: pair[0])[1] if defined else None


def _gap_change(row: Row) -> float | None:
    return row.vs_dense.gap_change.value if row.vs_dense else None


def _gap(row: Row) -> float | None:
    return row.illusion_gap.value


def _dense_variants(report: Report) -> set[tuple[str, str]]:
    """Return base model and name of each dense variant."""
    return {(entry.base_model, entry.variant) for entry in report.variants if entry.pruner == DENSE}


def _changes(comparison: DenseComparison, by: str = "") -> str:
    """Return e.g. 'recognition fell by 17.2 points, production by 55.4'; a verb or unit is not repeated.

    `by`: what recognition is by, as it stands after the word; "" for scores.
    """
    parts: list[str] = []
    last_verb = ""
    for name, rate in ((f"recognition{by}", comparison.recognition_change), ("production", comparison.production_change)):
        change = rate.value or 0.0
        size = decimal(100 * abs(change))
        verb = "fell" if change < 0 else "rose"
        unit = "" if last_verb else " point" if size == "1.0" else " points"
        if size == "0.0":
            parts.append(f"{name} did not change")
        else:
            parts.append(f"{name} by {size}" if last_verb == verb else f"{name} {verb} by {size}{unit}")
            last_verb = verb
    return ", ".join(parts)


def _known_items(comparison: DenseComparison) -> str:
    """Return in words how many of the dense model's right answers became recognition-only errors."""
    known, induced = comparison.known, comparison.induced_recognition_only
    if not known:
        return "the dense model gave no right answer, so there was none to lose"
    subject = f"of {count(known)} {'answer' if known == 1 else 'answers'} that the dense model gave"
    if not induced:
        return f"{subject}, none is still recognised and no longer produced"
    verb = "is" if induced == 1 else "are"
    return f"{subject}, {count(induced)} ({percent(induced / known, 0)} %) {verb} still recognised and no longer produced"


def _levels(row: Row, by: str) -> str:
    recognised, produced = percent(row.recognition_accuracy.value), percent(row.production_accuracy.value)
    gap = decimal(100 * (row.illusion_gap.value or 0.0))
    return f"{recognised} % of {count(row.n)} items are recognised{by}, {produced} % produced, a gap of {gap} points"
