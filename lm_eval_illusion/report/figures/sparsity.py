"""The first figure: recognition and production against measured sparsity, with the illusion gap between them shaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lm_eval_illusion.analysis.records import Rate, Report, Row
from lm_eval_illusion.report.figures.series import Method, Panel, panels
from lm_eval_illusion.report.figures.svg import BOLD, Drawing, Point, cut, width_of
from lm_eval_illusion.report.format import decimal, percent, share_with_interval, span

AXIS = 34
"""Width of the tick labels left of a panel."""
BETWEEN = 28
LABEL_GAP = 15
"""Smallest distance in height between two labels."""
MARKS = ((24, 0.0), (4, 45.0), (3, -90.0), (4, 0.0), (3, 90.0), (5, -90.0))
"""Corners and rotation in degrees of each method's mark: disc, square, triangle, diamond, inverted triangle, pentagon."""
RADIUS = 4.6


@dataclass(frozen=True)
class Accuracy:
    """The accuracy that a line shows; `name` selects its colours."""

    name: str
    word: str
    rate: Callable[[Row], Rate]

    def value(self, row: Row) -> float:
        """Return the share from 0 to 1. Rows without a defined share are not drawn (`series.panels`)."""
        return float(self.rate(row).value or 0.0)


RECOGNITION = Accuracy("recognition", "recognised", lambda row: row.recognition_accuracy)
PRODUCTION = Accuracy("production", "produced", lambda row: row.production_accuracy)
ACCURACIES = (RECOGNITION, PRODUCTION)


@dataclass(frozen=True)
class Frame:
    """The area of a panel in pixels; its axis ends at the sparsity `most`."""

    x: float
    top: float
    width: float
    height: float
    most: float

    def at(self, sparsity: float, share: float) -> Point:
        """Return the point of a sparsity and a share of items, both from 0 to 1."""
        return self.x + self.width * sparsity / self.most, self.top + self.height * (1 - share)


def draw_recognition_and_production(report: Report, width: float) -> Drawing | None:
    """Draw a panel for each base model and family, with two lines for each method. None where no sparsity is known."""
    found = panels(report)
    if not found:
        return None
    points = [point for panel in found for method in panel.methods for point in method.points]
    drawing = Drawing(
        "Recognition and production against sparsity",
        f"% of items, over the measured sparsity in %; n = {span([row.n for _, row in points])} items per variant;"
        " thin bars: 95 % intervals",
        "Two lines a method: the share of items recognised and the share produced; between them, shaded, the illusion gap. "
        + " ".join(f"{panel.heading}: {_in_words(panel)}." for panel in found),
        width,
    )
    names = dict.fromkeys(method.name for panel in found for method in panel.methods)
    methods = {name: number for number, name in enumerate(names)}
    _legend(drawing, list(methods))
    most = max(math.ceil(max(sparsity for sparsity, _ in points) * 10 - 1e-9) / 10, 0.1)
    columns = 1 if width < 500 else min(len(found), 2 if len(found) < 5 else 3)
    panel_width = (width + BETWEEN) / columns - BETWEEN
    panel_height = min(max(panel_width * 0.5, 220), 300)
    for start in range(0, len(found), columns):
        for index, panel in enumerate(found[start : start + columns]):
            _panel(drawing, panel, methods, index * (panel_width + BETWEEN), (panel_width, panel_height), most)
        drawing.y += panel_height + (64 if start + columns < len(found) else 36) + 22
    return drawing


def _legend(drawing: Drawing, methods: Sequence[str]) -> None:
    x, y = 0.0, drawing.y
    for accuracy in ACCURACIES:
        drawing.path([(x, y - 4), (x + 26, y - 4)], f"{accuracy.name}-line")
        drawing.text((x + 32, y), accuracy.word, "label")
        x += 50 + width_of(accuracy.word)
    drawing.rect((x, y - 10), (18, 12), "gap")
    drawing.text((x + 24, y), "illusion gap", "label")
    x += 52 + width_of("illusion gap")
    for number, name in enumerate(methods if len(methods) > 1 else []):
        if x + width_of(name) + 16 > drawing.width:
            x, y = 0.0, y + 20
        _mark(drawing, (x + 5, y - 4), number, "production-mark")
        drawing.text((x + 16, y), cut(name, drawing.width - x - 16), "label", tip=name)
        x += 34 + width_of(name)
    drawing.y = y + 28


def _panel(drawing: Drawing, panel: Panel, methods: Mapping[str, int], x: float, size: Point, most: float) -> None:
    """Draw a panel of this size at `x`. `methods`: the number of each method of the figure, which selects its mark."""
    several = len(methods) > 1
    labels = [method.name for method in panel.methods] if several else [accuracy.word for accuracy in ACCURACIES]
    label_width = min(max(map(width_of, labels)) * BOLD + 12, size[0] / 3)
    frame = Frame(x + AXIS, drawing.y + 22, size[0] - AXIS - label_width, size[1], most)
    drawing.text((x, drawing.y + 4), cut(panel.heading, size[0]), "heading", tip=panel.heading)
    _axes(drawing, frame)
    for method in panel.methods:
        edges = [[frame.at(sparsity, accuracy.value(row)) for sparsity, row in method.points] for accuracy in ACCURACIES]
        # The gaps of several methods overlap: each is fainter.
        drawing.area([*edges[0], *reversed(edges[1])], "gap", opacity=0.22 if len(panel.methods) == 1 else 0.13)
    for method in panel.methods:
        for accuracy in ACCURACIES:
            _line(drawing, frame, method, accuracy, methods[method.name])
    _label_ends(drawing, frame, panel, label_width, several)
    _label_widest_gap(drawing, frame, panel)


def _axes(drawing: Drawing, frame: Frame) -> None:
    """Draw a line at each quarter of the items and a tick at each tenth of sparsity, each fifth in a narrow panel."""
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = frame.at(0, share)
        drawing.line((x, y), (x + frame.width, y), "grid" if share else "axis")
        drawing.text((x - 7, y + 4), percent(share, 0), "quiet", "end")
    step = 0.1 if frame.most <= 0.5 or frame.width > 400 else 0.2
    for tick in range(int(frame.most / step + 1e-9) + 1):
        x, y = frame.at(tick * step, 0)
        drawing.text((x, y + 16), percent(tick * step, 0), "quiet", "middle")
    drawing.text((frame.x + frame.width / 2, frame.top + frame.height + 32), "measured sparsity, %", "quiet", "middle")


def _line(drawing: Drawing, frame: Frame, method: Method, accuracy: Accuracy, number: int) -> None:
    """Draw one accuracy of one method; `number` selects the mark."""
    drawing.path([frame.at(sparsity, accuracy.value(row)) for sparsity, row in method.points], f"{accuracy.name}-line")
    for sparsity, row in method.points:
        rate = accuracy.rate(row)
        if rate.ci is not None:
            drawing.line(frame.at(sparsity, rate.ci[0]), frame.at(sparsity, rate.ci[1]), "interval")
        tip = f"{row.variant}, sparsity {percent(sparsity)} %: {accuracy.name} {share_with_interval(rate)} %, n = {row.n}"
        # The dense point belongs to every method and has the same mark in all.
        is_dense = row is method.points[0][1] and sparsity == 0
        _mark(drawing, frame.at(sparsity, accuracy.value(row)), 0 if is_dense else number, f"{accuracy.name}-mark", tip)


def _mark(drawing: Drawing, at: Point, number: int, role: str, tip: str = "") -> None:
    """Draw the mark of a method, by its number, around a point. Methods differ in shape, not only in colour."""
    corners, turn = MARKS[number % len(MARKS)]
    # The corners of a triangle are farther out than a disc of the same area.
    radius = RADIUS * (1 + 2.4 / corners**1.6)
    angles = [math.radians(turn + 360 * corner / corners) for corner in range(corners)]
    drawing.area([(at[0] + radius * math.cos(angle), at[1] + radius * math.sin(angle)) for angle in angles], role, tip)


def _label_ends(drawing: Drawing, frame: Frame, panel: Panel, label_width: float, several: bool) -> None:
    """Label the right end of each line with its method; if there is only one method, with the accuracy that the line shows."""
    ends = []
    for method in panel.methods:
        for accuracy in ACCURACIES:
            sparsity, row = method.points[-1]
            ends.append((frame.at(sparsity, accuracy.value(row)), method.name if several else accuracy.word, accuracy.name))
    heights = separated_heights([y for (_, y), _, _ in ends], LABEL_GAP, frame.top + frame.height)
    edge = frame.x + frame.width
    for ((x, end), name, accuracy_name), y in zip(ends, heights, strict=True):
        if x < edge - 20:
            drawing.line((x + 8, end), (edge + 7, y), "leader")
        drawing.text((edge + 10, y + 4), cut(name, label_width / BOLD), f"{accuracy_name}-text", tip=name)


def _label_widest_gap(drawing: Drawing, frame: Frame, panel: Panel) -> None:
    """Write the size of the widest gap beside it, where it is high enough for a text."""
    points = [point for method in panel.methods for point in method.points]
    sparsity, row = max(points, key=lambda point: RECOGNITION.value(point[1]) - PRODUCTION.value(point[1]))
    gap = RECOGNITION.value(row) - PRODUCTION.value(row)
    if gap * frame.height < 40:
        return
    x, foot = frame.at(sparsity, PRODUCTION.value(row))
    head = frame.at(sparsity, RECOGNITION.value(row))[1]
    marks = [frame.at(other_sparsity, accuracy.value(other)) for other_sparsity, other in points for accuracy in ACCURACIES]
    drawing.line((x, head + 6), (x, foot - 6), "gap-line")
    text = f"gap {decimal(100 * gap)}"
    # Left of the axis the text would be cut off.
    is_right = x - 8 - BOLD * width_of(text) < frame.x
    left, right = (x - 10, x + 60) if is_right else (x - 60, x + 10)
    y = widest_free(head, foot, [mark_y for mark_x, mark_y in marks if left < mark_x < right])
    drawing.text((x + 8 if is_right else x - 8, y + 4), text, "gap-text", "start" if is_right else "end")


def separated_heights(preferred: Sequence[float], gap: float, lowest: float) -> list[float]:
    """Return heights near the preferred ones, in the same order, at least `gap` apart and none below `lowest` (y grows downward)."""
    order = sorted(range(len(preferred)), key=preferred.__getitem__)
    placed = list(preferred)
    for before, this in pairwise(order):
        placed[this] = max(placed[this], placed[before] + gap)
    limit = lowest
    for this in reversed(order):
        placed[this] = min(placed[this], limit)
        limit = placed[this] - gap
    return placed


def widest_free(top: float, foot: float, occupied: Sequence[float]) -> float:
    """Return the middle of the largest interval between `top` and `foot` without an occupied height."""
    edges = sorted([top, foot, *(y for y in occupied if top < y < foot)])
    above, below = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
    return (above + below) / 2


def _in_words(panel: Panel) -> str:
    rows = {row.variant: row for method in panel.methods for _, row in method.points}
    return "; ".join(
        f"{name} " + ", ".join(f"{accuracy.word} {percent(accuracy.value(row))} %" for accuracy in ACCURACIES)
        for name, row in rows.items()
    )
