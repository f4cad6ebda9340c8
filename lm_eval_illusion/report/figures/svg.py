"""Drawings as SVG text: marks with a role each, a title and a description; and the estimated widths of texts.

A role, such as "label" or "gap-line", selects the attributes in ROLES. In the page, style.css overrides them by class for light and
dark mode. Readers with a colour vision deficiency can distinguish the roles: hues follow the Okabe-Ito palette, neighbours differ in
lightness, lines differ in dash and weight.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeAlias
from xml.etree import ElementTree

from lm_eval_illusion.escaping import for_xml

Point: TypeAlias = tuple[float, float]
Attributes: TypeAlias = dict[str, float | str]

LINE_HEIGHT = 16

INK = "#14181d"
QUIET = "#5a6570"
GRID = "#dfe3e8"
RECOGNITION = "#1f6fb2"
ILLUSION = "#f0883e"
RETAINED = "#46627f"
LOST = "#c9d0d8"
RECOVERED = "#11806a"
GROUND = "#ffffff"

HALO = {"stroke": GROUND, "stroke-width": "3", "stroke-linejoin": "round", "paint-order": "stroke"}
"""Outline of text that may cross a line."""

MODES = {
    "empty": ("#d5dae0", INK),
    "repetition": ("#0a5a8a", GROUND),
    "refusal": ("#9ad0f0", INK),
    "echo": ("#11806a", GROUND),
    "other-language": ("#f3d65c", INK),
    "distractor": ("#b34a00", GROUND),
    "truncated": ("#e3a6c4", INK),
    "other-answer": ("#6b5b7b", GROUND),
}
"""For each failure mode the colour of its part of a bar, and of the text on it."""

ROLES: dict[str, dict[str, str]] = {
    "ground": {"fill": GROUND},
    "title": {"fill": INK, "font-size": "14", "font-weight": "600"},
    "subtitle": {"fill": QUIET, "font-size": "12"},
    "heading": {"fill": INK, "font-size": "12.5", "font-weight": "600"},
    "label": {"fill": INK, "font-size": "12"},
    "quiet": {"fill": QUIET, "font-size": "11"},
    "tick": {"fill": QUIET, "font-size": "10"},
    "grid": {"stroke": GRID, "stroke-width": "1"},
    "leader": {"stroke": QUIET, "stroke-width": "0.75", "stroke-dasharray": "1 3"},
    "axis": {"stroke": QUIET, "stroke-width": "1"},
    "recognition-line": {"stroke": RECOGNITION, "stroke-width": "2", "fill": "none", "stroke-dasharray": "6 3"},
    "recognition-mark": {"fill": RECOGNITION, "stroke": GROUND, "stroke-width": "1.5"},
    "recognition-text": {"fill": RECOGNITION, "font-size": "12", "font-weight": "600", **HALO},
    "production-line": {"stroke": INK, "stroke-width": "2.25", "fill": "none"},
    "production-mark": {"fill": INK, "stroke": GROUND, "stroke-width": "1.5"},
    "production-text": {"fill": INK, "font-size": "12", "font-weight": "600", **HALO},
    "gap": {"fill": ILLUSION, "fill-opacity": "0.2"},
    "gap-text": {"fill": "#a34a06", "font-size": "12", "font-weight": "600", **HALO},
    "gap-line": {"stroke": "#a34a06", "stroke-width": "2"},
    "interval": {"stroke": INK, "stroke-width": "1", "stroke-opacity": "0.8"},
    "track": {"fill": GRID, "fill-opacity": "0.55"},
    "retained": {"fill": RETAINED},
    "on-retained": {"fill": GROUND, "font-size": "11"},
    "illusion": {"fill": ILLUSION},
    "on-illusion": {"fill": INK, "font-size": "11"},
    "lost": {"fill": LOST},
    "on-lost": {"fill": INK, "font-size": "11"},
    "recovered": {"fill": RECOVERED},
    **{f"mode-{mode}": {"fill": fill} for mode, (fill, _) in MODES.items()},
    **{f"on-mode-{mode}": {"fill": text, "font-size": "11"} for mode, (_, text) in MODES.items()},
    "on-faint": {"fill": INK, "font-size": "11"},
}

SIZE = 12
WIDE_CHARACTER = 1.0
NARROW_CHARACTER = 0.56
BOLD = 1.22
"""Width of bold text relative to `width_of`, in the widest usual font (DejaVu Sans)."""
PROSE = 0.96
"""Width of a sentence relative to a name of the same length: sentences have more spaces and small letters."""


def width_of(text: str, size: float = SIZE) -> float:
    """Estimate the width in pixels: East Asian characters are square, others a bit more than half as wide."""
    return _width(sum(map(_is_wide, text)), len(text), size)


def cut(text: str, width: float, size: float = SIZE) -> str:
    """Return the text if it fits into `width` pixels, else as much of its start as fits with an ellipsis.

    It looks at each character once, and at none beyond the width: a name may have any length.
    """
    wide = fitting = 0
    for length, character in enumerate(text, start=1):
        wide += _is_wide(character)
        if _width(wide, length, size) > width:
            return text[:fitting] + "…"
        if _width(wide, length + len("…"), size) <= width:
            fitting = length
    return text


def wrapped(text: str, width: float, size: float = SIZE) -> list[str]:
    """Break a text at spaces, but not within "n = 78", into lines of at most `width` pixels; a word that is wider is cut."""
    lines: list[str] = []
    for word in re.split(r"(?<!=)\s+(?!=)", text.strip()):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(cut(word, width, size))
    return lines


class Drawing:
    """A drawing of `width` pixels. Marks are added from top to bottom; `y` is where the next part may start.

    Title and subtitle are drawn and wrapped; title and description are read out by screen readers.
    """

    def __init__(self, title: str, subtitle: str, description: str, width: float) -> None:
        self.width = width
        self.y = 0.0
        self._title = title
        self._description = description
        self._marks = ElementTree.Element("g")
        for text, role in ((title, "title"), (subtitle, "subtitle")):
            for line in wrapped(text, width / PROSE / (BOLD if role == "title" else 1), float(ROLES[role]["font-size"])):
                self.y += LINE_HEIGHT + 1
                self.text((0, self.y), line, role)
        self.y += LINE_HEIGHT + 10

    def text(self, at: Point, text: str, role: str, anchor: str = "start", tip: str = "") -> None:
        """Add a line of text; `tip` is shown on hover."""
        self._mark("text", role, {"x": at[0], "y": at[1], "text-anchor": anchor}, tip, text)

    def rect(self, at: Point, size: Point, role: str, tip: str = "", opacity: float | None = None) -> None:
        """Add a rectangle by its upper left corner; a negative size counts as 0."""
        attributes: Attributes = {"x": at[0], "y": at[1], "width": max(size[0], 0.0), "height": max(size[1], 0.0)}
        self._mark("rect", role, attributes if opacity is None else {**attributes, "fill-opacity": opacity}, tip)

    def line(self, start: Point, end: Point, role: str) -> None:
        """Add a straight line."""
        self._mark("line", role, {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]})

    def path(self, points: Sequence[Point], role: str) -> None:
        """Add a line through the points."""
        self._mark("polyline", role, {"points": _coordinates(points)})

    def area(self, points: Sequence[Point], role: str, tip: str = "", opacity: float | None = None) -> None:
        """Add a filled polygon."""
        attributes: Attributes = {"points": _coordinates(points)}
        self._mark("polygon", role, attributes if opacity is None else {**attributes, "fill-opacity": opacity}, tip)

    def svg(self, name: str) -> str:
        """Return the SVG text, `y` pixels high; `name` makes its ids unique among the figures of a page."""
        size = f"0 0 {_short(self.width)} {_short(self.y)}"
        root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": size,
                "width": _short(self.width),
                "height": _short(self.y),
                "class": "figure",
                "role": "img",
                "font-family": "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans', sans-serif",
                "aria-labelledby": f"{name}-title",
                "aria-describedby": f"{name}-desc",
            },
        )
        ElementTree.SubElement(root, "title", {"id": f"{name}-title"}).text = for_xml(self._title)
        ElementTree.SubElement(root, "desc", {"id": f"{name}-desc"}).text = for_xml(self._description)
        ground = {"class": "f-ground", "width": "100%", "height": "100%", **ROLES["ground"]}
        ElementTree.SubElement(root, "rect", ground)
        root.append(self._marks)
        return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False) + "\n"

    def _mark(self, tag: str, role: str, attributes: Attributes, tip: str = "", text: str = "") -> None:
        own = {key: value if isinstance(value, str) else _short(value) for key, value in attributes.items()}
        # Attributes of the mark, such as its opacity, win over those of the role.
        element = ElementTree.SubElement(self._marks, tag, {"class": f"f-{role}", **ROLES[role], **own})
        if tip:
            ElementTree.SubElement(element, "title").text = for_xml(tip)
            element[0].tail = for_xml(text) or None
        elif text:
            element.text = for_xml(text)


def _coordinates(points: Sequence[Point]) -> str:
    return " ".join(f"{_short(x)},{_short(y)}" for x, y in points)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _width(wide: int, length: int, size: float) -> float:
    """Return the width of `length` characters of which `wide` are wide."""
    return size * (wide * WIDE_CHARACTER + (length - wide) * NARROW_CHARACTER)
