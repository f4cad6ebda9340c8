"""report.md: the tables of the report with an explanation of each column."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.escaping import for_markdown, markdown_code
from lm_eval_illusion.report.calibration_measures import CALIBRATION_MEASURES
from lm_eval_illusion.report.columns import R
from lm_eval_illusion.report.headline import headline_parts
from lm_eval_illusion.report.names import language_rows, language_rows_of_variants, pooled_rows
from lm_eval_illusion.report.rule_columns import WHERE_THE_RULE_DECIDES, meanings_of_rules, shows_exact
from lm_eval_illusion.report.shown import shown_report, shown_sentence
from lm_eval_illusion.report.tables import (
    CALIBRATION,
    TextTable,
    answer_type_table,
    calibration_matrices,
    dense_language_table,
    dense_table,
    divergence_table,
    failure_language_table,
    failure_table,
    judge_language_table,
    judge_table,
    language_table,
    leaderboard_table,
    noise_table,
    provenance_table,
    rule_language_table,
    rule_table,
    variant_table,
)

HOW_INTERVALS_ARE_MADE = (
    "All intervals are 95 %. Shares have Wilson intervals; rows over several languages use the effective number of items, because an"
    " item in several languages is one cluster. Gaps and changes have bootstrap intervals that resample item ids."
)


def markdown_report(report: Report, notes: Sequence[str]) -> str:
    """Return the whole report as Markdown; rates are in per cent."""
    report = shown_report(report)
    variants, dense, leaderboard = variant_table(report), dense_table(report), leaderboard_table(report)
    failures, rules, judges = failure_table(report), rule_table(report), judge_table(report)
    parts = [
        "# What is recognised and no longer produced",
        *map(for_markdown, headline_parts(report)),
        f"Recognition by {markdown_code(report.recognition_metric)}, production by {markdown_code(report.production_metric)}"
        f"{_version(report)}. Rates in per cent.",
        *(f"> {for_markdown(shown_sentence(note))}" for note in notes),
        *("## Variants, all languages", _markdown(variants), _legend(variants)),
        *(("## Against the dense model", _markdown(dense), _legend(dense)) if dense.rows else ()),
        *_divergence(report),
        *(("## How production fails", _markdown(failures), _legend(failures)) if failures.rows else ()),
        *(("## Rules and judge", _markdown(judges), _legend(judges)) if judges.rows else ()),
        *(("## Which rule decides", _markdown(rules), _legend(rules), _rules(report)) if rules.rows else ()),
        *("## Leaderboard", _markdown(leaderboard), _legend(leaderboard)),
        HOW_INTERVALS_ARE_MADE,
        *_noise(report),
        *_calibration(report),
        *_languages(report),
        *_answer_types(report),
        *_provenance(report),
    ]
    return "\n\n".join(parts) + "\n"


def markdown_leaderboard(report: Report) -> str:
    """Return the leaderboard as a Markdown table."""
    return _markdown(leaderboard_table(shown_report(report)))


def _divergence(report: Report) -> list[str]:
    table = divergence_table(report)
    return ["## Next token and induced errors", _markdown(table), _legend(table)] if table.rows else []


def _noise(report: Report) -> list[str]:
    if not report.noise:
        return []
    runs = ", ".join(report.noise.runs)
    intro = f"Items that flip between two dense runs ({runs}), in per cent: these differences have no meaning."
    return ["## Noise floor", for_markdown(intro), _markdown(noise_table(report))]


def _calibration(report: Report) -> list[str]:
    if not report.calibration_languages:
        return []
    legend = "\n".join(f"- **{measure.column.heading}**: {measure.column.explanation}" for measure in CALIBRATION_MEASURES)
    parts = [f"## {CALIBRATION}", legend]
    for table in report.calibration_languages:
        for matrix in calibration_matrices(table):
            parts += [f"### {for_markdown(matrix.title)}", _grid(matrix.headings, matrix.rows)]
    return parts


def _version(report: Report) -> str:
    return f" (version {report.rules_version} of the matching rules)" if report.rules_version is not None else ""


def _rules(report: Report) -> str:
    meanings = meanings_of_rules([*pooled_rows(report), *language_rows(report)])
    return "\n".join(["The rules and objections that decided:", "", *(f"- *{rule}*: {meaning}" for rule, meaning in meanings)])


def _languages(report: Report) -> list[str]:
    parts = [WHERE_THE_RULE_DECIDES] if shows_exact(language_rows(report)) else []
    for (base_model, variant), rows in language_rows_of_variants(report).items():
        name = f"{for_markdown(variant)} of {for_markdown(base_model)}"
        languages, dense, failures = language_table(rows), dense_language_table(rows), failure_language_table(rows)
        judges = judge_language_table(rows)
        parts += [f"## {name}, by language", _markdown(languages)] if languages.rows else []
        parts += [f"### {name} against the dense model", _markdown(dense)] if dense.rows else []
        parts += [f"### {name}: how production fails", _markdown(failures)] if failures.rows else []
        parts += [f"### {name}: rules and judge", _markdown(judges)] if judges.rows else []
        rules = rule_language_table(rows)
        parts += [f"### {name}: which rule decides", _markdown(rules)] if rules.rows else []
    return parts


def _answer_types(report: Report) -> list[str]:
    table = answer_type_table(report)
    return ["## By answer type", _markdown(table)] if table.rows else []


def _provenance(report: Report) -> list[str]:
    table = provenance_table(report)
    return ["## Sparsity and bits", _markdown(table), _legend(table)]


def _legend(table: TextTable[R]) -> str:
    explained = table.columns[table.names :]
    return "\n".join(f"- **{column.heading}**: {column.explanation}" for column in explained)


def _markdown(table: TextTable[R]) -> str:
    return _grid([column.heading for column in table.columns], table.rows)


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head, *body = ("| " + " | ".join(map(for_markdown, line)) + " |" for line in (header, *rows))
    return "\n".join((head, "| " + " | ".join(["---"] * len(header)) + " |", *body))
