"""Fields that stand in a row of a samples file and are no metrics."""

from __future__ import annotations

from lm_eval_illusion.views.logged_fields import LoggedRow


def test_a_copy_has_the_fields_and_the_items_have_not():
    row = LoggedRow({"match": 1.0}, {"match_rule": "words"})
    # As lm_eval makes a row of a samples file and what it aggregates.
    example = {"doc_id": 3}
    example.update(row)
    assert example == {"doc_id": 3, "match": 1.0, "match_rule": "words"}
    assert {**row} == dict(row) == {"match": 1.0, "match_rule": "words"}
    assert list(row.items()) == [("match", 1.0)]
    assert list(row.keys()) == ["match"]
    assert (row["match_rule"], row.get("match_rule"), "match_rule" in row) == ("words", "words", True)
