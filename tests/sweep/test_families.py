"""The family of a task: the longest name that its name begins with."""

from __future__ import annotations

import pytest

from lm_eval_illusion.sweep.families import family_of


@pytest.mark.parametrize(
    ("task", "family"),
    [
        ("mqa_illusion", "mqa_illusion"),
        ("mqa_illusion_fi_gen", "mqa_illusion"),
        ("mqa_illusion_xquad_en", "mqa_illusion_xquad"),
        ("mqa_illusion_xquad_closed_en_twin", "mqa_illusion_xquad_closed"),
        ("mqa_illusionist", None),
        ("hellaswag", None),
    ],
)
def test_the_longest_name_counts(task, family):
    assert family_of(task) == family
