"""The first figure: recognition and production against measured sparsity, the gap between them shaded."""

from __future__ import annotations

import math
from typing import Any

from lm_eval_illusion.report.figures.drawing import Drawing, Point
from lm_eval_illusion.report.figures.frame import AXIS, Frame, draw_axes
from lm_eval_illusion.report.figures.groups import Row
from lm_eval_illusion.report.figures.lettering import BOLD, cut, width_of
from lm_eval_illusion.report.figures.marks import apart, mark, widest_free
from lm_eval_illusion.report.figures.methods import Method, Panel, panels
from lm_eval_illusion.report.numbers import decimal, percent, share_with_interval, span

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
