"""A heat map: a row a name, a column a language, the darker, the more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.report.figures.drawing import Drawing, Point
from lm_eval_illusion.report.figures.lettering import cut
from lm_eval_illusion.report.names import language_name

STEP = 27
NARROWEST = 30
WIDEST = 64
DARK = 0.78
"""From here on a cell's text is in the colour that is read on the full one."""


@dataclass(frozen=True)
class HeatCell:
    """`strength`: from 0 to 1, of the colour of `role`."""

    text: str
    strength: float
    tip: str
    role: str = "illusion"


def draw_heat(
    drawing: Drawing,
    rows: Sequence[str],
    languages: Sequence[str],
    cells: Mapping[tuple[str, str], HeatCell],
    room: float,
) -> None:
    """Columns wrap into a second block where there are more languages than fit. `cells`: by row and language; `room`: for the names."""
    fit = int((drawing.width - room) // NARROWEST)
    blocks = -(-len(languages) // fit)
    # Blocks of like length: 18 languages where 16 fit make 9 and 9, not 16 and 2.
    columns = -(-len(languages) // blocks)
    step = min((drawing.width - room) / columns, WIDEST)
    for start in range(0, len(languages), columns):
        block = languages[start : start + columns]
        for place, language in enumerate(block):
            at = (room + (place + 0.5) * step, drawing.y + 8)
            drawing.text(at, cut(language, step), "quiet", "middle", tip=language_name(language))
        drawing.y += 14
        for row in rows:
            drawing.text((0, drawing.y + 17), cut(row, room - 8), "label", tip=row)
            for place, language in enumerate(block):
                _cell(drawing, (room + place * step, drawing.y), step, cells.get((row, language)))
            drawing.y += STEP
        drawing.y += 16


def _cell(drawing: Drawing, at: Point, step: float, cell: HeatCell | None) -> None:
    """A language that was not asked stays an empty frame."""
    if cell is None:
        drawing.text((at[0] + step / 2, at[1] + 17), "–", "quiet", "middle", tip="not asked")
        return
    drawing.rect(at, (step - 2, STEP - 2), cell.role, cell.tip, opacity=round(0.06 + 0.94 * cell.strength, 2))
    role = f"on-{cell.role}" if cell.strength > DARK else "on-faint"
    drawing.text((at[0] + step / 2 - 1, at[1] + 17), cell.text, role, "middle", cell.tip)
