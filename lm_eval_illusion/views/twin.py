"""The twin: one task that asks a model two views of each item, so that lm_eval's own table shows whether it recognises and produces.

Its prompts, metrics and decoding settings are those of the two views. It logs only what the report reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lm_eval_illusion.views.logged_fields import LoggedRow
from lm_eval_illusion.views.spec import VIEWS, Metric, View, view_named, view_of_task

RECOGNISED, PRODUCED, RECOGNITION_ONLY = "recognised", "produced", "recognition_only"
TWIN_METRICS = (RECOGNISED, PRODUCED, RECOGNITION_ONLY)
"""The metrics that groups of twins average."""
EXACT_MATCH = "exact_match"
"""Whether the answer is the gold answer and nothing else: a metric of the production view."""


@dataclass(frozen=True)
class Twin:
    """A task with the requests of two views, which have the same prompt.

    `recognition`, `production`: the views. Rows hold the scores of the choices, in their order, and then the answer.
    `metrics`: all metrics that it logs. `RECOGNISED` is the outcome metric of `recognition`, `PRODUCED` that of `production`; the others
    have the names that they have in their view. `unlisted`: metrics that stand in its rows only, so that lm_eval's table stays short.
    `fields`: as in `View`.
    """

    name: str
    description: str
    recognition: View
    production: View
    metrics: tuple[Metric, ...]
    unlisted: tuple[Metric, ...]
    fields: tuple[str, ...]

    is_scored = True
    """Its rows have scores of choices."""

    @property
    def gives_gold_scores(self) -> bool:
        """Whether the report reads the rank and the log-likelihood of the gold choice from its rows."""
        return self.recognition.gives_gold_scores

    def metrics_in_report(self, use: Literal["required", "optional", "tokens"]) -> tuple[str, ...]:
        """Return the names of the metrics that the report requires, or of those that it uses where they exist."""
        return tuple(metric.name for metric in (*self.metrics, *self.unlisted) if metric.in_report == use)


def _twin(recognition: View, production: View) -> Twin:
    scored = [metric for metric in recognition.metrics if metric.name != recognition.outcome_metric]
    answered = [metric for metric in production.metrics if metric.in_report == "optional" and metric.name != EXACT_MATCH]
    return Twin(
        name="twin",
        description=(
            f"the prompt of `{recognition.name}` and `{production.name}`, both asked of each item in one task. `{RECOGNITION_ONLY}`: the"
            " share of items that are recognised and not produced."
        ),
        recognition=recognition,
        production=production,
        metrics=(
            Metric(RECOGNISED),
            Metric(PRODUCED),
            Metric(RECOGNITION_ONLY, higher_is_better=False),
            *scored,
            *(metric for metric in answered if metric.name not in {other.name for other in scored}),
        ),
        unlisted=tuple(metric for metric in production.metrics if metric.name == EXACT_MATCH),
        fields=production.fields,
    )


TWIN = _twin(
    next(view for view in VIEWS if view.gives_gold_scores),
    next(view for view in VIEWS if view.role == "production"),
)

TaskForm: TypeAlias = View | Twin
"""What one of our tasks asks: a view, or two at once."""


def form_named(name: str) -> TaskForm | None:
    """Return the view or the twin of that name, None for an unknown name."""
    return TWIN if name == TWIN.name else view_named(name)


def form_of_task(task: str) -> TaskForm | None:
    """Return the form of a task by its name (`mqa_illusion_fi_twin`: the twin), None for a task of another project."""
    return TWIN if task.endswith(f"_{TWIN.name}") else view_of_task(task)


def score_twin(item: Mapping[str, Any], results: Sequence[Any]) -> LoggedRow:
    """Score the twin. `results`: the scores of the choices in their order, and the greedy answer.

    `recognised`: the gold choice has strictly the highest score (`acc` of `mc`). `produced`: the answer matches (`match` of `gen`).
    `recognition_only`: the former without the latter.
    """
    *scores, answer = results
    scored = TWIN.recognition.score(item, scores)
    answered = TWIN.production.score(item, [answer])
    recognised, produced = scored[TWIN.recognition.outcome_metric], answered[TWIN.production.outcome_metric]
    values = {**answered, **scored}
    listed = [metric.name for metric in TWIN.metrics if metric.name in values]
    only_in_rows = [*(metric.name for metric in TWIN.unlisted), *TWIN.fields]
    metrics = {
        RECOGNISED: recognised,
        PRODUCED: produced,
        RECOGNITION_ONLY: float(recognised == 1 and produced == 0),
        **{name: values[name] for name in listed},
    }
    return LoggedRow(metrics, {name: values[name] for name in only_in_rows})
