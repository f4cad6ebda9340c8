"""Reader of lm_eval's output files, which become outcomes. No other package reads these files; analysis and report use only outcomes.

`find_runs` and `find_views` find the files, `join_views` and `join_tasks` read them. An `Outcome` is the result of an evaluated
`Variant` on one item. Nothing here imports torch.
"""

from lm_eval_illusion.results.item_texts import ItemTexts
from lm_eval_illusion.results.join_views import join_views, load_outcomes
from lm_eval_illusion.results.messages import join_truncated
from lm_eval_illusion.results.outcomes import (
    ANSWER_SHOWING_STRATEGIES,
    OUTPUT_LABELS,
    POOLED,
    RECOVERY_STRATEGIES,
    WITHOUT_LANGUAGE,
    Outcome,
)
from lm_eval_illusion.results.runs import Run, ViewFile, as_variants_of, find_runs, find_views
from lm_eval_illusion.results.same_base import check_same_base
from lm_eval_illusion.results.task_pairs import join_tasks, read_pair
from lm_eval_illusion.results.variants import Variant

__all__ = [
    "ANSWER_SHOWING_STRATEGIES",
    "OUTPUT_LABELS",
    "POOLED",
    "RECOVERY_STRATEGIES",
    "WITHOUT_LANGUAGE",
    "ItemTexts",
    "Outcome",
    "Run",
    "Variant",
    "ViewFile",
    "as_variants_of",
    "check_same_base",
    "find_runs",
    "find_views",
    "join_tasks",
    "join_truncated",
    "join_views",
    "load_outcomes",
    "read_pair",
]
