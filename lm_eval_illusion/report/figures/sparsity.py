"""The first figure: recognition and production against measured sparsity, the gap between them shaded.

The frame of a panel: sparsity from left to right, the share of items from foot to top.

Marks that tell methods apart without colour, and labels that keep off each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lm_eval_illusion.report.figures.series import Method, Panel, Row, panels
from lm_eval_illusion.report.figures.svg import BOLD, Drawing, Point, cut, width_of
from lm_eval_illusion.report.format import decimal, percent, share_with_interval, span

AXIS = 34
"""The room left of a panel for its ticks."""


@dataclass(frozen=True)
class Frame:
    """Where a panel lies and how sparsities and shares become places in it."""

    x: float
    top: float
    width: float
    height: float
    most: float

    def at(self, sparsity: float, share: float) -> Point:
        """The place of a sparsity and a share of items."""
        return self.x + self.width * sparsity / self.most, self.top + self.height * (1 - share)


def draw_axes(drawing: Drawing, frame: Frame) -> None:
    """Lines at each quarter of the items, ticks at each tenth of sparsity, or each fifth where there is little room."""
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = frame.at(0, share)
        drawing.line((x, y), (x + frame.width, y), "grid" if share else "axis")
        drawing.text((x - 7, y + 4), percent(share, 0), "quiet", "end")
    step = 0.1 if frame.most <= 0.5 or frame.width > 400 else 0.2
    for tick in range(int(frame.most / step + 1e-9) + 1):
        x, y = frame.at(tick * step, 0)
        drawing.text((x, y + 16), percent(tick * step, 0), "quiet", "middle")
    drawing.text((frame.x + frame.width / 2, frame.top + frame.height + 32), "measured sparsity, %", "quiet", "middle")


CORNERS = ((24, 0.0), (4, 45.0), (3, -90.0), (4, 0.0), (3, 90.0), (5, -90.0))
"""Corners and turn in degrees of each method's mark: disc, square, triangle, diamond, triangle upside down, pentagon."""
RADIUS = 4.6


def mark(drawing: Drawing, at: Point, method: int, role: str, tip: str = "") -> None:
    """The mark of the method of this number, around a point."""
    corners, turn = CORNERS[method % len(CORNERS)]
    # A triangle's corners stand further out than a disc of the same area.
    radius = RADIUS * (1 + 2.4 / corners**1.6)
    angles = [math.radians(turn + 360 * corner / corners) for corner in range(corners)]
    drawing.area([(at[0] + radius * math.cos(angle), at[1] + radius * math.sin(angle)) for angle in angles], role, tip)


def apart(wanted: Sequence[float], gap: float, lowest: float) -> list[float]:
    """Heights near the wanted ones, at least `gap` apart, none below `lowest` (y grows downward); order is kept."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed = list(wanted)
    for before, this in pairwise(order):
        placed[this] = max(placed[this], placed[before] + gap)
    limit = lowest
    for this in reversed(order):
        placed[this] = min(placed[this], limit)
        limit = placed[this] - gap
    return placed


def widest_free(top: float, foot: float, taken: Sequence[float]) -> float:
    """The middle of the largest stretch between two heights in which nothing stands."""
    edges = sorted([top, foot, *(y for y in taken if top < y < foot)])
    above, below = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
    return (above + below) / 2


MEASURES = (("recognition", "recognised"), ("production", "produced"))
BETWEEN = 28
LABEL_GAP = 15


def draw_recognition_and_production(report: dict[str, Any], width: float) -> Drawing | None:
    """A panel a base model and family, in it two lines a method."""
    found = panels(report)
    if not found:
        return None
    points = [point for panel in found for method in panel.methods for point in method.points]
    drawing = Drawing(
        "Recognition and production against sparsity",
        f"% of items, over the measured sparsity in %; n = {span([row['n'] for _, row in points])} items a variant;"
        " thin bars: 95 % intervals",
        "Two lines a method: the share of items recognised and the share produced; between them, shaded, the illusion gap. "
        + " ".join(f"{panel.heading}: {_said(panel)}." for panel in found),
        width,
    )
    names = list(dict.fromkeys(method.name for panel in found for method in panel.methods))
    _legend(drawing, names)
    most = max(math.ceil(max(sparsity for sparsity, _ in points) * 10 - 1e-9) / 10, 0.1)
    columns = 1 if width < 500 else min(len(found), 2 if len(found) < 5 else 3)
    size = (width + BETWEEN) / columns - BETWEEN
    height = min(max(size * 0.5, 220), 300)
    for start in range(0, len(found), columns):
        for place, panel in enumerate(found[start : start + columns]):
            _panel(drawing, panel, names, place * (size + BETWEEN), (size, height), most)
        drawing.y += height + (64 if start + columns < len(found) else 36) + 22
    return drawing


def _legend(drawing: Drawing, names: list[str]) -> None:
    x, y = 0.0, drawing.y
    for role, word in MEASURES:
        drawing.path([(x, y - 4), (x + 26, y - 4)], f"{role}-line")
        drawing.text((x + 32, y), word, "label")
        x += 50 + width_of(word)
    drawing.rect((x, y - 10), (18, 12), "gap")
    drawing.text((x + 24, y), "illusion gap", "label")
    x += 52 + width_of("illusion gap")
    for number, name in enumerate(names if len(names) > 1 else []):
        if x + width_of(name) + 16 > drawing.width:
            x, y = 0.0, y + 20
        mark(drawing, (x + 5, y - 4), number, "production-mark")
        drawing.text((x + 16, y), cut(name, drawing.width - x - 16), "label", tip=name)
        x += 34 + width_of(name)
    drawing.y = y + 28


def _panel(drawing: Drawing, panel: Panel, names: list[str], x: float, size: Point, most: float) -> None:
    labels = [method.name for method in panel.methods] if len(names) > 1 else [word for _, word in MEASURES]
    room = min(max(map(width_of, labels)) * BOLD + 12, size[0] / 3)
    frame = Frame(x + AXIS, drawing.y + 22, size[0] - AXIS - room, size[1], most)
    drawing.text((x, drawing.y + 4), cut(panel.heading, size[0]), "heading", tip=panel.heading)
    draw_axes(drawing, frame)
    for method in panel.methods:
        edges = [[frame.at(s, _value(row, measure)) for s, row in method.points] for measure, _ in MEASURES]
        # Where methods' gaps lie over each other, each is fainter.
        drawing.area([*edges[0], *reversed(edges[1])], "gap", opacity=0.22 if len(panel.methods) == 1 else 0.13)
    for method in panel.methods:
        for measure, _ in MEASURES:
            _line(drawing, frame, method, measure, names.index(method.name))
    _name_ends(drawing, frame, panel, room, several=len(names) > 1)
    _name_widest_gap(drawing, frame, panel)


def _line(drawing: Drawing, frame: Frame, method: Method, measure: str, number: int) -> None:
    drawing.path([frame.at(sparsity, _value(row, measure)) for sparsity, row in method.points], f"{measure}-line")
    for sparsity, row in method.points:
        rate = row[f"{measure}_accuracy"]
        if rate["ci"] is not None:
            drawing.line(frame.at(sparsity, rate["ci"][0]), frame.at(sparsity, rate["ci"][1]), "interval")
        tip = f"{row['variant']}, sparsity {percent(sparsity)} %: {measure} {share_with_interval(rate)} %, n = {row['n']}"
        # The dense point belongs to every method: the same mark for all.
        dense = row is method.points[0][1] and sparsity == 0
        mark(drawing, frame.at(sparsity, rate["value"]), 0 if dense else number, f"{measure}-mark", tip)


def _name_ends(drawing: Drawing, frame: Frame, panel: Panel, room: float, several: bool) -> None:
    """What each line is, at its right end: the method, or, where there is one only, what is measured."""
    ends = []
    for method in panel.methods:
        for measure, word in MEASURES:
            sparsity, row = method.points[-1]
            ends.append((frame.at(sparsity, _value(row, measure)), method.name if several else word, measure))
    heights = apart([y for (_, y), _, _ in ends], LABEL_GAP, frame.top + frame.height)
    edge = frame.x + frame.width
    for ((x, end), name, measure), y in zip(ends, heights, strict=True):
        if x < edge - 20:
            drawing.line((x + 8, end), (edge + 7, y), "leader")
        drawing.text((edge + 10, y + 4), cut(name, room / BOLD), f"{measure}-text", tip=name)


def _name_widest_gap(drawing: Drawing, frame: Frame, panel: Panel) -> None:
    points = [point for method in panel.methods for point in method.points]
    sparsity, row = max(points, key=lambda point: _value(point[1], "recognition") - _value(point[1], "production"))
    gap = _value(row, "recognition") - _value(row, "production")
    if gap * frame.height < 40:
        return
    x, foot = frame.at(sparsity, _value(row, "production"))
    head = frame.at(sparsity, _value(row, "recognition"))[1]
    marks = [frame.at(s, _value(other, measure)) for s, other in points for measure, _ in MEASURES]
    drawing.line((x, head + 6), (x, foot - 6), "gap-line")
    y = widest_free(head, foot, [mark_y for mark_x, mark_y in marks if x - 60 < mark_x < x + 10])
    drawing.text((x - 8, y + 4), f"gap {decimal(100 * gap)}", "gap-text", "end")


def _value(row: Row, measure: str) -> float:
    return float(row[f"{measure}_accuracy"]["value"])


def _said(panel: Panel) -> str:
    rows = {row["variant"]: row for method in panel.methods for _, row in method.points}
    return "; ".join(
        f"{name} " + ", ".join(f"{word} {percent(_value(row, measure))} %" for measure, word in MEASURES)
        for name, row in rows.items()
    )
