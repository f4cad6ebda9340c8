"""The failure modes in every output of the report."""

from __future__ import annotations

import json

from pyarrow import parquet

from lm_eval_illusion.failures import FAILURE_MODES
from lm_eval_illusion.report.command import ReportOptions, report_command
from lm_eval_illusion.report.failure_columns import SHOWN_MODES
from lm_eval_illusion.report.figures import figures
from lm_eval_illusion.report.tables import failure_language_table, failure_table, page_failures
from tests.lm_eval_files import DENSE, hits, write_run
from tests.report.report_examples import make_report, record

GEN = {
    "dense": ["Peru", "Peru", "Peru", ""],
    "wanda-0.6": ["Peru", "and so on and so on and so on and so on", "and so on and so on and so on and so on", ""],
}


def write_two(folder):
    for number, (variant, outputs) in enumerate(GEN.items()):
        gen = [{"id": i, "match": float(output == "Peru"), "output": output} for i, output in zip("abcd", outputs, strict=True)]
        views = {"mc": hits("acc", a=1, b=1, c=1, d=0), "gen": gen}
        write_run(folder / str(number), views, **({"illusion": DENSE} if variant == "dense" else {}))


def test_the_modes_are_in_json_parquet_markdown_page_and_gate(tmp_path, capsys):
    write_two(tmp_path / "runs")
    out = tmp_path / "out"
    assert report_command([tmp_path / "runs"], out, ReportOptions(fail_if=("failure.repetition > 0.6 at wanda-0.6",))) == 0
    assert report_command([tmp_path / "runs"], None, ReportOptions(fail_if=("failure.repetition > 0.4 at wanda-0.6",))) == 3
    rows = {row["variant"]: row for row in json.loads((out / "report.json").read_text())["rows"] if row["language"] == "all"}
    assert list(rows["dense"]["failure_modes"]) == list(FAILURE_MODES)
    assert rows["wanda-0.6"]["failure_modes"]["repetition"].keys() == {"n", "value", "ci"}
    assert rows["wanda-0.6"]["failure_modes"]["repetition"]["n"] == 2
    assert rows["wanda-0.6"]["failure_modes"]["repetition"]["value"] == 0.5
    assert rows["dense"]["failure_modes"]["empty"]["value"] == 0.25
    table = parquet.read_table(out / "outcomes.parquet", columns=["variant", "id", "failure_mode"]).to_pylist()
    assert {(row["variant"], row["id"]): row["failure_mode"] for row in table} == {
        **{("dense", item): None for item in "abc"},
        ("dense", "d"): "empty",
        **dict(zip((("wanda-0.6", item) for item in "abcd"), (None, "repetition", "repetition", "empty"), strict=True)),
    }
    markdown = (out / "report.md").read_text()
    assert "## How production fails" in markdown
    assert "| wanda-0.6 | mqa_illusion | 4 | 3 | 25.0 | 50.0 |" in markdown
    assert "How production fails" in capsys.readouterr().out
    assert (out / "figures" / "failure_modes.svg").exists()
    assert 'id="failures"' in (out / "report.html").read_text()


def test_the_table_has_all_variants_and_languages_and_a_share_of_all_items_for_each_mode():
    report = record(make_report(languages=("en", "th"))[0])
    table = failure_table(report)
    assert [row[0] for row in table.rows] == ["dense", "wanda-0.5", "wanda-0.7", "magnitude-0.6"]
    headings = [column.heading for column in table.columns]
    assert headings[-8:] == [shown.heading for shown in SHOWN_MODES]
    row = next(row for row in report.rows if row.language == "all" and row.variant == "wanda-0.7")
    assert table.rows[2][-8:] == [f"{100 * rate.n / row.n:.1f}" for rate in row.failure_modes.values()]
    assert table.rows[2][3] == str(sum(rate.n for rate in row.failure_modes.values()))
    page = page_failures(report)
    assert len(page.rows) == 4 * 3
    assert (
        len(failure_language_table([row for row in report.rows if row.variant == "dense" and row.language != "all"]).rows) == 2
    )


def test_the_figure_states_every_share_and_without_judged_answers_there_is_none():
    report, _ = make_report()
    drawn = figures(record(report))["failure_modes"]
    (row,) = (row for row in report["rows"] if row["language"] == "all" and row["variant"] == "magnitude-0.6")
    for shown in SHOWN_MODES:
        rate = row["failure_modes"][shown.mode]
        assert f"magnitude-0.6: {shown.heading} {rate['n']} of {row['n']} ({100 * rate['value']:.1f}" in drawn
    for row in report["rows"]:
        row["failure_modes"] = {}
    assert "failure_modes" not in figures(record(report))
    assert failure_table(record(report)).rows == []
    assert page_failures(record(report)) is None
