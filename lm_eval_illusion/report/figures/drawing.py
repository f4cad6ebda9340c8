"""A drawing: marks with a role each, a title and a description, written as SVG text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from lm_eval_illusion.report.figures.lettering import BOLD, PROSE, wrapped
from lm_eval_illusion.report.figures.palette import ROLES

Point = tuple[float, float]
Place = dict[str, float | str]

LINE_HEIGHT = 16
# XML has no way to write these, escaped or not; a model's name may hold them all the same.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Drawing:
    """Marks are added from top to bottom; `y` is where the next part may start."""

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
        """A line of text; `tip` is shown on hover."""
        self._mark("text", role, {"x": at[0], "y": at[1], "text-anchor": anchor}, tip, text)

    def rect(self, at: Point, size: Point, role: str, tip: str = "", opacity: float | None = None) -> None:
        """A rectangle from its upper left corner; a negative size draws nothing."""
        place: Place = {"x": at[0], "y": at[1], "width": max(size[0], 0.0), "height": max(size[1], 0.0)}
        self._mark("rect", role, place if opacity is None else {**place, "fill-opacity": opacity}, tip)

    def line(self, start: Point, end: Point, role: str) -> None:
        """A straight line."""
        self._mark("line", role, {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]})

    def path(self, points: Sequence[Point], role: str) -> None:
        """A line through the points."""
        self._mark("polyline", role, {"points": _listed(points)})

    def area(self, points: Sequence[Point], role: str, tip: str = "", opacity: float | None = None) -> None:
        """A filled polygon."""
        place: Place = {"points": _listed(points)}
        self._mark("polygon", role, place if opacity is None else {**place, "fill-opacity": opacity}, tip)

    def svg(self, name: str) -> str:
        """The SVG text, as high as `y`; `name` makes its ids unique among the figures of a page."""
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
        ElementTree.SubElement(root, "title", {"id": f"{name}-title"}).text = _clean(self._title)
        ElementTree.SubElement(root, "desc", {"id": f"{name}-desc"}).text = _clean(self._description)
        ground = {"class": "f-ground", "width": "100%", "height": "100%", **ROLES["ground"]}
        ElementTree.SubElement(root, "rect", ground)
        root.append(self._marks)
        return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False) + "\n"

    def _mark(self, tag: str, role: str, place: Place, tip: str = "", text: str = "") -> None:
        attributes = {key: value if isinstance(value, str) else _short(value) for key, value in place.items()}
        # What is placed wins over the role: an opacity of its own, say.
        element = ElementTree.SubElement(self._marks, tag, {"class": f"f-{role}", **ROLES[role], **attributes})
        if tip:
            ElementTree.SubElement(element, "title").text = _clean(tip)
            element[0].tail = _clean(text) or None
        elif text:
            element.text = _clean(text)


def _listed(points: Sequence[Point]) -> str:
    return " ".join(f"{_short(x)},{_short(y)}" for x, y in points)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("�", text)
