"""The figure of the divergence: how often known items become induced errors where the next token changed little, more, or most."""

from __future__ import annotations

from lm_eval_illusion.analysis.records import InducedAtKl, Report, Row
from lm_eval_illusion.report.comparison_columns import THIRDS
from lm_eval_illusion.report.figures.series import grouped, label_width
from lm_eval_illusion.report.figures.svg import Drawing, cut
from lm_eval_illusion.report.format import count, decimal, percent, share_with_interval, span

BAR = 14
STEP = 26
BETWEEN = 14


def draw_induced_by_divergence(report: Report, width: float) -> Drawing | None:
    """Draw three bars for each variant: the rate of induced errors in each third of the known items. None without divergences."""
    groups = grouped(report, lambda row: bool(_parts(row)))
    if not groups:
        return None
    rows = [row for group in groups for row in group.rows]
    drawing = Drawing(
        "Induced errors where the next token changed little, more, most",
        f"% of the known items (n = {span([sum(part.n for part in _parts(row)) for row in rows])}) that became recognition-only errors,"
        " by thirds of their divergence; lines: 95 % intervals",
        "Three bars a variant. " + " ".join(f"{row.variant}: {_in_words(row)}." for row in rows),
        width,
    )
    names = label_width(groups, width)
    third = (width - names + BETWEEN) / len(THIRDS)
    for number, name in enumerate(THIRDS):
        drawing.text((names + number * third, drawing.y), cut(f"{name} KL", third - BETWEEN, 11), "quiet")
    drawing.y += 12
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 14
        for row in group.rows:
            drawing.text((0, drawing.y + BAR - 2), cut(row.variant, names - 8), "label", tip=row.variant)
            for number, part in enumerate(_parts(row)):
                _bar(drawing, row.variant, part, names + number * third, third - BETWEEN)
            drawing.y += STEP
        drawing.y += 8
    return drawing


def _bar(drawing: Drawing, variant: str, part: InducedAtKl, x: float, length: float) -> None:
    share = part.value or 0.0
    tip = (
        f"{variant}, KL {decimal(part.low, 3)} to {decimal(part.high, 3)}: {share_with_interval(part)} %,"
        f" {count(part.induced)} of {count(part.n)} known items"
    )
    drawing.rect((x, drawing.y), (length, BAR), "track", tip)
    drawing.rect((x, drawing.y), (length * share, BAR), "illusion", tip)
    if part.ci is not None:
        low, high = (x + bound * length for bound in part.ci)
        drawing.line((low, drawing.y + BAR / 2), (high, drawing.y + BAR / 2), "interval")
    drawing.text((x + length, drawing.y + BAR - 3), percent(part.value), "on-faint", "end", tip)


def _parts(row: Row) -> list[InducedAtKl]:
    return row.vs_dense.induced_by_kl if row.vs_dense else []


def _in_words(row: Row) -> str:
    return ", ".join(f"{name} KL {percent(part.value)} %" for name, part in zip(THIRDS, _parts(row), strict=False))
