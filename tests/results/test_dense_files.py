"""A ladder of GGUF quantisations in one report: which file stands for the dense model, and what is compared with it."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import cross_tabulate, load_outcomes
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.report.command import ReportOptions, read_inputs
from lm_eval_illusion.results.runs import find_runs
from tests.gguf_files import write_gguf
from tests.lm_eval_files import DENSE, hits, write_run

BITS = {"F16": 16.0, "Q8_0": 8.5, "Q4_1": 5.0, "Q4_1+wanda-0.5": 32.0}


def write_file(folder, variant, produced, content=None):
    """A run of a GGUF file of the folder `tiny`, of three items that it recognises; it produces so many of them."""
    quantisation, _, pruner = variant.partition("+")
    content = content or f"sha of {quantisation}"
    illusion = {
        **DENSE,
        "variant": variant,
        "pruner": "gguf+wanda" if pruner else "gguf",
        "bits_measured": BITS[variant],
        "base_revision": content,
        "base_identity": {"weights": content, "tokenizer": content},
        "key": f"key of {variant}" if pruner else None,
        "changes": [{"argument": "gguf_file", "value": f"tiny.{quantisation}.gguf", "content": content}],
    }
    views = {
        "mc": [{"id": item, "acc": 1.0} for item in "abc"],
        "gen": hits("match", **{item: number < produced for number, item in enumerate("abc")}),
    }
    arguments = {"pretrained": "tiny", "gguf_file": f"tiny.{quantisation}.gguf"}
    return write_run(folder / variant, views, illusion=illusion, config={"model_args": arguments})


def rows(folder, **options):
    inputs = read_inputs([folder], ReportOptions(**options))
    report = cross_tabulate(inputs.outcomes)
    return {row["variant"]: row["vs_dense"] for row in report["rows"] if row["language"] == "all"}, inputs.notes, report


def test_pruned_files_are_compared_with_the_file_that_they_were_made_of(tmp_path):
    write_file(tmp_path, "Q4_1", 3)
    write_file(tmp_path, "Q4_1+wanda-0.5", 1)
    versus, notes, report = rows(tmp_path)
    assert versus["Q4_1"] is None
    # All three are recognised by both; the file produces three of them, the pruned model one.
    assert (versus["Q4_1+wanda-0.5"]["known"], versus["Q4_1+wanda-0.5"]["induced_recognition_only"]) == (3, 2)
    assert {it["variant"]: (it["pruner"], it["bits_measured"]) for it in report["variants"]} == {
        "Q4_1": ("none", 5.0),
        "Q4_1+wanda-0.5": ("gguf+wanda", 32.0),
    }
    assert [note for note in notes if "stands for it" in note] == [
        "tiny has no run of its dense model: Q4_1, its GGUF file with the most bits per weight, stands for it."
    ]
    assert not [note for note in notes if "could not be checked" in note]


def test_of_a_ladder_the_file_with_the_most_bits_stands_for_the_dense_model(tmp_path):
    for variant, produced in (("Q4_1", 1), ("F16", 3), ("Q8_0", 2)):
        write_file(tmp_path, variant, produced)
    versus, _, _ = rows(tmp_path)
    assert versus["F16"] is None
    assert {name: it["retained"] for name, it in versus.items() if it} == {"Q8_0": 2, "Q4_1": 1}


def test_a_dense_run_of_the_folder_is_the_dense_model(tmp_path):
    write_file(tmp_path, "Q8_0", 2)
    views = {"mc": [{"id": item, "acc": 1.0} for item in "abc"], "gen": hits("match", a=1, b=1, c=1)}
    identity = {"weights": "sha of the folder", "tokenizer": "of its tokenizer"}
    write_run(tmp_path / "dense", views, illusion={**DENSE, "base_identity": identity})
    versus, notes, report = rows(tmp_path)
    assert versus["dense"] is None
    assert (versus["Q8_0"]["known"], versus["Q8_0"]["retained"]) == (3, 2)
    assert {it["variant"]: it["pruner"] for it in report["variants"]} == {"dense": "none", "Q8_0": "gguf"}
    assert not [note for note in notes if "stands for it" in note or "could not be checked" in note]


def test_files_are_compared_with_the_dense_model_of_another_name(tmp_path):
    for variant, produced in (("Q8_0", 2), ("Q4_1", 1)):
        write_file(tmp_path, variant, produced)
    views = {"mc": [{"id": item, "acc": 1.0} for item in "abc"], "gen": hits("match", a=1, b=1, c=1)}
    write_run(tmp_path / "dense", views, illusion={**DENSE, "base_model": "org/original"})
    versus, _, report = rows(tmp_path, dense="org/original")
    assert {name: it["retained"] for name, it in versus.items() if it} == {"tiny/Q8_0": 2, "tiny/Q4_1": 1}
    assert {it["variant"]: (it["pruner"], it["bits_measured"]) for it in report["variants"]} == {
        "dense": ("none", 16.0),
        "tiny/Q8_0": ("gguf", 8.5),
        "tiny/Q4_1": ("gguf", 5.0),
    }


def test_a_file_that_changed_between_two_runs_is_refused(tmp_path):
    write_file(tmp_path, "Q4_1", 3)
    write_file(tmp_path, "Q4_1+wanda-0.5", 1, content="another sha")
    with pytest.raises(UserError, match=r"ran tiny with different content \(weights .*another sha"):
        rows(tmp_path)


def test_outcomes_from_python_name_the_same_dense_model(tmp_path):
    write_file(tmp_path, "Q4_1", 3)
    assert {outcome.variant.is_dense for outcome in load_outcomes([tmp_path])} == {True}


def test_real_runs_of_a_file_and_of_the_pruned_file_are_one_report(tmp_path, capsys):
    write_gguf(tmp_path / "tiny" / "tiny.Q4_0.gguf", "Q4_0")
    model = {
        "pretrained": str(tmp_path / "tiny"),
        "gguf_file": "tiny.Q4_0.gguf",
        "device": "cpu",
        "store": str(tmp_path / "store"),
    }
    tasks = ["mqa_illusion_en_mc", "mqa_illusion_en_gen"]
    for pruning in ({"pruner": "none"}, {"pruner": "magnitude", "sparsity": 0.25}):
        evaluate({**model, **pruning}, tasks, tmp_path / "runs", limit=2, batch_size=2, metadata={})
    versus, notes, report = rows(tmp_path / "runs")
    assert versus["Q4_0"] is None
    assert versus["Q4_0+magnitude-0.25"]["n"] == 2
    # A block of Q4_0 has 32 numbers of 4 bits and a scale of 16.
    assert {it["variant"]: it["bits_measured"] for it in report["variants"]} == {"Q4_0": 4.5, "Q4_0+magnitude-0.25": 32.0}
    assert {it["base_model"] for it in report["variants"]} == {str(tmp_path / "tiny")}
    assert [note for note in notes if "stands for it" in note]
    # `prune` finds the checkpoint of the run in the store.
    out = tmp_path / "out"
    arguments = ["--pretrained", str(tmp_path / "tiny"), "--gguf-file", "tiny.Q4_0.gguf", "--store", str(tmp_path / "store")]
    assert main(["prune", *arguments, "--pruner", "magnitude", "--sparsity", "0.25", "--out", str(out)]) == 0
    assert f"report runs --dense {tmp_path / 'tiny'}" in capsys.readouterr().out
    # Its manifest has the names of the runs, which the report compares; the entry of the store is that of a file's folder.
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["base_model"], manifest["variant"]) == (str(tmp_path / "tiny"), "Q4_0+magnitude-0.25")
    assert manifest["changes"][0]["value"] == "tiny.Q4_0.gguf"
    views = {"mc": [{"id": "a"}], "gen": hits("match", a=1)}
    write_run(tmp_path / "stock", views, illusion=None, config={"model": "hf", "model_args": {"pretrained": str(out)}})
    (stock,) = find_runs([tmp_path / "stock"])
    (ours,) = (run for run in find_runs([tmp_path / "runs"]) if run.variant.variant == "Q4_0+magnitude-0.25")
    assert (stock.variant.key, stock.variant.identity) == (ours.variant.key, ours.variant.identity)
    assert "magnitude-0.25" in (out / "README.md").read_text()
