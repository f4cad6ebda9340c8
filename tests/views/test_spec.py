"""The `View` records agree with the functions that they name and with the YAMLs."""

from __future__ import annotations

from collections import Counter, namedtuple

import pytest

from lm_eval_illusion import views
from lm_eval_illusion.first_line import Answer
from lm_eval_illusion.results.join_views import RECOGNITION
from lm_eval_illusion.results.outcomes import ANSWER_SHOWING_STRATEGIES, RECOVERY_STRATEGIES, SINGLE_BEAM_STRATEGIES
from lm_eval_illusion.views import VIEWS, View, generation_kwargs, view_named, view_of_task

ITEM = {
    "lang": "en",
    "question": "Where is the Louvre?",
    "context": "The Louvre is in Paris.",
    "answer": "Paris",
    "aliases": [],
    "choices": ["Lyon", "Paris", "Nice", "Lille"],
    "gold": 1,
    "shot": {"question": "Where is the Prado?", "answer": "Madrid", "context": ""},
}


TopTokens = namedtuple("TopTokens", "ids logprobs")


class Scored(tuple):
    """A scored choice of a backend that gives ranks and next tokens."""

    first_token_rank = 3
    first_token_logprob = -1.5
    answer_logprob = -2.5
    top_tokens = TopTokens([7, 3], [-0.5, -1.5])


def results_of(view: View) -> list:
    if view.is_scored:
        return [Scored((-1.0 - number, False)) for number in range(4)]
    return [Answer(" Paris", reached_limit=False)] if view.repeats == 1 else [[" Paris"] * view.repeats]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_logs_the_metrics_that_it_declares(view):
    logged = view.score(ITEM, results_of(view))
    assert list(logged.keys()) == [metric.name for metric in view.metrics]
    assert list(logged) == [*logged.keys(), *view.fields]
    assert view.outcome_metric in view.metrics_in_report("required")
    assert view.single_beam_metric in (None, *view.metrics_in_report("required"))
    assert view.prompt(ITEM).endswith("Answer:")


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_yamls_find_the_functions_of_a_view(view):
    aggregations = [metric.aggregation for metric in view.metrics if callable(metric.aggregation)]
    for function in (view.prompt, view.score, *aggregations):
        assert function.__name__ in views.__all__
        assert getattr(views, function.__name__) is function


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_either_scores_choices_or_has_decoding_settings(view):
    assert view.is_scored == (view.decoding is None)
    if view.decoding is not None:
        assert generation_kwargs(view.name) == view.decoding.generation_kwargs()
        assert (view.repeats > 1) == (view.filter_name != "none")


def test_names_are_unique_and_each_required_role_has_a_view():
    assert max(Counter(view.name for view in VIEWS).values()) == 1
    roles = Counter(view.role for view in VIEWS)
    assert (roles["production"], roles["control"], roles["baseline"]) == (1, 1, 1)
    assert {name: (found.view, found.metric) for name, found in RECOGNITION.items()} == {
        "acc": ("mc", "acc"),
        "acc_norm": ("mc", "acc_norm"),
        "letters": ("mc_letters", "acc"),
        "recognised_by_letter": ("mc_letters_generated", "recognised_by_letter"),
    }


def test_top_k_that_is_off_keeps_every_token_and_is_a_number_that_every_engine_takes():
    import torch
    from transformers import TopKLogitsWarper

    settings = generation_kwargs("sample")
    # SGLang: -1 or from 1 on; transformers: from 1 on; llama.cpp and vLLM read 32 bits.
    assert 1 <= settings["top_k"] < 2**31
    assert settings["top_k"] > 1_000_000  # more than any vocabulary
    logits = torch.randn(2, 300)
    assert torch.equal(TopKLogitsWarper(settings["top_k"])(None, logits), logits)


def test_one_view_gives_the_scores_of_the_gold_choice():
    (view,) = (view for view in VIEWS if view.gives_gold_scores)
    assert view.is_scored
    assert view.role == "recognition"
    assert "gold_rank" in view.metrics_in_report("optional")


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_baseline_has_the_choices_and_metrics_of_its_recognition_view(view):
    assert (view.role == "baseline") == (view.baseline_of is not None)
    if view.baseline_of is not None:
        twin = view_named(view.baseline_of)
        assert twin.role == "recognition"
        assert twin.choices == view.choices
        assert {metric.name for metric in twin.metrics if metric.recognition} <= set(view.metrics_in_report("required"))


def test_the_view_with_beam_search():
    assert [view.name for view in VIEWS if view.uses_beams] == ["beam"]
    assert SINGLE_BEAM_STRATEGIES == ("beam",)


def test_recovery_strategies():
    assert RECOVERY_STRATEGIES == ("beam", "sample", "oneshot", "candidates")
    assert sorted(ANSWER_SHOWING_STRATEGIES) == ["candidates"]


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("mqa_illusion_fi_gen", "gen"),
        ("mqa_illusion_fi_candidates_without_gold", "candidates_without_gold"),
        ("mqa_illusion_fi_mc_letters", "mc_letters"),
        ("hellaswag", None),
    ],
)
def test_the_view_of_a_task(task, name):
    found = view_of_task(task)
    assert (found.name if found else None) == name


def test_an_unknown_view_and_one_without_decoding_settings():
    assert view_named("no") is None
    for name in ("no", "mc"):
        with pytest.raises(KeyError):
            generation_kwargs(name)
