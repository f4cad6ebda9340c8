"""Draw the README's picture from a report: `python benchmarks/readme_picture.py REPORT.json OUT.svg`.

The committed picture shows `lm-eval-illusion demo --limit 200`: every embedded item.
"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import Any

LEFT, RIGHT, TOP, ROW, BAR = 130, 60, 40, 46, 16
WIDTH = 460
SERIES = (("recognised", "recognition_accuracy", "#3b6ea5"), ("produced", "production_accuracy", "#d1793b"))


def picture(report: dict[str, Any]) -> str:
    """An SVG with two bars a variant, over all languages."""
    rows = [row for row in report["rows"] if row["language"] == "all"]
    height = TOP + ROW * len(rows) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}"'
        ' font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, (word, _, colour) in enumerate(SERIES):
        x = LEFT + 130 * place
        parts.append(f'<rect x="{x}" y="12" width="12" height="12" fill="{colour}"/><text x="{x + 18}" y="23">{word}, %</text>')
    for number, row in enumerate(rows):
        top = TOP + ROW * number
        parts.append(f'<text x="{LEFT - 10}" y="{top + BAR + 5}" text-anchor="end">{escape(row["variant"])}</text>')
        parts += [_bar(top + BAR * place, row[name]["value"], colour) for place, (_, name, colour) in enumerate(SERIES)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(y: int, share: float, colour: str) -> str:
    width = round(WIDTH * share, 1)
    return (
        f'<rect x="{LEFT}" y="{y}" width="{width}" height="{BAR - 2}" fill="{colour}"/>'
        f'<text x="{LEFT + width + 6}" y="{y + BAR - 4}">{100 * share:.1f}</text>'
    )


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(picture(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
