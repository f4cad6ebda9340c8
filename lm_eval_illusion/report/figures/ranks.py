"""Two figures over the gold rank, with a small panel for each variant: its histogram, and the recovery at each rank."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lm_eval_illusion.analysis.records import KnownRanks, Report, Row
from lm_eval_illusion.analysis.recovery import BUCKETS
from lm_eval_illusion.report.figures.series import grouped
from lm_eval_illusion.report.figures.svg import Drawing, cut, width_of
from lm_eval_illusion.report.format import count, percent, share_with_interval, span

PANEL = 228
"""Smallest width of a panel; its height is HEIGHT, without title and ticks."""
HEIGHT = 92
BETWEEN = 26
AXIS = 26
"""Width of the tick labels left of a panel."""


def draw_gold_rank(report: Report, width: float) -> Drawing | None:
    """Draw histograms of the known items' gold ranks under the dense and the pruned model. None where no rank is known."""
    groups = grouped(report, lambda row: _known_ranks(row) is not None)
    if not groups:
        return None
    rows = [row for group in groups for row in group.rows]
    known = [ranks.pruned.n for row in rows if (ranks := _known_ranks(row))]
    drawing = Drawing(
        "Gold rank: where the answer's first token stands after the open prompt",
        f"% of known items by rank, 1 = the greedy choice; n = {span(known)} known items per variant",
        "A panel a variant. " + " ".join(f"{row.variant}: {_medians(row)}." for row in rows),
        width,
    )
    x = 0.0
    for role, name in (("lost", "dense"), ("retained", "compressed")):
        drawing.rect((x, drawing.y - 9), (11, 11), role)
        drawing.text((x + 16, drawing.y), name, "label")
        x += 32 + width_of(name)
    drawing.y += 22
    for group in groups:
        _panels(drawing, group.heading, group.rows, _medians, _rank_bars)
    return drawing


def draw_recovery_by_rank(report: Report, width: float) -> Drawing | None:
    """Draw the share of errors that any strategy recovers, by gold rank. None where no rank is known."""
    groups = grouped(report, lambda row: _errors(row) > 0)
    if not groups:
        return None
    rows = [row for group in groups for row in group.rows]
    drawing = Drawing(
        "Recovery by gold rank",
        f"% of the recognition-only errors that any strategy answers, by gold rank; n = {span(list(map(_errors, rows)))} errors a"
        " variant; bars: 95 % intervals",
        "A panel a variant. " + " ".join(f"{row.variant}: {_recovery_in_words(row)}." for row in rows),
        width,
    )
    for group in groups:
        _panels(drawing, group.heading, group.rows, lambda row: f"n = {count(_errors(row))}", _recovery_bars)
    return drawing


def _panels(
    drawing: Drawing,
    heading: str,
    rows: Sequence[Row],
    caption: Callable[[Row], str],
    draw_bars: Callable[[Drawing, Row, float, float, float], None],
) -> None:
    """Draw a panel for each row of the report, as many side by side as fit.

    `caption`: the text at the upper right of a panel. `draw_bars`: called with drawing, row, left edge, foot and width of a rank.
    """
    drawing.text((0, drawing.y + 4), cut(heading, drawing.width), "heading", tip=heading)
    drawing.y += 22
    columns = max(int((drawing.width + BETWEEN) // (PANEL + BETWEEN)), 1)
    width = (drawing.width + BETWEEN) / columns - BETWEEN
    for start in range(0, len(rows), columns):
        for index, row in enumerate(rows[start : start + columns]):
            x = index * (width + BETWEEN)
            _frame(drawing, row.variant, caption(row), x, width)
            draw_bars(drawing, row, x + AXIS, drawing.y + 24 + HEIGHT, (width - AXIS) / len(BUCKETS))
        drawing.y += 24 + HEIGHT + 34
    drawing.y += 6


def _frame(drawing: Drawing, name: str, caption: str, x: float, width: float) -> None:
    foot = drawing.y + 24 + HEIGHT
    drawing.text((x, drawing.y + 4), cut(name, width - width_of(caption, 11) - 8), "label", tip=name)
    drawing.text((x + width, drawing.y + 4), caption, "quiet", "end")
    for share in (0, 0.5, 1):
        y = foot - share * HEIGHT
        drawing.line((x + AXIS, y), (x + width, y), "grid" if share else "axis")
        drawing.text((x + AXIS - 5, y + 4), percent(share, 0), "quiet", "end")
    step = (width - AXIS) / len(BUCKETS)
    for index, ranks in enumerate(BUCKETS):
        drawing.text((x + AXIS + (index + 0.5) * step, foot + 14), ranks.replace("-", "–"), "tick", "middle")


def _rank_bars(drawing: Drawing, row: Row, x: float, foot: float, step: float) -> None:
    known = _known_ranks(row)
    if known is None:
        return
    bar = step * 0.38
    sides = ((known.dense, "dense", "lost"), (known.pruned, row.variant, "retained"))
    for side, (ranks_of_model, name, role) in enumerate(sides):
        n = ranks_of_model.n
        for index, ranks in enumerate(BUCKETS):
            items = ranks_of_model.histogram.get(ranks, 0)
            share = items / n if n else 0.0
            tip = f"{name}: rank {ranks} for {count(items)} of {count(n)} known items ({percent(share)} %)"
            at = (x + (index + 0.5) * step + (side - 1) * bar, foot - share * HEIGHT)
            drawing.rect(at, (bar - 1, share * HEIGHT), role, tip)


def _recovery_bars(drawing: Drawing, row: Row, x: float, foot: float, step: float) -> None:
    by_ranks = {part.ranks: part for part in row.recovery_by_rank}
    for index, ranks in enumerate(BUCKETS):
        part, middle = by_ranks.get(ranks), x + (index + 0.5) * step
        if part is None or part.value is None:
            drawing.text((middle, foot - 5), "–", "quiet", "middle", tip=f"{row.variant}: no error of rank {ranks}")
            continue
        tip = f"{row.variant}, rank {ranks}: {share_with_interval(part)} %, {part.recovered} of {part.n} errors"
        drawing.rect((middle - step * 0.3, foot - part.value * HEIGHT), (step * 0.6, part.value * HEIGHT), "recovered", tip)
        if part.ci is not None:
            low, high = (foot - bound * HEIGHT for bound in part.ci)
            drawing.line((middle, low), (middle, high), "interval")


def _known_ranks(row: Row) -> KnownRanks | None:
    return row.vs_dense.gold_rank if row.vs_dense and row.vs_dense.gold_rank.pruned.n else None


def _errors(row: Row) -> int:
    """Return the number of recognition-only errors whose rank is known and on which a strategy ran."""
    return sum(part.n for part in row.recovery_by_rank)


def _medians(row: Row) -> str:
    known = _known_ranks(row)
    return f"median {count(known.dense.median)} → {count(known.pruned.median)}" if known else ""


def _recovery_in_words(row: Row) -> str:
    return ", ".join(f"rank {part.ranks} {percent(part.value)} %" for part in row.recovery_by_rank if part.n)
