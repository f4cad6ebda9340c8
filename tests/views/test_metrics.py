"""What each view logs, by hand; and the settings that the YAMLs repeat."""

from __future__ import annotations

import pytest

from lm_eval_illusion import views
from lm_eval_illusion.inference.scoring import ScoredContinuation
from lm_eval_illusion.plugin import tasks_folder
from lm_eval_illusion.views import VIEWS

NAN = float("nan")
ITEM = {"choices": ["abcd", "ab", "abc", "a"], "gold": 1, "answer": "ab", "aliases": ["xy"], "lang": "en"}


def scored(*loglikelihoods):
    return [(loglikelihood, False) for loglikelihood in loglikelihoods]


@pytest.mark.parametrize(
    ("loglikelihoods", "acc", "acc_norm", "invalid"),
    [
        ((-4.0, -1.0, -6.0, -9.0), 1, 1, 0),  # a character: -1, -0.5, -2, -9
        ((-4.0, -3.0, -6.0, -9.0), 1, 0, 0),  # a character: -1, -1.5: gold leads only in the sum
        ((-4.0, -4.5, -30.0, -9.0), 0, 0, 0),
        ((-4.0, -4.0, -6.0, -9.0), 0, 0, 1),  # tie for the top; a character: -1 before -2
        ((-4.0, -1.0, -6.0, -6.0), 1, 1, 0),  # a tie below the top is no matter
        ((NAN, NAN, NAN, NAN), 0, 0, 1),
        ((-4.0, -1.0, NAN, -9.0), 0, 0, 1),
        ((float("-inf"),) * 4, 0, 0, 1),
    ],
)
def test_choices(loglikelihoods, acc, acc_norm, invalid):
    metrics = views.score_choices(ITEM, scored(*loglikelihoods))
    assert metrics == {"acc": acc, "acc_norm": acc_norm, "invalid": invalid}


def test_gold_rank_is_that_of_the_gold_choice():
    results = [ScoredContinuation(-1.0 - n, False, rank) for n, rank in enumerate((1, 7, 2, 3))]
    assert views.score_choices(ITEM, results)["gold_rank"] == 7
    results[1] = ScoredContinuation(NAN, False, None)
    assert "gold_rank" not in views.score_choices(ITEM, results)


def test_answer():
    assert views.score_answer(ITEM, [" XY!\n"]) == {"match": 1, "exact_match": 1, "f1": 1}
    assert views.score_answer(ITEM, ["it is ab"]) == {"match": 1, "exact_match": 0, "f1": pytest.approx(0.5)}


def test_beams_and_samples():
    assert views.score_beams(ITEM, [["no", "ab", "no"]]) == {"match_any": 1, "match_top1": 0, "distinct": 2}
    assert views.score_answers_any(ITEM, [["no", "ab", "xy", "no"]]) == {"match_any": 1, "match_mean": 0.5}


def test_a_backend_with_one_beam_is_told_of_once(caplog):
    assert views.mean_distinct([1.0, 1.0]) == 1
    assert caplog.text.count("its best beam only") == 1
    caplog.clear()
    assert views.mean_distinct([1.0, 3.0]) == 2
    assert not caplog.text


def test_the_yamls_pin_the_settings_of_the_views():
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    for view in VIEWS:
        if view.decoding is not None:
            name = f"mqa_illusion_en_{view.name}"
            assert manager.load([name])["tasks"][name].config.generation_kwargs == view.decoding.generation_kwargs()
