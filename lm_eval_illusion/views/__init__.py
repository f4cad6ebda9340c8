"""The views of an item: its prompts, the metrics of its answers, and the `View` records that describe both.

Task YAMLs name the functions exported here, also those in folders that `lm-eval-illusion pair` wrote: keep these names.
"""

from lm_eval_illusion.views.filters import first_lines
from lm_eval_illusion.views.metrics import (
    mean_distinct,
    median_rank,
    score_answer,
    score_answers_any,
    score_beams,
    score_blind,
    score_choices,
    score_generated_letter,
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
from lm_eval_illusion.views.spec import GENERATED_LETTERS, TOP_K_OFF, VIEWS, View, generation_kwargs, view_named, view_of_task
from lm_eval_illusion.views.twin import TWIN, TaskForm, Twin, form_named, form_of_task, score_twin

__all__ = [
    "GENERATED_LETTERS",
    "TOP_K_OFF",
    "TWIN",
    "VIEWS",
    "TaskForm",
    "Twin",
    "View",
    "blind_prompt",
    "candidates_prompt",
    "candidates_without_gold_prompt",
    "first_lines",
    "form_named",
    "form_of_task",
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
    "score_generated_letter",
    "score_letters",
    "score_twin",
    "view_named",
    "view_of_task",
]
