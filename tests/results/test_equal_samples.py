"""Variants whose ten samples are one: an engine that uses one seed for all of them."""

from __future__ import annotations

import json

from lm_eval_illusion.report.command import ReportOptions, read_inputs
from lm_eval_illusion.results.equal_samples import with_equal_samples
from lm_eval_illusion.results.runs import find_runs, find_views
from tests.lm_eval_files import hits, write_run

MC_AND_GEN = {"mc": [{"id": "a"}, {"id": "b"}], "gen": hits("match", a=1, b=0)}


def write(folder, samples, **more):
    """Write a run with these samples of each item."""
    path = write_run(folder, {**MC_AND_GEN, "sample": hits("match_any", a=1, b=1)}, **more)
    (file,) = folder.glob(f"samples_*_sample_{path.stem.removeprefix('results_')}.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text(
        "".join(json.dumps(row | {"filtered_resps": [texts]}) + "\n" for row, texts in zip(rows, samples, strict=True))
    )
    return path


def names(folder):
    return [variant.variant for variant in with_equal_samples(find_views(find_runs([folder])))]


def test_all_samples_of_all_items_are_equal(tmp_path):
    write(tmp_path, [["Oslo"] * 10, ["Lima"] * 10])
    assert names(tmp_path) == ["wanda-0.6"]


def test_one_item_with_two_samples_is_enough(tmp_path):
    # A model that is sure of one answer has equal samples there.
    write(tmp_path, [["Oslo"] * 10, ["Lima"] * 9 + ["Rome"]])
    assert names(tmp_path) == []


def test_one_language_with_different_samples_is_enough(tmp_path):
    write(tmp_path / "en", [["Oslo"] * 10, ["Lima"] * 10])
    write(tmp_path / "fi", [["Oslo", "Lima"] * 5, ["Lima"] * 10], lang="fi")
    assert names(tmp_path) == []
    assert names(tmp_path / "en") == ["wanda-0.6"]


def test_a_view_with_one_output_has_no_samples(tmp_path):
    write_run(tmp_path, MC_AND_GEN)
    assert names(tmp_path) == []


def test_the_report_notes_it(tmp_path):
    write(tmp_path, [["Oslo"] * 10, ["Lima"] * 10])
    (note,) = (note for note in read_inputs([tmp_path], ReportOptions()).notes if "all samples" in note)
    assert note.startswith("all samples of each item are equal for wanda-0.6 of tiny: the engine used one seed for them")
