"""`make real`: its study is valid and names the file of the package; the README's table is that of the report."""

from __future__ import annotations

import json

import pytest

from benchmarks import real_model
from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.records import report_json
from lm_eval_illusion.sweep.grid import cells_of
from lm_eval_illusion.sweep.study import read_study
from tests.outcome_examples import DENSE, WANDA, outcomes


def test_the_study_has_the_dense_file_and_pruned_ones():
    study = read_study(real_model.STUDY, {"pretrained": ["model"]})
    cells = cells_of(study)
    assert study.apply_chat_template
    assert {cell.request.model_args["gguf_file"] for cell in cells} == {real_model.FILE}
    assert cells[0].request.model_args["pruner"] == "none"
    assert len(cells) >= 4
    # Without a network: the calibration text is in the package.
    assert {cell.request.model_args.get("calibration", "embedded") for cell in cells} == {"embedded"}


@pytest.mark.real_model
def test_the_folder_links_to_the_file_of_the_package(tmp_path):
    from tests.smollm2 import smollm2_file

    file = smollm2_file()
    for _ in range(2):
        folder = real_model.model_folder(tmp_path / "out")
        assert (folder / real_model.FILE).samefile(file)


def test_without_the_package_it_says_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.real_model.importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="`make real` installs it"):
        real_model.model_folder(tmp_path)


def test_the_readme_gets_the_picture_and_the_table_of_the_report(tmp_path, monkeypatch):
    # Of four items the dense model produces three, and recognises all; the pruned one keeps one, only recognises one, and loses one.
    dense, pruned = outcomes("bbbr", variant=DENSE), outcomes("brnr", variant=WANDA)
    report = tabulate([*dense, *pruned])
    out, readme = tmp_path / "out", tmp_path / "README.md"
    (out / "report").mkdir(parents=True)
    (out / "report" / "report.json").write_text(json.dumps(report_json(report)))
    readme.write_text("# Title\n\n<!-- make real: begin -->\nold\n<!-- make real: end -->\n\nText\n")
    monkeypatch.setattr(real_model, "README", readme)
    monkeypatch.setattr(real_model, "PICTURE", tmp_path / "real.svg")
    assert real_model.main(["--readme", "--out", str(out)]) == 0
    lines = readme.read_text().splitlines()
    assert (
        lines[3] == "![Recognition and production of SmolLM2-135M-Instruct, as its GGUF file and pruned](benchmarks/real.svg)"
    )
    assert lines[6:] == [
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| dense | 100.0 | 75.0 | 25.0 | – | – | – |",
        "| wanda-0.6 | 75.0 | 25.0 | 50.0 | 33.3 | 33.3 | 33.3 |",
        "<!-- make real: end -->",
        "",
        "Text",
    ]
    assert "wanda" in (tmp_path / "real.svg").read_text()
