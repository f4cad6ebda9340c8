"""Marks that tell methods apart without colour, and labels that keep off each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from lm_eval_illusion.report.figures.drawing import Drawing, Point

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
