"""The greedy answers that a judge is asked about, and the hash that ties a verdict to them."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.greedy_answers import answer_files, content_hash, read_answers
from lm_eval_illusion.results.join_views import views_below
from tests.lm_eval_files import hits, write_run


def answers_below(folder):
    return [answer for file in answer_files(views_below([folder])) for answer in read_answers(file)]


def test_the_answers_of_the_view_gen(tmp_path):
    write_run(tmp_path, {"gen": [{"id": "a", "match": 1.0, "output": "two\nmore"}, {"id": "b", "match": 0.0, "output": "x"}]})
    answers = answers_below(tmp_path)
    assert [(answer.id, answer.question, answer.answers, answer.output, answer.produced) for answer in answers] == [
        ("a", "Which is a?", ("two",), "two\nmore", True),
        ("b", "Which is b?", ("two",), "x", False),
    ]
    assert answers[0].content == content_hash("en", "Which is a?", ["two"], "two\nmore")


def test_the_answer_of_a_twin_follows_its_scores(tmp_path):
    write_run(tmp_path, {"twin": [{"id": "a", "recognised": 1.0, "produced": 1.0, "output": "two"}]})
    assert [(answer.output, answer.produced) for answer in answers_below(tmp_path)] == [("two", True)]


def test_a_run_with_a_view_and_its_twin_has_each_answer_once(tmp_path):
    rows = [{"id": "a", "recognised": 1.0, "produced": 1.0, "output": "two"}]
    write_run(tmp_path, {"gen": hits("match", a=1), "twin": rows, "beam": hits("match_any", a=1)})
    assert [file.view for file in answer_files(views_below([tmp_path]))] == ["gen"]


@pytest.mark.parametrize(
    "other",
    [
        ("fi", "q", ["a", "b"], "o"),
        ("en", "p", ["a", "b"], "o"),
        ("en", "q", ["b", "a"], "o"),
        ("en", "q", ["ab"], "o"),
        ("en", "q", ["a"], "bo"),
        ("en", "q", ["a", "b"], "o "),
    ],
)
def test_the_hash_is_of_all_texts_and_where_each_ends(other):
    assert content_hash(*other) != content_hash("en", "q", ["a", "b"], "o")


def test_the_hash_of_half_a_character():
    assert len(content_hash("en", "q", ["\ud800"], "\udfff")) == 64


def test_a_file_with_fewer_rows_than_its_run_is_refused(tmp_path):
    write_run(tmp_path, {"gen": hits("match", a=1, b=0)})
    (samples,) = tmp_path.glob("samples_*")
    samples.write_text(samples.read_text().splitlines()[0] + "\n")
    with pytest.raises(UserError, match="has 1 rows, but its run evaluated 2 items"):
        answers_below(tmp_path)


def test_an_item_that_is_there_twice_is_refused(tmp_path):
    write_run(tmp_path, {"gen": [*hits("match", a=1), *hits("match", a=0)]})
    with pytest.raises(UserError, match="has a twice"):
        answers_below(tmp_path)


def test_an_item_without_a_reference_answer_is_refused(tmp_path):
    write_run(tmp_path, {"gen": hits("match", a=1)})
    (samples,) = tmp_path.glob("samples_*")
    samples.write_text(samples.read_text().replace('"answer": "two"', '"answer": ""'))
    with pytest.raises(UserError, match="has no question or no answer"):
        answers_below(tmp_path)
