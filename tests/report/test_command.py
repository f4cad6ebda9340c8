"""The report command: files and terminal output, escaped names, exit codes, and no files after an error."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import cross_tabulate
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.report.command import ReportOptions, read_inputs, report_command
from lm_eval_illusion.report.format import percent
from lm_eval_illusion.results.join_views import load_outcomes
from tests.lm_eval_files import DENSE, PRUNED, hits, write_run

MC = [{"id": i, "acc": 1.0, "gold_rank": r} for i, r in (("a", 1), ("b", 2), ("c", 30), ("d", 1))]

LATER = "2026-11-23T11-00-00.000000"


def write_two(folder):
    # wanda: a, d both; b, c recognition only, b recovered by one shot. dense: all both.
    views = {"mc": MC, "gen": hits("match", a=1, b=0, c=0, d=1), "oneshot": hits("match", a=1, b=1, c=0, d=1)}
    write_run(folder, views)
    dense = {**views, "gen": hits("match", a=1, b=1, c=1, d=1)}
    write_run(folder, dense, illusion=DENSE, date=LATER)


def test_report_files_and_terminal(tmp_path, capsys):
    write_two(tmp_path / "runs")
    assert report_command([tmp_path / "runs"], tmp_path / "out") == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    pooled = {row["variant"]: row for row in report["rows"] if row["language"] == "all"}
    assert pooled["dense"]["cells"] == {"both": 4, "recognition_only": 0, "production_only": 0, "neither": 0}
    assert pooled["wanda-0.6"]["cells"] == {
        "both": 2,
        "recognition_only": 2,
        "production_only": 0,
        "neither": 0,
    }
    assert pooled["wanda-0.6"]["recovery"]["oneshot"]["value"] == 0.5
    assert pooled["wanda-0.6"]["demoted"]["value"] == 0.5
    # 2 of 4 by Wilson: [15.0, 85.0]
    for text in ((tmp_path / "out" / "report.md").read_text(), capsys.readouterr().out):
        assert "wanda-0.6" in text
        assert "50.0 [15.0, 85.0]" in text
    written = {path.name for path in (tmp_path / "out").iterdir()}
    files = {"report.html", "report.json", "report.md", "leaderboard.csv", "outcomes.parquet"}
    assert written == {*files, "figures", ".report-files.json"}
    listed = json.loads((tmp_path / "out" / ".report-files.json").read_text())["files"]
    assert {name for name in listed if "/" not in name} == files
    versus = pooled["wanda-0.6"]["vs_dense"]
    # the dense model produces all four; a and d are retained, b and c still recognised
    assert [versus[name] for name in ("known", "retained", "induced_recognition_only", "lost")] == [4, 2, 2, 0]
    assert pooled["dense"]["vs_dense"] is None
    # 1.5 nats are the hand-made score of the gold choice, in both
    assert versus["logprob_drop"]["median"] == 0


def test_bits_stand_beside_the_sparsity_and_a_dash_where_they_were_not_measured(tmp_path):
    views = {"mc": MC, "gen": hits("match", a=1, b=0, c=0, d=1)}
    gptq = {"variant": "gptq", "pruner": "gptq", "sparsity_requested": None, "sparsity_measured": 0.12, "bits_measured": 4.0}
    write_run(tmp_path / "runs", views, illusion=PRUNED | gptq)
    # An older run has no bits.
    write_run(tmp_path / "runs", views, illusion={k: v for k, v in DENSE.items() if k != "bits_measured"}, date=LATER)
    report_command([tmp_path / "runs"], tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [(entry["variant"], entry["bits_measured"]) for entry in report["variants"]] == [("dense", None), ("gptq", 4.0)]
    lines = (tmp_path / "out" / "report.md").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| gptq | tiny | gptq |"))
    assert row.split(" | ")[3:8] == ["0:0", "–", "–", "12.0", "4.00"]
    assert "12.0" in (tmp_path / "out" / "report.html").read_text()
    # Nothing was pruned here, and no sentence says so.
    for name in ("report.md", "report.html", "figures/transition.svg", "figures/gold_rank.svg"):
        assert "pruned" not in (tmp_path / "out" / name).read_text()


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("csv", "rank_by_production,base_model,variant"),
        ("markdown", "| rank | base model | variant |"),
        ("json", '{\n  "schema": 1'),
    ],
)
def test_only_the_format_is_printed_to_stdout(tmp_path, capsys, form, begins):
    write_two(tmp_path / "runs")
    report_command([tmp_path / "runs"], tmp_path / "out", ReportOptions(format=form))
    printed = capsys.readouterr()
    assert printed.out.startswith(begins)
    assert "written" not in printed.out
    assert "written" in printed.err


def test_a_failing_gate_gives_exit_code_3_and_the_reason_and_the_report_is_written(tmp_path, capsys):
    write_two(tmp_path / "runs")
    command = ["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--fail-if"]
    assert main([*command, "recognition_only_rate > 0.4 at wanda-0.6"]) == 3
    assert "gate: recognition_only_rate is 0.5 at wanda-0.6 of tiny" in capsys.readouterr().err
    assert (tmp_path / "out" / "report.html").is_file()
    assert main([*command, "recognition_only_rate > 0.6 at wanda-0.6"]) == 0
    assert main([*command, "recognition_only_rate > 0.4 at wanda-0.9"]) == 2
    assert "names no row" in capsys.readouterr().err


def test_noise_is_reported_and_marked(tmp_path):
    write_two(tmp_path / "runs")
    dense = {"mc": MC, "gen": hits("match", a=1, b=1, c=1, d=0)}
    first = write_run(tmp_path / "noise", dense, illusion=DENSE)
    second = write_run(tmp_path / "noise", {**dense, "gen": hits("match", a=1, b=1, c=1, d=1)}, illusion=DENSE, date=LATER)
    options = ReportOptions(noise=(first, second))
    report_command([tmp_path / "runs"], tmp_path / "out", options)
    # The runs of the noise floor may lie among the others: the first is then the dense run, the second none.
    assert read_inputs([tmp_path / "noise"], options).outcomes == load_outcomes([first])
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["noise"]["rows"][0]["production"] == {
        "first_only": 0,
        "second_only": 1,
        "flips": report["noise"]["rows"][0]["production"]["flips"],
    }
    assert report["noise"]["rows"][0]["production"]["flips"]["value"] == 0.25
    marks = [row["vs_dense"]["clears_noise"] for row in report["rows"] if row["vs_dense"]]
    assert marks
    assert all(mark["production"] is False for mark in marks)


def test_one_run_is_no_noise_floor(tmp_path, monkeypatch):
    write_two(tmp_path / "runs")
    views = {"mc": MC, "gen": hits("match", a=1, b=1, c=1, d=0)}
    run = write_run(tmp_path / "noise", views, illusion=DENSE)
    write_run(tmp_path / "noise", views, illusion=DENSE, date=LATER)
    monkeypatch.chdir(tmp_path)
    # A run does not differ from itself, so the floor would be 0 and every change would exceed it.
    for noise in ((run, run), (run, run.relative_to(tmp_path)), (run, tmp_path / "noise")):
        with pytest.raises(UserError, match=r"--noise names .*results.* twice: give two runs of the dense model"):
            read_inputs([tmp_path / "runs"], ReportOptions(noise=noise))


def test_without_out_nothing_is_written(tmp_path, monkeypatch):
    write_two(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    report_command([tmp_path / "runs"], None)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_after_an_error_nothing_is_written(tmp_path):
    write_two(tmp_path / "runs")
    next((tmp_path / "runs").glob("samples_*_gen_*")).unlink()
    with pytest.raises(UserError):
        report_command([tmp_path / "runs"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_do_not_become_markup(tmp_path, capsys):
    evil = {**PRUNED, "variant": "[bold]x[/] | <script>"}
    write_run(tmp_path / "runs", {"mc": MC, "gen": hits("match", a=1, b=0, c=0, d=1)}, illusion=evil)
    report_command([tmp_path / "runs"], tmp_path / "out")
    text = (tmp_path / "out" / "report.md").read_text()
    assert "<script>" not in text
    assert r"[bold]x[/] \| &lt;script&gt;" in text
    assert "[bold]x[/]" in capsys.readouterr().out


def test_the_embedded_model_is_noted_as_a_demonstration(tmp_path, capsys):
    write_run(
        tmp_path / "runs",
        {"mc": MC, "gen": hits("match", a=1, b=0, c=0, d=1)},
        illusion={**PRUNED, "base_model": "embedded"},
    )
    report_command([tmp_path / "runs"], tmp_path / "out")
    assert "trained on these very facts" in (tmp_path / "out" / "report.md").read_text()
    assert "no evidence about large models" in capsys.readouterr().out


def test_an_out_that_is_a_file_is_one_line(tmp_path):
    write_two(tmp_path / "runs")
    (tmp_path / "out").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    for out in ("out", "dangling"):
        with pytest.raises(UserError, match=rf"{out} can't be written to \(it is no folder\): give another --out"):
            report_command([tmp_path / "runs"], tmp_path / out)
    assert not (tmp_path / "nowhere").exists()


def test_percent():
    assert percent(0.27849) == "27.8"
    assert percent(None) == "–"


CALIBRATED = {"calibration": {"source": "wiki.txt", "language": "all", "samples": 128, "length": 256, "sha256": "x"}}


def write_calibrated(folder, number, lang="en", **calibrated):
    """Write a run of wanda-0.6 with a calibration file, as pruned-hf does."""
    views = {"mc": MC, "gen": hits("match", a=number % 2, b=0, c=0, d=1)}
    illusion = {**PRUNED, **CALIBRATED, "pruning_seed": 0, **calibrated}
    return write_run(folder / str(number), views, illusion=illusion, lang=lang)


def test_two_calibration_files_are_two_variants_and_provenance_shows_them(tmp_path):
    write_calibrated(tmp_path / "runs", 1, variant=read_settings(calibration=text_file(tmp_path / "one.txt")).variant, key="k1")
    other = {"calibration": CALIBRATED["calibration"] | {"source": "texts/two.txt"}}
    name = read_settings(calibration=text_file(tmp_path / "two.txt")).variant
    write_calibrated(tmp_path / "runs", 2, variant=name, key="k2", **other)
    assert report_command([tmp_path / "runs"], tmp_path / "out") == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    found = {entry["variant"]: (entry["calibration_source"], entry["calibration_language"]) for entry in report["variants"]}
    # `all` is only the default of calibration_language: the language of a user's text is not known.
    assert found == {"wanda-0.6,text=one": ("wiki.txt", None), "wanda-0.6,text=two": ("texts/two.txt", None)}
    assert {row["variant"] for row in report["rows"]} == found.keys()
    for name in ("report.md", "report.html"):
        assert "texts/two.txt" in (tmp_path / "out" / name).read_text()


@pytest.mark.parametrize("lang", ["en", "fi"])
def test_one_name_with_two_calibration_texts_is_refused_not_mixed(tmp_path, capsys, lang):
    # The file has changed between the runs, or is another one of the same name: only the key of the checkpoint differs.
    first = write_calibrated(tmp_path / "runs", 1, variant="wanda-0.6,text=wiki", key="k1")
    second = write_calibrated(tmp_path / "runs", 2, lang, variant="wanda-0.6,text=wiki", key="k2")
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert str(first) in error
    assert str(second) in error
    assert "variant wanda-0.6,text=wiki of tiny" in error
    assert not (tmp_path / "out").exists()
    # Outcomes that were read one by one are not mixed either.
    both = [*load_outcomes([first]), *load_outcomes([second])]
    with pytest.raises(UserError, match=r"different checkpoints of the name wanda-0\.6,text=wiki of tiny \(k1 and k2\)"):
        cross_tabulate(both)


def text_file(path):
    path.write_text("text")
    return str(path)
