"""The frame of a panel: sparsity from left to right, the share of items from foot to top."""

from __future__ import annotations

from dataclasses import dataclass

from lm_eval_illusion.report.figures.drawing import Drawing, Point
from lm_eval_illusion.report.numbers import percent

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
