"""Where the rule decides: beside production in the table of languages, and in a table of its own, in every output."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

from msgspec.structs import replace
from pyarrow import parquet

from lm_eval_illusion.analysis.records import Rate
from lm_eval_illusion.cli import main
from lm_eval_illusion.matching.rule_names import FINDERS, OBJECTIONS
from lm_eval_illusion.report.names import language_rows
from lm_eval_illusion.report.rule_columns import WHERE_THE_RULE_DECIDES, counts_text, judge_production
from lm_eval_illusion.report.tables import language_table, page_rules, rule_table
from tests.lm_eval_files import write_run
from tests.report.report_examples import make_report, record

RULES = {
    "a": ("equal", 1.0),
    "b": ("inflected", 1.0),
    "c": ("inflected", 1.0),
    "d": ("other_name", 0.0),
    "e": ("not_said", 0.0),
}


def write(folder, lang, version=2, **by_id):
    gen = [
        {"id": i, "match": match, "exact_match": float(rule == "equal"), "match_rule": rule, "match_version": version}
        for i, (rule, match) in by_id.items()
    ]
    write_run(folder / lang, {"mc": [{"id": i, "acc": 1.0} for i in by_id], "gen": gen}, lang=lang)


def test_from_files_to_every_output(tmp_path, capsys):
    write(tmp_path / "runs", "en", a=RULES["a"], d=RULES["d"])
    write(tmp_path / "runs", "fi", **RULES)
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading = next(line for line in lines if "rules add" in line)
    columns = [text.strip() for text in heading.split("┃")]
    at = [columns.index(name) for name in ("production", "exact", "rules add")]
    rows = {cells[1].strip(): cells for line in lines if len(cells := line.split("│")) == len(columns)}
    # en: 1 of 2, exactly. fi: 3 of 5, one of them exactly.
    assert [rows["en"][index].strip() for index in at] == ["50.0", "50.0", "0.0"]
    assert [rows["fi"][index].strip() for index in at] == ["60.0", "20.0", "40.0"]
    assert "judge" not in columns
    assert WHERE_THE_RULE_DECIDES in " ".join(line.strip() for line in lines)
    assert "Answers judged by version 2 of the matching rules." in lines
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "production by `match` (version 2 of the matching rules). Rates" in markdown
    assert "| fi | mqa_illusion | 5 | 60.0 | 20.0 | 40.0 | inflected 2, equal 1 | 1 | other name 1 |" in markdown
    assert WHERE_THE_RULE_DECIDES in markdown
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "matching rules version 2" in page
    assert "inflected 2, equal 1" in page
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["rules_version"] == 2
    (row,) = (row for row in report["rows"] if row["language"] == "fi")
    assert row["match_rules"] == {"found": {"inflected": 2, "equal": 1}, "rejected": {"not_said": 1, "other_name": 1}}
    table = parquet.read_table(tmp_path / "out" / "outcomes.parquet").to_pydict()
    assert sorted(zip(table["language"], table["id"], table["match_rule"], strict=True))[2:] == [
        ("fi", item, rule) for item, (rule, _) in RULES.items()
    ]
    assert set(table["match_version"]) == {2}
    assert table["exact_match"].count(True) == 2


def test_files_without_rules(tmp_path, capsys):
    write_run(tmp_path, {"mc": [{"id": "a"}], "gen": [{"id": "a", "match": 1.0}]})
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    output = capsys.readouterr().out
    assert "rules add" not in output
    assert "Answers judged by version 1 of the matching rules." in output
    assert "which rule decides" not in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert 'id="rules"' not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    table = parquet.read_table(tmp_path / "out" / "outcomes.parquet").to_pydict()
    assert (table["match_rule"], table["match_version"], table["exact_match"]) == ([None], [1], [None])


def test_an_objection_is_counted_apart_from_answers_that_do_not_mention_the_gold_answer():
    report = record(make_report(items=30)[0])
    table = rule_table(report)
    headings = [column.heading for column in table.columns]
    for row, numbers in zip(table.rows, (row for row in report.rows if row.language == "all"), strict=True):
        texts = dict(zip(headings, row, strict=True))
        rejected = numbers.match_rules.rejected
        objections = {rule: rejected[rule] for rule in rejected if rule != "not_said"}
        assert texts["mentioned, not affirmed"] == str(sum(objections.values()))
        assert texts["why not"] == ", ".join(f"{rule.replace('_', ' ')} {number}" for rule, number in objections.items())
    assert len(page_rules(report).rows) == len(report.rows)


def test_a_judge_of_a_sample_does_not_stand_beside_the_production_of_all_items():
    """`judge --limit` judges some items. Their share is compared with that of the same items, in the table of rules and judge."""
    judge = SimpleNamespace(production=Rate(1.0, (0.5, 1.0)), judged=95)
    assert judge_production(SimpleNamespace(n=100, judges=[judge])).value == 1.0
    assert judge_production(SimpleNamespace(n=101, judges=[judge])) is None


def test_the_rules_that_decided_are_explained(tmp_path, capsys):
    write(tmp_path / "runs", "en", a=RULES["a"], d=RULES["d"], e=RULES["e"], f=("of_a_newer_version", 1.0))
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    explained = [("equal", FINDERS["equal"]), ("other name", OBJECTIONS["other_name"])]
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert re.findall(r"^- \*([a-z ]+)\*: (.*)$", markdown, re.MULTILINE) == explained
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for rule, meaning in explained:
        assert f"<dt>{rule}</dt><dd>{meaning}</dd>" in page


def test_counts():
    assert counts_text({"equal": 1200, "other_name": 3}) == "equal 1,200, other name 3"
    assert counts_text({}) == ""


def test_one_judge_stands_beside_the_rules_and_several_are_not_mixed():
    one, other = (SimpleNamespace(production=Rate(value, (0.1, 0.9)), judged=100) for value in (0.4, 0.5))
    assert judge_production(SimpleNamespace(n=100, judges=[one])).value == 0.4
    assert judge_production(SimpleNamespace(n=100, judges=[one, other])) is None
    assert judge_production(SimpleNamespace(n=100, judges=[])) is None
    # A report without judges has no such column.
    rows = language_rows(record(make_report(items=8)[0]))
    assert "judge" not in [column.heading for column in language_table(rows).columns]
    without = [replace(row, exact_match=Rate(None, None), beyond_exact=Rate(None, None)) for row in rows]
    assert "exact" not in [column.heading for column in language_table(without).columns]
