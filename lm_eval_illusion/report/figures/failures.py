"""The figure of the failure modes: for each variant, the dense one first, a bar of all items by how their answer fails."""

from __future__ import annotations

from lm_eval_illusion.analysis.records import Report, Row
from lm_eval_illusion.report.failure_columns import SHOWN_MODES, ShownMode
from lm_eval_illusion.report.figures.series import grouped, label_width
from lm_eval_illusion.report.figures.svg import Drawing, cut, width_of
from lm_eval_illusion.report.format import count, percent, share_with_interval, span

BAR = 20
STEP = 28
NARROWEST_WITH_NUMBER = 34


def draw_failures(report: Report, width: float) -> Drawing | None:
    """Draw a bar for each variant; its whole length is all items, so the empty end is what is produced. None where nothing was judged."""
    groups = grouped(report, lambda row: bool(row.failure_modes) and row.n > 0)
    if not groups:
        return None
    rows = [row for group in groups for row in group.rows]
    used = [shown for shown in SHOWN_MODES if any(_count(shown, row) for row in rows)]
    if not used:
        return None
    drawing = Drawing(
        "How production fails",
        f"% of all items that fail in each way; the rest is produced; n = {span([row.n for row in rows])} items per variant",
        "A bar a variant. " + " ".join(f"{row.variant}: {_in_words(row, used)}." for row in rows),
        width,
    )
    _legend(drawing, used)
    names = label_width(groups, width)
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 14
        for row in group.rows:
            _bar(drawing, row, used, names)
        drawing.y += 14
    return drawing


def _legend(drawing: Drawing, used: list[ShownMode]) -> None:
    x = 0.0
    for shown in used:
        length = 32 + width_of(shown.heading)
        if x and x + length > drawing.width:
            x = 0.0
            drawing.y += 18
        drawing.rect((x, drawing.y - 9), (11, 11), _role(shown))
        drawing.text((x + 16, drawing.y), shown.heading, "label")
        x += length
    drawing.y += 26


def _bar(drawing: Drawing, row: Row, used: list[ShownMode], names: float) -> None:
    """Draw the variant's name and, right of the column of names, its bar."""
    middle = drawing.y + BAR / 2 + 4
    drawing.text((0, middle), cut(row.variant, names - 8), "label", tip=row.variant)
    length = drawing.width - names
    drawing.rect(
        (names, drawing.y), (length, BAR), "track", f"{row.variant}: produced {share_with_interval(row.production_accuracy)} %"
    )
    x = names
    for shown in used:
        share = _count(shown, row) / row.n
        tip = f"{row.variant}: {shown.heading} {count(_count(shown, row))} of {count(row.n)} ({share_with_interval(shown.rate(row))} %)"
        drawing.rect((x, drawing.y), (length * share - 1, BAR), _role(shown), tip)
        if length * share > NARROWEST_WITH_NUMBER:
            drawing.text((x + length * share / 2, middle), percent(share), f"on-{_role(shown)}", "middle", tip)
        x += length * share
    drawing.y += STEP


def _role(shown: ShownMode) -> str:
    return f"mode-{shown.mode.replace('_', '-')}"


def _count(shown: ShownMode, row: Row) -> int:
    rate = shown.rate(row)
    return rate.n if rate else 0


def _in_words(row: Row, used: list[ShownMode]) -> str:
    return ", ".join(f"{shown.heading} {percent(_count(shown, row) / row.n)} %" for shown in used)
