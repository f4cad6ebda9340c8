"""The views of an item: its prompts, the metrics of its answers, and the `View` records that describe both.

Task YAMLs name the functions exported here, also those in folders that `lm-eval-illusion pair` wrote: keep these names.
"""

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
from lm_eval_illusion.views.next_tokens import mean_top_probability
from lm_eval_illusion.views.prompts import (
    blind_prompt,
    candidates_prompt,
    candidates_without_gold_prompt,
    letters_prompt,
    oneshot_prompt,
    open_prompt,
)
from lm_eval_illusion.views.spec import VIEWS, View, generation_kwargs, view_named, view_of_task

__all__ = [
    "VIEWS",
    "View",
    "blind_prompt",
    "candidates_prompt",
    "candidates_without_gold_prompt",
    "generation_kwargs",
    "letters_prompt",
    "mean_distinct",
    "mean_top_probability",
    "median_rank",
    "oneshot_prompt",
    "open_prompt",
    "score_answer",
    "score_answers_any",
    "score_beams",
    "score_blind",
    "score_choices",
    "score_letters",
    "view_named",
    "view_of_task",
]
