"""Draw the README's picture from a report: `python benchmarks/readme_picture.py REPORT.json OUT.svg`.

It is the first figure of the report on a white ground, because a picture in a README does not follow light and dark mode. The committed
picture shows `lm-eval-illusion demo --limit 200`, which covers every embedded item.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lm_eval_illusion.analysis.records import Report, read_report_json
from lm_eval_illusion.report.figures import figures

GROUND = '<rect x="-20" y="-20" width="100%" height="100%" fill="white"/>'


def picture(report: Report) -> str:
    """Return the SVG text of recognition and production against sparsity, with a margin."""
    svg = figures(report)["recognition_and_production"]
    with_margin = svg.replace(
        'viewBox="0 0 760 446" width="760" height="446"', 'viewBox="-20 -20 800 486" width="800" height="486"', 1
    )
    return with_margin.replace("</desc>", f"</desc>{GROUND}", 1)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(picture(read_report_json(json.loads(source.read_text(encoding="utf-8")))), encoding="utf-8")
