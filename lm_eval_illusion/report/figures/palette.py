"""What each mark looks like: role -> SVG attributes, for figures as files.

The page's style.css sets the same roles, as classes, for light and dark. Told apart without colour too: the hues are of the
Okabe-Ito kind, side by side they differ in lightness, and lines differ in dash and weight.
"""

from __future__ import annotations

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
"""Around text that may cross a line."""

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
    "on-faint": {"fill": INK, "font-size": "11"},
}
