"""Rules and judge in every output of the report, from files to page."""

from __future__ import annotations

import json

from pyarrow import parquet

from lm_eval_illusion.judging.verdict_file import write_verdicts
from lm_eval_illusion.report.command import ReportOptions, report_command
from lm_eval_illusion.report.judge_columns import judged_rows
from lm_eval_illusion.report.tables import judge_language_table, judge_table, page_judge_languages, page_judges
from lm_eval_illusion.results.greedy_answers import answer_files, read_answers
from lm_eval_illusion.results.join_views import views_below
from lm_eval_illusion.results.judge_files import JudgeRow
from tests.judging.runs import write_answers
from tests.report.report_examples import make_report, record


def judge_all(folder, verdicts, model="org/judge", output=None):
    """Write a verdict for each answer below a folder; `output`: of other responses than those of the samples."""
    rows = []
    (file,) = answer_files(views_below([folder]))
    for answer in read_answers(file):
        if answer.id in verdicts:
            content = answer.content if output is None else f"{output:0>64}"
            rows.append(
                JudgeRow(
                    judge=model,
                    prompt_version=1,
                    samples=file.samples_file.name,
                    variant="v",
                    language="en",
                    id=answer.id,
                    verdict=verdicts[answer.id],
                    content=content,
                )
            )
    write_verdicts(folder, rows)


# By the rules a, b and e are right.
VERDICTS = {"a": "same", "b": "unclear", "c": "same", "d": "empty", "e": "different"}


def test_the_judge_is_in_json_parquet_markdown_terminal_and_page(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    judge_all(tmp_path / "runs", VERDICTS)
    assert report_command([tmp_path / "runs"], tmp_path / "out", ReportOptions()) == 0
    row = json.loads((tmp_path / "out" / "report.json").read_text())["rows"][0]
    (judge,) = row["judges"]
    numbers = {
        name: judge[name] for name in ("judge", "judged", "both", "rules_only", "judge_only", "neither", "unclear", "unjudged")
    }
    assert numbers == {
        "judge": "org/judge",
        "judged": 4,
        "both": 1,
        "rules_only": 1,
        "judge_only": 1,
        "neither": 1,
        "unclear": 1,
        "unjudged": 1,
    }
    # Production stays what the rules say of all six answers.
    assert row["production_accuracy"]["value"] == 3 / 6
    assert judge["production"]["value"] == judge["production_by_rules"]["value"] == 2 / 4
    assert judge["kappa"]["value"] == 0
    table = parquet.read_table(tmp_path / "out" / "outcomes.parquet", columns=["id", "judge: org/judge (prompt 1)"]).to_pylist()
    assert {entry["id"]: entry["judge: org/judge (prompt 1)"] for entry in table} == {**VERDICTS, "f": None}
    markdown = (tmp_path / "out" / "report.md").read_text()
    line = "| mqa_illusion | org/judge (prompt 1) | 4 | 50.0 | 50.0 | 50.0 | 0.00 [−0.98, 0.98] | 1 | 1 | 1 | 1 | 1 | 1 |"
    low, high = judge["kappa"]["ci"]
    line = line.replace("−0.98", f"{low:.2f}".replace("-", "−")).replace("0.98]", f"{high:.2f}]")
    assert f"| wanda-0.6 {line}" in markdown
    assert f"| en {line}" in markdown
    assert "Rules and judge" in capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'id="judges"' in page
    assert 'id="by-judge-0"' in page


def test_without_a_judge_there_is_no_table_and_no_filter(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    report_command([tmp_path / "runs"], tmp_path / "out", ReportOptions())
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'id="judges"' not in page
    assert "by-judge-0" not in page
    assert "Rules and judge" not in capsys.readouterr().out + (tmp_path / "out" / "report.md").read_text()
    assert not [name for name in parquet.read_schema(tmp_path / "out" / "outcomes.parquet").names if name.startswith("judge")]


def test_two_judges_have_a_row_each(tmp_path):
    write_answers(tmp_path / "runs")
    judge_all(tmp_path / "runs", VERDICTS)
    judge_all(tmp_path / "runs", {"a": "different"}, model="other")
    report_command([tmp_path / "runs"], tmp_path / "out", ReportOptions())
    judges = json.loads((tmp_path / "out" / "report.json").read_text())["rows"][0]["judges"]
    assert [(judge["judge"], judge["judged"], judge["unjudged"]) for judge in judges] == [("org/judge", 4, 1), ("other", 1, 5)]


def test_verdicts_on_other_responses_are_ignored_and_counted_in_a_note(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    judge_all(tmp_path / "runs", {"a": "same"}, output="1")
    report_command([tmp_path / "runs"], tmp_path / "out", ReportOptions())
    note = "1 verdicts of org/judge (prompt 1) are ignored: they are about other responses or items than those of the samples."
    assert note in " ".join(capsys.readouterr().out.split())
    (judge,) = json.loads((tmp_path / "out" / "report.json").read_text())["rows"][0]["judges"]
    assert (judge["judged"], judge["outdated"], judge["unjudged"]) == (0, 1, 5)
    assert judge["kappa"] == judge["production"] == {"value": None, "ci": None}


def test_the_tables_have_each_variant_and_language_and_explain_each_column():
    report = record(make_report(languages=("en", "th"), judged=True)[0])
    table = judge_table(report)
    assert [row[0] for row in table.rows] == ["dense", "wanda-0.5", "wanda-0.7", "magnitude-0.6"]
    assert all(column.explanation for column in table.columns)
    rows = [row for row in report.rows if row.variant == "dense" and row.language != "all"]
    assert [row[0] for row in judge_language_table(rows).rows] == ["en", "th"]
    page = page_judges(report)
    # Over all languages; those of the languages are folded, because they may be hundreds of rows.
    assert (len(page.rows), len(page_judge_languages(report).rows)) == (4, 4 * 2)
    for row in judged_rows(report.rows):
        counts = row.agreement
        assert counts.both + counts.rules_only + counts.judge_only + counts.neither == counts.judged
        assert counts.judged + counts.unclear + counts.outdated + counts.unjudged == row.row.n
