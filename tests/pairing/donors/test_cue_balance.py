"""The change of candidates: it keeps what the assignment reached and reveals less."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.pairing.donors.answer_table import answer_table
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS, assign
from lm_eval_illusion.pairing.donors.cue_balance import AIM, COST_LIMIT, Problem, balance
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.surface_cues import count_characters

LANGS = ("de", "en")


def problem(n, seed, kinds=1, items=None):
    """Questions with answers of random lengths, and their candidates; `items`: how many of them are in the file."""
    rng = np.random.RandomState(seed)
    lengths = rng.randint(2, 30, n)
    texts = {lang: ["".join(rng.choice(list("abcdefgh"), length)) for length in lengths] for lang in LANGS}
    questions = group_by_id(
        Question(f"{number:03}", lang, "?", "", texts[lang][number]) for number in range(n) for lang in LANGS
    )
    kind, rows = rng.randint(0, kinds, n), np.arange(items or n)
    costs = rng.rand(len(rows), n) / 10 + 6.0 * (kind[rows, None] != kind[None, :])
    costs[rows, rows] = np.inf
    order = np.argsort(costs, axis=1)
    costs = np.take_along_axis(costs, order, axis=1).astype(np.float32)
    found = Problem(
        tables=[answer_table(questions, lang) for lang in LANGS],
        rows=rows,
        donors=order,
        costs=costs,
        alike=costs < 6,
        counts=np.isfinite(costs).sum(axis=1),
        groups=np.arange(n),
        right=np.bincount(rows, minlength=n),
    )
    draws = rng.permutation(len(rows)).astype(np.uint64)
    chosen = assign(costs, order, found.right, draws)
    characters = count_characters(question.answers for question in questions)
    return SimpleNamespace(found=found, chosen=chosen, questions=questions, characters=characters)


def options(made, chosen):
    """For each row the answer and the three options in each language."""
    donors = np.take_along_axis(made.found.donors, chosen, axis=1).tolist()
    return [
        {lang: [made.questions[one].answers[lang] for one in (row, *row_donors)] for lang in LANGS}
        for row, row_donors in zip(made.found.rows.tolist(), donors, strict=True)
    ]


def share(texts_of_rows, score):
    """The share of rows whose answer, the first text, scores highest; shared in a tie. Written a second time on purpose."""
    hits = 0.0
    for texts in texts_of_rows:
        scores = [score(text) for text in texts]
        hits += (scores[0] == max(scores)) / scores.count(max(scores))
    return hits / len(texts_of_rows)


def cue_shares(made, chosen):
    """The share of right guesses by each length in each language, and by the number of uses in the file."""
    rows = options(made, chosen)
    found = {}
    for lang in LANGS:
        texts = [row[lang] for row in rows]
        uses = Counter(text for row in texts for text in row)
        found |= {
            (lang, "longest"): share(texts, len),
            (lang, "shortest"): share(texts, lambda text: -len(text)),
            (lang, "most used"): share(texts, uses.__getitem__),
            (lang, "least used"): share(texts, lambda text, uses=uses: -uses[text]),
        }
    return found


@pytest.mark.parametrize(("items", "kinds"), [(None, 2), (None, 4), (100, 1)])
def test_each_cue_finds_the_answer_in_a_quarter_of_the_rows(items, kinds):
    made = problem(240, 1, kinds=kinds, items=items)
    after = balance(made.chosen, made.found, made.characters, 0)
    assert cue_shares(made, after) == pytest.approx(dict.fromkeys(cue_shares(made, after), 0.25), abs=AIM + 0.01)
    before = cue_shares(made, made.chosen)
    assert max(abs(value - 0.25) for value in before.values()) > AIM, "there is something to balance"


@settings(max_examples=15)
@given(st.integers(5, 40), st.integers(0, 100))
def test_an_exchange_keeps_three_different_candidates_and_takes_no_stranger(n, seed):
    made = problem(n, seed, kinds=2)
    after = balance(made.chosen, made.found, made.characters, seed)
    rows = np.arange(n)[:, None]
    assert all(len(set(row)) == DISTRACTORS for row in after.tolist())
    assert np.isfinite(made.found.costs[rows, after]).all()
    strangers = [(~made.found.alike[rows, chosen]).sum(axis=1) for chosen in (made.chosen, after)]
    assert (strangers[1] <= strangers[0]).all()


def test_an_exchange_costs_little():
    made = problem(100, 1)
    after = balance(made.chosen, made.found, made.characters, 0)
    rows = np.arange(100)[:, None]
    assert (after != made.chosen).any()
    # One kind: the costs differ by 0.1 at most, so that only the uses have a price.
    uses = np.bincount(made.found.donors[rows, after].ravel(), minlength=100)
    assert uses.max() <= DISTRACTORS + 2 * COST_LIMIT
    assert uses.min() >= 1


def test_the_seed_decides():
    made = problem(60, 2)
    first, second, third = (balance(made.chosen, made.found, made.characters, seed) for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != third).any()


def test_without_questions_nothing_happens():
    made = problem(10, 0)
    none = Problem(**{**vars(made.found), "rows": made.found.rows[:0]})
    assert len(balance(made.chosen[:0], none, made.characters, 0)) == 0
