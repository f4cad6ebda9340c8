"""The tables of calibration against evaluation language, in every output of the report."""

from __future__ import annotations

import csv
import json
from collections import Counter

from pyarrow import parquet

from lm_eval_illusion.report.command import report_command
from lm_eval_illusion.report.format import UNDEFINED
from lm_eval_illusion.report.tables import calibration_matrices, page_calibration
from tests.lm_eval_files import DENSE, PRUNED, hits, write_run
from tests.report.report_examples import calibrated, make_report, record


def test_a_row_for_each_calibration_language():
    report, _ = calibrated(languages=("en", "th", "zh"))
    (table,) = report["calibration_languages"]
    table["cells"] = [
        {**entry, "production_change": {"value": -0.125, "ci": None}, "induced_rate": {"value": None, "ci": None}}
        for entry in table["cells"]
        if (entry["calibration_language"], entry["language"]) != ("zh", "th")
    ]
    production, induced = calibration_matrices(record(report).calibration_languages[0])
    assert production.title == "wanda-0.6 of Qwen/Qwen3-8B, mqa_illusion: production against dense, points"
    assert production.headings == ["calibration", "en", "th", "zh", "all"]
    rows = production.rows
    assert rows[0] == ["en", "−12.5", "−12.5", "−12.5", "−12.5"]
    assert rows[1] == ["zh", "−12.5", UNDEFINED, "−12.5", "−12.5"]
    assert [row[0] for row in rows] == ["en", "zh", "all"]
    assert induced.rows[0][1:] == [UNDEFINED] * 4


def test_the_page_has_a_row_for_each_entry_and_no_table_without_calibration_languages():
    report, _ = calibrated(languages=("en", "zh"))
    page = page_calibration(record(report))
    assert len(page.rows) == 9
    assert {row[1].text for row in page.rows} == {"English (en)", "Chinese (zh)", "all languages"}
    assert page_calibration(record(make_report()[0])) is None


def write_variants(folder):
    """Write runs of the dense model and of wanda-0.6 calibrated in en and in zh, evaluated in en."""
    for number, language in enumerate((None, "en", "zh")):
        calibration = {"source": "embedded", "language": language, "samples": 128, "length": 256, "sha256": "x"}
        pruned = {
            **PRUNED,
            "variant": f"wanda-0.6,cal={language}",
            "key": language,
            "calibration": calibration,
            "pruning_seed": 0,
        }
        produced = {"a": 1, "b": 1, "c": 0 if language else 1, "d": 0 if language == "zh" else 1}
        write_run(
            folder / str(number),
            {"mc": [{"id": item, "acc": 1.0} for item in "abcd"], "gen": hits("match", **produced)},
            illusion=pruned if language else {**DENSE, "calibration": None, "pruning_seed": 0},
        )


def test_from_files_to_every_output(tmp_path, capsys):
    write_variants(tmp_path / "runs")
    report_command([tmp_path / "runs"], tmp_path / "out")
    out = tmp_path / "out"
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    described = {entry["variant"]: entry["calibration_language"] for entry in report["variants"]}
    assert described == {"dense": None, "wanda-0.6,cal=en": "en", "wanda-0.6,cal=zh": "zh"}
    (table,) = report["calibration_languages"]
    assert (table["calibration_languages"], table["languages"], table["pruning_seed"]) == (["en", "zh"], ["en", "all"], 0)
    # en loses one of four, zh two of four; all are still recognised.
    production, induced = calibration_matrices(record(report).calibration_languages[0])
    assert production.rows == [["en", "−25.0", "−25.0"], ["zh", "−50.0", "−50.0"]]
    assert induced.rows == [["en", "25.0", "25.0"], ["zh", "50.0", "50.0"]]
    for text in ((out / "report.md").read_text(encoding="utf-8"), capsys.readouterr().out):
        assert "wanda-0.6 of tiny, mqa_illusion: production" in text
        assert "wanda-0.6 of tiny, mqa_illusion: induced" in text
        assert "−50.0" in text
    assert "| zh | −50.0 | −50.0 |" in (out / "report.md").read_text(encoding="utf-8")
    assert 'id="calibration"' in (out / "report.html").read_text(encoding="utf-8")
    assert (out / "figures" / "calibration_languages.svg").is_file()
    with (out / "calibration_languages.csv").open(encoding="utf-8", newline="") as file:
        assert [line["variant"] for line in csv.DictReader(file)][::2] == ["wanda-0.6,cal=en", "wanda-0.6,cal=zh"]
    column = parquet.read_table(out / "outcomes.parquet").column("calibration_language").to_pylist()
    assert Counter(column) == {None: 4, "en": 4, "zh": 4}


def test_without_such_variants_there_is_no_section(tmp_path):
    write_run(tmp_path / "runs", {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=1)})
    report_command([tmp_path / "runs"], tmp_path / "out")
    assert 'id="calibration"' not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "evaluation" not in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "calibration_languages.csv").exists()
