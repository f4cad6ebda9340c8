"""One judged line: the values that depend on the rules, and every other byte as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.matching import RULES_VERSION, exact_match, explain, f1
from lm_eval_illusion.rescoring.rows import CannotJudgeError, judged_line
from lm_eval_illusion.results.sample_lines import RowError
from lm_eval_illusion.views import TWIN, VIEWS, view_named

GEN, BEAM, SAMPLE = (view_named(name) for name in ("gen", "beam", "sample"))
DOC = '{"answer": "Oslo", "aliases": ["Christiania"], "lang": "en"}'


def test_every_other_byte_stays():
    # Numbers, escapes, blanks, nested objects with the same names and a key that is there twice, as another program may write them.
    line = (
        '{ "doc" : {"answer":"Oslo","aliases":[],"lang":"en","match":0, "x": 1.50e+3},"filtered_resps": ["In \\u004fslo, \\ud83d"],'
        '\t"match":0.0 ,"extra": {"match": 0.0, "match_rule": null}, "exact_match": false, "f1": 0.25, "match": 0,"z":1E400 } \r\n'
    )
    judged = judged_line(line.encode(), GEN, "en")
    # Two words, of which one is said: precision 1/2 (the half character is no word), recall 1.
    score = f1("In Oslo, \ud83d", ["Oslo"], "en")
    assert judged.line.decode() == line.replace(
        '"match": 0,"z":1E400 }', f'"match": 1.0,"z":1E400 , "match_rule": "words", "match_version": {RULES_VERSION}}}'
    ).replace('"f1": 0.25', f'"f1": {score!r}')
    assert (judged.was_right, judged.is_right, judged.filter) == (False, True, "none")
    assert judged.metrics == {"match": 1.0, "exact_match": 0.0, "f1": score}


def test_a_row_of_today_is_not_touched():
    said = {"match": 1.0, "exact_match": 1.0, "f1": 1.0, "match_rule": "equal", "match_version": RULES_VERSION}
    line = json.dumps({"doc": json.loads(DOC), "filtered_resps": ["Oslo."], **said}).encode()
    assert judged_line(line, GEN, "en").line == line


def test_an_equal_number_of_another_type_stays():
    line = f'{{"doc": {DOC}, "filtered_resps": ["Oslo"], "match": true, "exact_match": 1, "f1": 1}}'
    judged = judged_line(line.encode(), GEN, "en")
    assert judged.line.decode().startswith(line[:-1])
    assert judged.was_right


def test_beams_and_samples():
    beams = '[["Bergen", "It is Oslo"]], "filter": "beams"'
    line = f'{{"doc": {DOC}, "filtered_resps": {beams}, "match_any": 0.0, "match_top1": 1.0, "distinct": 7.0}}'
    judged = judged_line(line.encode(), BEAM, "en")
    assert json.loads(judged.line) == {
        **json.loads(line),
        "match_any": 1.0,
        "match_top1": 0.0,
        "match_version": RULES_VERSION,
    }
    assert judged.metrics == {"match_any": 1.0, "match_top1": 0.0}
    line = f'{{"doc": {DOC}, "filtered_resps": [["a", "Oslo", "b", "Christiania"]], "match_any": 1.0, "match_mean": 0.0}}'
    assert judged_line(line.encode(), SAMPLE, "en").metrics == {"match_any": 1.0, "match_mean": 0.5}


@pytest.mark.parametrize("recognised", [0.0, 1.0])
@pytest.mark.parametrize(("answer", "produced"), [("Oslo", 1.0), ("Bergen", 0.0)])
def test_a_twin(recognised, answer, produced):
    scores = [["-1.0", "False"], ["-2.0", "False"]]
    metrics = {"recognised": recognised, "produced": 1 - produced, "recognition_only": 0.5, "acc_norm": 0.0, "truncated": 1.0}
    row = {"doc": json.loads(DOC), "filtered_resps": [*scores, answer], **metrics}
    judged = judged_line(json.dumps(row).encode(), TWIN, "en")
    assert json.loads(judged.line) == {
        **row,
        "produced": produced,
        "recognition_only": float(recognised == 1 and produced == 0),
        "exact_match": produced,
        "match_rule": "equal" if produced else "not_said",
        "match_version": RULES_VERSION,
    }
    # What the task's YAML does not list has no aggregate.
    assert set(judged.metrics) == {"produced", "recognition_only"}


def test_the_thoughts_of_a_model_are_no_answer():
    row = {"doc": json.loads(DOC), "match": 1.0, "filtered_resps": ["<think>It may be Oslo.</think>\n\nBergen"]}
    assert not judged_line(json.dumps(row).encode(), GEN, "en").is_right
    row["filtered_resps"] = ["<think>Bergen?</think>Oslo"]
    assert judged_line(json.dumps(row).encode(), GEN, "en").is_right


@pytest.mark.parametrize(
    ("of_doc", "of_task", "is_right"), [("zh", "en", True), ("en", "zh", False), (None, "zh", True), (None, "en", False)]
)
def test_the_language_of_the_document_counts_before_that_of_the_task(of_doc, of_task, is_right):
    # Only a language without spaces between words has the answer within a longer run of characters.
    row = {"doc": {"answer": "上海", **({"lang": of_doc} if of_doc else {})}, "match": 0.0, "filtered_resps": ["在上海市。"]}
    assert judged_line(json.dumps(row).encode(), GEN, of_task).is_right == is_right


@given(st.text(), st.text(min_size=1), st.sampled_from(["en", "fi", "zh", "th", "ar"]))
def test_any_text_is_judged_as_the_matching_does_it(output, answer, lang):
    row = {"doc": {"answer": answer, "aliases": [], "lang": lang}, "filtered_resps": [output], "match": 0.0, "exact_match": 0.0}
    if output.lstrip().startswith("<think>") or "</think>" in output:
        return
    for is_ascii in (True, False):
        judged = judged_line((json.dumps(row, ensure_ascii=is_ascii) + "\n").encode("utf-8"), GEN, lang)
        found = explain(output, [answer], lang)
        assert json.loads(judged.line) == {
            **row,
            "match": float(found.matched),
            "exact_match": float(exact_match(output, [answer], lang)),
            "match_rule": found.rule,
            "match_version": RULES_VERSION,
        }


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[1]",
        b'{"doc": {}',
        b'{"doc"',
        b'{"doc":',
        b'{"doc": 1,}',
        b'{"doc": 1 "x": 2}',
        b'{"doc": 1} x',
        b'{"doc": \xff}',
        b"{doc: 1}",
        b'{"a": 1,, "b": 2}',
    ],
)
def test_a_line_that_is_no_json_object(line):
    with pytest.raises(ValueError, match=r"Expecting|Extra|decode|Unterminated|Illegal"):
        judged_line(line, GEN, "en")


@pytest.mark.parametrize("view", [view for view in VIEWS if view.fields], ids=lambda view: view.name)
@pytest.mark.parametrize("answers", [None, [], [3], [["a", 3]], [["-1.0", "False"]], "text"])
def test_other_answers_than_those_of_the_view(view, answers):
    row = {"doc": json.loads(DOC), view.outcome_metric: 1.0, "filtered_resps": answers}
    if view.repeats > 1 and answers == [["-1.0", "False"]]:
        return  # two texts
    with pytest.raises(RowError, match="filtered_resps"):
        judged_line(json.dumps(row).encode(), view, "en")


@pytest.mark.parametrize("doc", [None, 3, {}, {"answer": 3}, {"answer": "a", "aliases": "b"}])
def test_a_document_that_is_no_item(doc):
    row = {"doc": doc, "match": 1.0, "filtered_resps": ["a"]}
    with pytest.raises(CannotJudgeError, match="no items of ours"):
        judged_line(json.dumps(row).encode(), GEN, "en")


def test_a_row_that_was_not_scored():
    # As lm_eval writes it with --predict_only.
    with pytest.raises(CannotJudgeError, match="have no match"):
        judged_line(f'{{"doc": {DOC}, "filtered_resps": ["Oslo"], "bypass": 999}}'.encode(), GEN, "en")
