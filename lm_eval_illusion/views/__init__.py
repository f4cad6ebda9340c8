"""Views: what an item is asked and how its answer is scored. The task YAMLs name the functions that are exported here."""

from lm_eval_illusion.views.metrics import (
    mean_distinct,
    median_rank,
    score_answer,
    score_answers_any,
    score_beams,
    score_blind,
    score_choices,
    score_letters,
)
from lm_eval_illusion.views.prompts import (
    blind_prompt,
    candidates_prompt,
    candidates_without_gold_prompt,
    letters_prompt,
    oneshot_prompt,
    open_prompt,
)

__all__ = [
    "blind_prompt",
    "candidates_prompt",
    "candidates_without_gold_prompt",
    "letters_prompt",
    "mean_distinct",
    "median_rank",
    "oneshot_prompt",
    "open_prompt",
    "score_answer",
    "score_answers_any",
    "score_beams",
    "score_blind",
    "score_choices",
    "score_letters",
]
