"""Which part of a refused request may be left out."""

from __future__ import annotations

import pytest

from lm_eval_illusion.models.served_refused import refused_setting, without_settings

SAMPLE = {
    "prompt": "p",
    "max_tokens": 64,
    "temperature": 0.7,
    "top_p": 1.0,
    "top_k": -1,
    "min_p": 0.0,
    "seed": 5,
    "stop": ["</s>"],
}


@pytest.mark.parametrize(
    ("problem", "name"),
    [
        ("Input validation error: `top_p` must be > 0.0 and < 1.0", "top_p"),
        ("Unrecognized request argument supplied: seed", "seed"),
        ("[{'loc': ['body', 'stop'], 'msg': 'Extra inputs are not permitted'}]", "stop"),
        ("top_k must be at least 1, got -1.", "top_k"),
        ("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens"),
        # What the answer depends on, a part of another word, nothing.
        ("temperature must be strictly positive", None),
        ("max_tokens is too large", None),
        ("the random_seed is unknown, non-stop", None),
        ("no", None),
    ],
)
def test_the_setting_that_a_refusal_names(problem, name):
    assert refused_setting(SAMPLE, problem) == name


def test_a_setting_that_changes_the_answer_stays():
    cut = {"top_p": 0.9, "top_k": 20, "min_p": 0.1, "repeat_penalty": 1.2}
    assert not any(refused_setting(cut, f"{name} is unknown") for name in cut)
    assert without_settings(cut, frozenset(cut)) == cut


def test_the_limit_has_its_new_name():
    assert without_settings({"max_tokens": 64, "top_p": 1.0}, frozenset({"max_tokens", "top_p"})) == {
        "max_completion_tokens": 64
    }
