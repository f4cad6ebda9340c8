"""Two figures over the rank of the gold answer's first token, a small panel a variant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lm_eval_illusion.report.figures.series import Row, grouped
from lm_eval_illusion.report.figures.svg import Drawing, cut, width_of
from lm_eval_illusion.report.format import count, percent, share_with_interval, span

RANKS = ("1", "2", "3-5", "6-10", "11-100", ">100")
PANEL = 228
HEIGHT = 92
BETWEEN = 26
AXIS = 26


def draw_gold_rank(report: dict[str, Any], width: float) -> Drawing | None:
    """Histograms of the known items' gold rank, the dense model's beside the pruned one's."""
    groups = grouped(report, lambda row: _known_ranks(row) is not None)
    if not groups:
        return None
    known = [_known_ranks(row)["pruned"]["n"] for group in groups for row in group.rows]  # type: ignore[index]
    drawing = Drawing(
        "Gold rank: where the answer's first token stands after the open prompt",
        f"% of known items by rank, 1 = what greedy decoding says; n = {span(known)} known items a variant",
        "A panel a variant. " + " ".join(f"{row['variant']}: {_medians(row)}." for group in groups for row in group.rows),
        width,
    )
    x = 0.0
    for role, name in (("lost", "dense"), ("retained", "pruned")):
        drawing.rect((x, drawing.y - 9), (11, 11), role)
        drawing.text((x + 16, drawing.y), name, "label")
        x += 32 + width_of(name)
    drawing.y += 22
    for group in groups:
        _panels(drawing, group.heading, group.rows, _medians, _rank_bars)
    return drawing


def draw_recovery_by_rank(report: dict[str, Any], width: float) -> Drawing | None:
    """How often any strategy recovers an error, by its gold rank."""
    groups = grouped(report, lambda row: any(part["n"] for part in row["recovery_by_rank"]))
    if not groups:
        return None
    errors = [sum(part["n"] for part in row["recovery_by_rank"]) for group in groups for row in group.rows]
    drawing = Drawing(
        "Recovery by gold rank",
        f"% of the recognition-only errors that any strategy answers, by gold rank; n = {span(errors)} errors a variant;"
        " bars: 95 % intervals",
        "A panel a variant. " + " ".join(f"{row['variant']}: {_recovery_said(row)}." for group in groups for row in group.rows),
        width,
    )
    for group in groups:
        _panels(drawing, group.heading, group.rows, _errors_said, _recovery_bars)
    return drawing


def _panels(
    drawing: Drawing,
    heading: str,
    rows: Sequence[Row],
    said: Callable[[Row], str],
    bars: Callable[[Drawing, Row, float, float, float], None],
) -> None:
    drawing.text((0, drawing.y + 4), cut(heading, drawing.width), "heading", tip=heading)
    drawing.y += 22
    columns = max(int((drawing.width + BETWEEN) // (PANEL + BETWEEN)), 1)
    size = (drawing.width + BETWEEN) / columns - BETWEEN
    for start in range(0, len(rows), columns):
        for place, row in enumerate(rows[start : start + columns]):
            x = place * (size + BETWEEN)
            _frame(drawing, row["variant"], said(row), x, size)
            bars(drawing, row, x + AXIS, drawing.y + 24 + HEIGHT, (size - AXIS) / len(RANKS))
        drawing.y += 24 + HEIGHT + 34
    drawing.y += 6


def _frame(drawing: Drawing, name: str, said: str, x: float, size: float) -> None:
    foot = drawing.y + 24 + HEIGHT
    drawing.text((x, drawing.y + 4), cut(name, size - width_of(said, 11) - 8), "label", tip=name)
    drawing.text((x + size, drawing.y + 4), said, "quiet", "end")
    for share in (0, 0.5, 1):
        y = foot - share * HEIGHT
        drawing.line((x + AXIS, y), (x + size, y), "grid" if share else "axis")
        drawing.text((x + AXIS - 5, y + 4), percent(share, 0), "quiet", "end")
    step = (size - AXIS) / len(RANKS)
    for place, ranks in enumerate(RANKS):
        drawing.text((x + AXIS + (place + 0.5) * step, foot + 14), ranks.replace("-", "–"), "tick", "middle")


def _rank_bars(drawing: Drawing, row: Row, x: float, foot: float, step: float) -> None:
    known = _known_ranks(row) or {}
    wide = step * 0.38
    for which, (side, role) in enumerate((("dense", "lost"), ("pruned", "retained"))):
        histogram, n = known[side]["histogram"], known[side]["n"]
        for place, ranks in enumerate(RANKS):
            share = histogram.get(ranks, 0) / n if n else 0.0
            name = "dense" if side == "dense" else row["variant"]
            tip = f"{name}: rank {ranks} for {count(histogram.get(ranks, 0))} of {count(n)} known items ({percent(share)} %)"
            at = (x + (place + 0.5) * step + (which - 1) * wide, foot - share * HEIGHT)
            drawing.rect(at, (wide - 1, share * HEIGHT), role, tip)


def _recovery_bars(drawing: Drawing, row: Row, x: float, foot: float, step: float) -> None:
    parts = {part["ranks"]: part for part in row["recovery_by_rank"]}
    for place, ranks in enumerate(RANKS):
        part, middle = parts.get(ranks), x + (place + 0.5) * step
        if part is None or part["value"] is None:
            drawing.text((middle, foot - 5), "–", "quiet", "middle", tip=f"{row['variant']}: no error of rank {ranks}")
            continue
        tip = f"{row['variant']}, rank {ranks}: {share_with_interval(part)} %, {part['recovered']} of {part['n']} errors"
        drawing.rect(
            (middle - step * 0.3, foot - part["value"] * HEIGHT), (step * 0.6, part["value"] * HEIGHT), "recovered", tip
        )
        if part["ci"] is not None:
            low, high = (foot - bound * HEIGHT for bound in part["ci"])
            drawing.line((middle, low), (middle, high), "interval")


def _known_ranks(row: Row) -> dict[str, Any] | None:
    ranks: dict[str, Any] | None = row["vs_dense"]["gold_rank"] if row["vs_dense"] else None
    return ranks if ranks and ranks["pruned"]["n"] else None


def _medians(row: Row) -> str:
    known = _known_ranks(row) or {}
    dense, pruned = (count(known[side]["median"]) for side in ("dense", "pruned"))
    return f"median {dense} → {pruned}"


def _errors_said(row: Row) -> str:
    return f"n = {count(sum(part['n'] for part in row['recovery_by_rank']))}"


def _recovery_said(row: Row) -> str:
    return ", ".join(f"rank {part['ranks']} {percent(part['value'])} %" for part in row["recovery_by_rank"] if part["n"])
