"""The README's picture from a report: `python benchmarks/readme_picture.py REPORT.json OUT.svg`.

It is the report's own first figure, on white, because a picture in a README does not follow light and dark. The committed one shows
`lm-eval-illusion demo --limit 200`: every embedded item.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lm_eval_illusion.report.figures import figures

GROUND = '<rect x="-20" y="-20" width="100%" height="100%" fill="white"/>'


def picture(report: dict[str, Any]) -> str:
    """Recognition and production against sparsity, with a margin."""
    svg = figures(report)["recognition_and_production"]
    with_margin = svg.replace(
        'viewBox="0 0 760 446" width="760" height="446"', 'viewBox="-20 -20 800 486" width="800" height="486"', 1
    )
    return with_margin.replace("</desc>", f"</desc>{GROUND}", 1)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(picture(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
