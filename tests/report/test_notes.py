"""Caveats: missing languages and items, and mixed versions of lm_eval, are noted."""

from __future__ import annotations

import json

from lm_eval_illusion.report.notes import notes_of
from lm_eval_illusion.results.runs import find_runs
from tests.lm_eval_files import DENSE as DENSE_RUN
from tests.lm_eval_files import hits, write_run
from tests.outcome_examples import DENSE, outcomes


def notes_with(word, *arguments):
    return [note for note in notes_of(*arguments) if word in note]


def test_a_language_that_a_variant_lacks():
    examples = [*outcomes("bb", variant=DENSE), *outcomes("bb", variant=DENSE, language="fi"), *outcomes("bb")]
    assert notes_with("lack", examples) == [
        "wanda-0.6 of tiny was not evaluated on mqa_illusion in fi: its pooled rows lack these languages."
    ]


def test_fewer_items_than_the_other_variant():
    (note,) = notes_with("compared", [*outcomes("bbbb", variant=DENSE), *outcomes("bb")])
    assert note.startswith("wanda-0.6 of tiny was evaluated on 2 of the 4 items of mqa_illusion")


def test_no_note_for_runs_with_the_same_items():
    assert notes_with("evaluated on", [*outcomes("bb", variant=DENSE), *outcomes("bb")]) == []


def test_two_versions_of_lm_eval(tmp_path):
    views = {"mc": [{"id": "a"}], "gen": hits("match", a=1)}
    for version, illusion, date in (
        ("0.4.13", DENSE_RUN, "2026-11-23T11-00-00.000000"),
        ("0.5.0", None, "2026-11-23T12-00-00.000000"),
    ):
        path = write_run(tmp_path, views, illusion=illusion, date=date)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"lm_eval_version": version}))
    assert notes_with("mixed", [], find_runs([tmp_path])) == [
        "runs of lm_eval 0.4.13 and 0.5.0 are mixed: a task may have changed between them."
    ]
