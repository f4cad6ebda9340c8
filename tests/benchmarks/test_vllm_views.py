"""What the comparison of engines counts as a difference."""

from __future__ import annotations

from benchmarks.vllm_views import compare


def row(resps, doc_id=0, **fields):
    return {"doc_id": doc_id, "resps": resps, "filtered_resps": resps, **fields}


def test_scores_and_gold_ranks_are_compared_item_by_item():
    one = [row([[["-1.0", "True"]], [["-2.0", "False"]]], gold_rank=3)]
    other = [row([[["-1.0", "True"]], [["-2.5", "False"]]], gold_rank=4)]
    assert compare("mc", one, one)[:3] == (0.0, 0, 0)
    assert compare("mc", one, other)[:3] == (0.5, 1, 0)


def test_answers_and_beams_are_compared_and_samples_counted():
    one, other = [row([["Paris", "Lyon"]])], [row([["Paris", "Rome"]])]
    assert compare("beam", one, other).answers == 1
    assert compare("beam", one, one).answers == 0
    # Its name begins as those of views that are scored, but it is generated.
    assert compare("mc_letters_generated", [row(["A"])], [row(["B"])]).answers == 1
    assert compare("sample", one, other)[2:] == (0, ", different samples of an item 2 to 2")
