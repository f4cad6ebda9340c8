"""Answers that the speaker takes back."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain


@pytest.mark.parametrize(
    ("lang", "output", "right", "withdrawn"),
    [
        ("en", "Bergen... wait, no, it's Oslo.", "Oslo", "Bergen"),
        ("en", "Bergen, sorry, I mean Oslo.", "Oslo", "Bergen"),
        ("en", "1944 — no, 1945.", "1945", "1944"),
        ("de", "Bergen... nein, Oslo.", "Oslo", "Bergen"),
        ("ru", "Берген... нет, Осло.", "Осло", "Берген"),
        ("zh", "卑尔根……不对，是奥斯陆。", "奥斯陆", "卑尔根"),
    ],
)
def test_a_withdrawn_answer_does_not_count_and_the_new_one_does(lang: str, output: str, right: str, withdrawn: str) -> None:
    assert explain(output, [right], lang).matched
    assert explain(output, [withdrawn], lang).rule == "corrected"


@pytest.mark.parametrize(
    ("lang", "output", "answer"),
    [
        # Nothing stands in place of the first answer.
        ("en", "Oslo. No, really.", "Oslo"),
        ("en", "Oslo. Actually, it is an old town.", "Oslo"),
        ("en", "Oslo. Sorry, I had to look that up.", "Oslo"),
        # The new answer is the same.
        ("en", "Oslo. Wait, no, it is Oslo.", "Oslo"),
        # In these languages "no" is also "not".
        ("es", "Oslo. No es Bergen.", "Oslo"),
        ("pt", "Sem a senha, não é possível entrar.", "senha"),
    ],
)
def test_without_another_answer_nothing_is_taken_back(lang: str, output: str, answer: str) -> None:
    assert explain(output, [answer], lang).matched


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        # A short question behind another statement.
        ("en", "Bern", "The capital is Bern. Zurich is bigger, no? Yes, it is bigger."),
        ("es", "Berna", "La capital es Berna. Zúrich es más grande, ¿no? Sí."),
        # "No" twice: the second one denies what follows.
        ("es", "Berna", "Es Berna. No, no es Zúrich."),
        ("pl", "Berno", "To Berno. Nie, nie Zurych."),
    ],
)
def test_a_tag_or_a_denial_of_something_else_takes_nothing_back(lang, answer, output):
    assert explain(output, [answer], lang).matched
