"""report.html: a single file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.escaping import for_json, for_terminal, for_utf8, shortened
from lm_eval_illusion.matching.rule_names import RULES
from lm_eval_illusion.report.failure_columns import SHOWN_MODES
from lm_eval_illusion.report.figures import FIGURES, Section, figures
from lm_eval_illusion.report.format import count, span
from lm_eval_illusion.report.headline import headline_parts, worst_row
from lm_eval_illusion.report.names import DENSE, language_name, language_rows, pooled_rows
from lm_eval_illusion.report.rule_columns import WHERE_THE_RULE_DECIDES, meanings_of_rules
from lm_eval_illusion.report.shown import MOST_CHARACTERS, changed_names, shown_name, shown_report, shown_sentence
from lm_eval_illusion.report.tables import (
    PageTable,
    page_dense,
    page_dense_answer_types,
    page_dense_languages,
    page_judge_languages,
    page_judges,
    page_leaderboard,
    page_noise,
    page_provenance,
    page_rules,
)
from lm_eval_illusion.results.outcomes import OUTPUT_LABELS

TEMPLATE = Path(__file__).parent / "template"
SCRIPTS = ("elements.js", "tables.js", "unpack.js", "check.js", "search.js", "item.js", "browser.js")
"""In this order: a script uses only names that earlier ones define."""


def html_report(report: Report, notes: Sequence[str], browser: dict[str, Any]) -> str:
    """Return the page of a report.

    Args:
        report: The numbers.
        notes: Caveats, one sentence each.
        browser: The result of `item_browser`: the items with the outputs of every variant.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_without_controls,
    )
    browser, short = _with_short_names(browser)
    start = _json(_start(report, browser, short))
    report = shown_report(report)
    top, sections = _figures_by_section(report)
    style, script = (TEMPLATE / "style.css").read_text(encoding="utf-8"), _script()
    page = environment.get_template("report.html.j2").render(
        report=report,
        notes=[shown_sentence(note) for note in notes],
        # No line break between a number and its per cent sign.
        headline=[part.replace(" %", "\u00a0%") for part in headline_parts(report)],
        scope=_scope(report),
        top=top,
        sections=sections,
        tables=_tables(report),
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        start=start,
        items=_packed(browser),
        left_out=count(browser["left_out"]) if browser["left_out"] else "",
        any_rows=bool(browser["rows"]),
        judges=[shown_name(judge) for judge in browser.get("judges", [])],
        about_rules=WHERE_THE_RULE_DECIDES,
        meanings_of_rules=meanings_of_rules([*pooled_rows(report), *language_rows(report)]),
    )
    return page


@dataclass(frozen=True)
class FigureTexts:
    """The SVG text of a figure for a screen and for a phone."""

    wide: Markup
    narrow: Markup


@dataclass(frozen=True)
class FilledSection:
    """A section with those of its figures and tables that have data."""

    section: Section
    figures: list[FigureTexts]
    table: PageTable | None


def _figures_by_section(report: Report) -> tuple[list[FigureTexts], list[FilledSection]]:
    """Return the figures at the top of the page and the sections in the order of FIGURES; sections without data are left out."""
    wide, narrow = figures(report), figures(report, narrow=True)

    def of_section(section: Section | None) -> list[FigureTexts]:
        drawn = [figure.name for figure in FIGURES if figure.section == section and figure.name in wide]
        return [FigureTexts(Markup(wide[name]), Markup(narrow[name])) for name in drawn]

    sections = list(dict.fromkeys(figure.section for figure in FIGURES if figure.section is not None))
    filled = [
        FilledSection(section, of_section(section), section.table(report) if section.table else None) for section in sections
    ]
    return of_section(None), [part for part in filled if part.figures or part.table]


def _tables(report: Report) -> dict[str, PageTable | None]:
    return {
        "leaderboard": page_leaderboard(report),
        "dense": page_dense(report),
        "dense_languages": page_dense_languages(report),
        "dense_answer_types": page_dense_answer_types(report),
        "judges": page_judges(report),
        "judge_languages": page_judge_languages(report),
        "rules": page_rules(report),
        "noise": page_noise(report, pooled=True),
        "noise_languages": page_noise(report, pooled=False),
        "provenance": page_provenance(report),
    }


def _scope(report: Report) -> str:
    """Return the scope in words: how the headline's variant was chosen, and the numbers of models, languages and items."""
    pruned = [entry for entry in report.variants if entry.pruner != DENSE]
    models = len({entry.base_model for entry in report.variants})
    languages = len({row.language for row in language_rows(report)})
    parts = [
        f"{models} base {'model' if models == 1 else 'models'}",
        *([f"{languages} {'language' if languages == 1 else 'languages'}"] if languages else []),
        f"{span([row.n for row in pooled_rows(report)])} items per variant",
    ]
    worst = worst_row(report)
    criterion = "by how its illusion gap changed" if worst and worst.vs_dense else "by its illusion gap"
    chosen = f"The worst of {len(pruned)} compressed variants {criterion}. " if worst and len(pruned) > 1 else ""
    return f"{chosen}{', '.join(parts)}."


def _with_short_names(browser: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the browser's data with names of a bounded length, and the names that this changed: each name is in thousands of rows."""
    keys = {"rows": ("base_model", "variant"), "items": ("family", "language", "answer_type")}
    names = {name for part in keys for key in keys[part] for name in _names(browser[part], key)}
    changed = changed_names(names, lambda name: shortened(name, MOST_CHARACTERS))
    if not changed:
        return browser, {}
    parts = {part: [_replaced(record, keys[part], changed) for record in browser[part]] for part in keys}
    return browser | parts, changed


def _replaced(record: Any, keys: Sequence[str], changed: Mapping[str, str]) -> Any:
    """Return an item or a row with the names of these keys replaced. A malformed one stays; the page says that it is malformed."""
    if not isinstance(record, dict):
        return record
    return record | {key: changed[record[key]] for key in keys if isinstance(record.get(key), str) and record[key] in changed}


def _names(records: Sequence[Any], key: str) -> set[str]:
    return {name for record in records if isinstance(record, dict) and isinstance(name := record.get(key), str)}


def _start(report: Report, browser: dict[str, Any], short: Mapping[str, str]) -> dict[str, Any]:
    """Return the initial filter of the item browser, the errors of the worst variant, and the names of languages and families.

    `short`: the names that are shorter in the browser's data.
    """
    worst = worst_row(report)
    return {
        "variant": [short.get(name, name) for name in map(for_utf8, (worst.base_model, worst.variant))] if worst else None,
        "languages": {code: language_name(code) for code in sorted(_names(browser["items"], "language"))},
        "families": sorted(_names(browser["items"], "family")),
        "views": OUTPUT_LABELS,
        "failures": {shown.mode: shown.heading for shown in SHOWN_MODES},
        "judges": [shown_name(judge) for judge in browser.get("judges", [])],
        "rules": RULES,
    }


def _script() -> str:
    parts = [(TEMPLATE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def _policy(style: str, script: str) -> str:
    """Return a content security policy: nothing is loaded, and only our script runs, whatever strings the page contains."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _without_controls(value: object) -> object:
    """Return a value that the template shows; of a text, control characters and bidirectional overrides are escaped."""
    return for_terminal(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _json(value: object) -> Markup:
    """Return JSON that no HTML parser takes for markup: ASCII, with <, > and & as \\u escapes."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _packed(browser: dict[str, Any]) -> Markup:
    text = for_json(json.dumps(browser, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    # No time stamp: the same report gives the same bytes.
    packed = gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)
    return Markup(base64.b64encode(packed).decode("ascii"))
