"""A small slice of the fuzz of results and samples files, and that the fuzz notices what it looks for."""

from __future__ import annotations

import hashlib
import json

import pytest

from benchmarks import fuzz_results
from benchmarks.fuzz_results import fuzz, numbers_of, plain_numbers
from lm_eval_illusion.items import embedded_items
from lm_eval_illusion.views import metrics, prompts
from tests.lm_eval_files import DENSE, PRUNED

ITEMS = embedded_items("en")[:3]
PROMPTS = {
    "mc": prompts.open_prompt,
    "mc_letters": prompts.letters_prompt,
    "gen": prompts.open_prompt,
    "oneshot": prompts.oneshot_prompt,
}


def rows_of(view, hits):
    """Rows with every field that lm_eval writes: the right answer for the first `hits` items."""
    for number, item in enumerate(ITEMS):
        right = number < hits
        if view.startswith("mc"):
            scores = [-1.0 if (index == item["gold"]) == right else -2.0 - index for index in range(4)]
            answers, target = [[str(score), "False"] for score in scores], str(item["gold"])
            numbers = (metrics.score_choices if view == "mc" else metrics.score_letters)(item, answers)
        else:
            answers, target = [item["answer"] if right else "x"], item["answer"]
            numbers = metrics.score_answer(item, answers)
        prompt = PROMPTS[view](item)
        texts = {"doc_hash": json.dumps(item), "prompt_hash": prompt, "target_hash": target}
        yield {
            **{"doc_id": number, "doc": item, "target": target, "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": " x"}}},
            **{
                "resps": [[answer] for answer in answers],
                "filtered_resps": answers,
                "filter": "none",
                "metrics": list(numbers.keys()),
            },
            **{name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()},
            **numbers,
        }


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for date, illusion, hits in (("2026-11-23T10-00-00.000000", DENSE, 3), ("2026-11-23T11-00-00.000000", PRUNED, 1)):
        content = {
            "config": {"model": "pruned-hf", "model_args": {"pretrained": "tiny"}, "illusion": illusion},
            "group_subtasks": {},
        }
        content |= {"results": {}, "configs": {}, "n-samples": {}, "task_hashes": {}, "lm_eval_version": "0.4.13"}
        for view in PROMPTS:
            task = f"mqa_illusion_en_{view}"
            rows = list(rows_of(view, hits if view != "mc" else 3))
            (folder / f"samples_{task}_{date}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            hashes = "".join(row["doc_hash"] + row["prompt_hash"] + row["target_hash"] for row in rows)
            content["configs"][task] = {"task": task, "metadata": {"family": "mqa_illusion", "view": view, "lang": "en"}}
            content["n-samples"][task] = {"original": 200, "effective": 3}
            content["task_hashes"][task] = hashlib.sha256(hashes.encode()).hexdigest()
            content["results"][task] = {f"{name},none": sum(row[name] for row in rows) / 3 for name in rows[0]["metrics"]}
        (folder / f"results_{date}.json").write_text(json.dumps(content))
    return folder


def test_the_separate_reading_has_the_numbers_that_were_written(runs):
    # Items, recognised, produced, recognition-only: the pruned model recognises 3 and produces 1.
    expected = {
        ("tiny", "dense", "mqa_illusion", "en"): (3, 3, 3, 0),
        ("tiny", "wanda-0.6", "mqa_illusion", "en"): (3, 3, 1, 2),
    }
    pooled = {(*key[:3], "all"): counts for key, counts in expected.items()}
    assert plain_numbers(runs, ()) == numbers_of(runs, ()) == expected | pooled


def test_mutated_files_are_refused_or_reported_as_they_are(runs):
    tally = fuzz(runs, 25, seed=1)
    assert tally.problems == []
    assert tally.outcomes["refused"] > 3


def test_the_fuzz_notices_tracebacks_and_wrong_reports(runs, monkeypatch):
    def fail(*_):
        raise KeyError("x")

    monkeypatch.setattr(fuzz_results, "MUTATIONS", [(lambda rng, folder: "nothing", 1)])
    before = numbers_of(runs, ())
    assert fuzz_results.run_case(runs, (), None, before) == "accepted with the numbers of before"
    monkeypatch.setattr(fuzz_results, "read_inputs", fail)
    assert fuzz_results.run_case(runs, (), None, before).startswith("traceback: KeyError")
    monkeypatch.setattr(fuzz_results, "numbers_of", lambda *_: {})
    assert fuzz_results.run_case(runs, (), None, before).startswith("wrong")
