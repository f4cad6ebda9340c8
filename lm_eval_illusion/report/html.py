"""report.html: one file with everything in it, that fetches nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lm_eval_illusion.report import tables as page_tables
from lm_eval_illusion.report.figures import figures
from lm_eval_illusion.report.format import count, span
from lm_eval_illusion.report.headline import headline, worst_row
from lm_eval_illusion.report.names import DENSE, language_name, pooled_rows
from lm_eval_illusion.report.tables import calibration_page_table
from lm_eval_illusion.results.outcomes import OUTPUT_LABELS

TEMPLATE = Path(__file__).parent / "template"
SCRIPTS = ("elements.js", "tables.js", "unpack.js", "search.js", "item.js", "browser.js")
"""In the order in which they are read: each uses only what stands before it."""


def html_report(report: dict[str, Any], notes: Sequence[str], browser: dict[str, Any]) -> str:
    """The page of a report (report.json's dict), its caveats and the items that it lets the reader look through."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = (TEMPLATE / "style.css").read_text(encoding="utf-8"), _script()
    page = environment.get_template("report.html.j2").render(
        report=report,
        notes=notes,
        # No line ends between a number and its sign.
        headline=headline(report).replace(" %", "\u00a0%"),
        scope=_scope(report),
        figures={name: Markup(svg) for name, svg in figures(report).items()},
        narrow={name: Markup(svg) for name, svg in figures(report, narrow=True).items()},
        tables=_tables(report),
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        start=_json(_start(report, browser)),
        items=_packed(browser),
        left_out=count(browser["left_out"]) if browser["left_out"] else "",
        any_rows=bool(browser["rows"]),
    )
    # A lone surrogate, which JSON can hold, is in no UTF-8 file.
    return page.encode("utf-8", "replace").decode("utf-8")


def _tables(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "leaderboard": page_tables.leaderboard(report),
        "calibration": calibration_page_table(report),
        "demotion": page_tables.demotion(report),
        "pooled": page_tables.pooled_statistics(report),
        "by_language": page_tables.language_statistics(report),
        "by_answer_type": page_tables.answer_type_statistics(report),
        "noise": page_tables.noise_floor(report, pooled=True),
        "noise_by_language": page_tables.noise_floor(report, pooled=False),
        "variants": page_tables.variants(report),
    }


def _scope(report: dict[str, Any]) -> str:
    """What the headline's variant was chosen among."""
    pruned = [entry for entry in report["variants"] if entry["pruner"] != DENSE]
    models = len({entry["base_model"] for entry in report["variants"]})
    languages = len({row["language"] for row in report["rows"]} - {"all"})
    parts = [
        f"{models} base {'model' if models == 1 else 'models'}",
        *([f"{languages} {'language' if languages == 1 else 'languages'}"] if languages else []),
        f"{span([row['n'] for row in pooled_rows(report)])} items a variant",
    ]
    worst = worst_row(report)
    by = "by how its illusion gap changed" if worst and worst["vs_dense"] else "by its illusion gap"
    chosen = f"The worst of {len(pruned)} pruned variants {by}. " if len(pruned) > 1 else ""
    return f"{chosen}{', '.join(parts)}."


def _start(report: dict[str, Any], browser: dict[str, Any]) -> dict[str, Any]:
    """What the item browser shows first: the worst variant's errors. And the languages by name."""
    worst = worst_row(report)
    return {
        "variant": [worst["base_model"], worst["variant"]] if worst else None,
        "languages": {code: language_name(code) for code in sorted({item["language"] for item in browser["items"]})},
        "families": sorted({item["family"] for item in browser["items"]}),
        "views": OUTPUT_LABELS,
    }


def _script() -> str:
    parts = [(TEMPLATE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def _policy(style: str, script: str) -> str:
    """A content security policy: nothing is loaded, and no script runs but ours, whatever a string may hold."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _json(value: Any) -> Markup:
    """JSON that no HTML parser takes for markup: ASCII, and <, > and & only as \\u escapes."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _packed(browser: dict[str, Any]) -> Markup:
    text = json.dumps(browser, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate passes; the page reads it as the replacement character. No time stamp: the same report, the same file.
    packed = gzip.compress(text.encode("utf-8", "surrogatepass"), compresslevel=6, mtime=0)
    return Markup(base64.b64encode(packed).decode("ascii"))
