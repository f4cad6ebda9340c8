"""The `View` records: each contains everything that the package knows about one view.

Task YAMLs (task_yaml.py), the check of decoding settings (models/command_checks.py), the reader of samples files (results/),
the item browser and the columns of the report are derived from these records.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lm_eval_illusion.views import metrics, next_tokens, prompts
from lm_eval_illusion.views.logged_fields import MATCH_RULE, MATCH_VERSION

RequestType = Literal["multiple_choice", "generate_until"]
"""lm_eval's `output_type`: log-likelihoods of the choices, or generated text."""

Role = Literal["recognition", "production", "recovery", "control", "baseline"]
"""The use of a view in the report.

`recognition` and `production`: its outcome metric decides whether an item is recognised or produced. `recovery`: a recovery strategy.
`control`: the control of `candidates`. `baseline`: recognition without the question.
"""


TOP_K_OFF = 2**30
"""A `top_k` that cuts nothing, larger than any vocabulary, and what SGLang itself uses for that.

0 is refused by SGLang and by some versions of vLLM, -1 by transformers; without a setting, transformers takes 50 and llama.cpp 40.
"""
GENERATED_LETTERS = "mc_letters_generated"
"""The view that asks for a letter where a server gives no scores."""


@dataclass(frozen=True)
class DecodingSettings:
    """lm_eval's `generation_kwargs`; settings that are None are left out. The defaults are greedy decoding.

    An answer has no stop string: a line break before its text would end it. It is the first line with visible text, to which
    `first_lines` cuts the responses of every backend.
    """

    until: tuple[str, ...] = ()
    max_gen_toks: int = 64
    do_sample: bool = False
    temperature: float = 0.0
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float = 1.0
    num_beams: int | None = None
    length_penalty: float | None = None
    early_stopping: bool | None = None

    def generation_kwargs(self) -> dict[str, Any]:
        """Return the settings as lm_eval hands them to a model: a new dictionary with a list of stop strings."""
        settings = {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
        return {**settings, "until": list(self.until)}


@dataclass(frozen=True)
class Metric:
    """A number that a view logs for each item.

    `aggregation`: lm_eval's `mean`, or a function of the numbers of a task, exported by lm_eval_illusion.views.
    `in_report`: whether the report reads it. A `required` metric must be in every row of a samples file; an `optional` one
    is missing where the backend or the item does not provide it; an `unused` one is only in lm_eval's own results. `tokens`: an optional
    text of next tokens, see next_tokens.py.
    `recognition`: the value of `report --recognition` that selects this metric, "" if none does.
    """

    name: str
    in_report: Literal["required", "optional", "unused", "tokens"] = "required"
    aggregation: Literal["mean"] | Callable[[Sequence[Any]], float] = "mean"
    higher_is_better: bool = True
    recognition: str = ""


@dataclass(frozen=True)
class View:
    """One form in which an item is presented to the model and its responses are scored.

    To add a view, add a `View` to `VIEWS`, run tools/make_tasks.py, and export its prompt and score functions from
    lm_eval_illusion.views if they are new: the task YAMLs name them there.

    `description`: text for the comment of its YAML. `label`: its name in the report.
    `prompt`: makes the prompt of an item. `turns`: for a prompt with an example, makes the turns of a conversation that take its place
    under a chat template; None where the whole prompt is one turn of the user.
    `score`: makes the metrics of an item from the filtered responses.
    `metrics`: all metrics that `score` can return. `outcome_metric`: the metric that is 1 for a success; the groups average it over
    languages. `fields`: what `score` logs beside the metrics, without a line in lm_eval's tables.
    `choices`: for multiple choice, the field of the item with the choices, or the choices themselves.
    `decoding`: for generated text, the settings that define the view; a run with others is refused.
    `repeats`: outputs per item. `filter_name`: the name of its lm_eval filter; `none` is lm_eval's name for the default.
    `single_beam_metric`: replaces `outcome_metric` where the backend returns only its best beam.
    `is_core`: whether the group `core` contains it, the views that every backend can run.
    `replaces_scores`: it is for servers that give no scores: in the group `core_served` and its own, not in those of all views.
    `shows_answer`: whether the prompt contains the answer; such a strategy does not count for `any` and `demoted`.
    For recovery strategies and the control, `explanation` says what recovers the answer, without a full stop (default: the description);
    `heading` is the name in figures and on the page, `narrow_heading` in the tables of terminal and Markdown (default: `name`).
    `gives_gold_scores`: whether the report reads the rank and the log-likelihood of the gold choice from this view (one view).
    `baseline_of`: for a baseline, the recognition view that scores the same choices after the question.
    """

    name: str
    description: str
    label: str
    request_type: RequestType
    role: Role
    prompt: Callable[[Mapping[str, Any]], str]
    score: Callable[[Mapping[str, Any], Sequence[Any]], Mapping[str, float | str]]
    metrics: tuple[Metric, ...]
    outcome_metric: str
    choices: str | tuple[str, ...] = "choices"
    decoding: DecodingSettings | None = None
    repeats: int = 1
    filter_name: str = "none"
    single_beam_metric: str | None = None
    is_core: bool = False
    replaces_scores: bool = False
    shows_answer: bool = False
    explanation: str = ""
    heading: str = ""
    narrow_heading: str = ""
    gives_gold_scores: bool = False
    baseline_of: str | None = None
    turns: Callable[[Mapping[str, Any]], Sequence[prompts.Turn]] | None = None
    fields: tuple[str, ...] = ()

    @property
    def is_scored(self) -> bool:
        """Whether the view scores given continuations, and generates nothing."""
        return self.request_type == "multiple_choice"

    @property
    def uses_beams(self) -> bool:
        """Whether its decoding is beam search."""
        return self.decoding is not None and (self.decoding.num_beams or 1) > 1

    def metrics_in_report(self, use: Literal["required", "optional", "tokens"]) -> tuple[str, ...]:
        """Return the names of the metrics that the report requires, or of the numbers or texts that it uses where they exist."""
        return tuple(metric.name for metric in self.metrics if metric.in_report == use)


_GREEDY = DecodingSettings()
_ANSWER_METRICS = (
    Metric("match"),
    Metric("exact_match", "optional"),
    Metric("f1", "unused"),
    Metric("truncated", "optional", higher_is_better=False),
)
_ANSWER_FIELDS = (MATCH_RULE, MATCH_VERSION)

# In the order of the tasks in a language's group. The task that asks two views at once is in twin.py.
VIEWS: tuple[View, ...] = (
    View(
        name="mc",
        description="the open prompt, the four candidates scored as its continuations (cloze).",
        label="choices",
        request_type="multiple_choice",
        role="recognition",
        prompt=prompts.open_prompt,
        score=metrics.score_choices,
        metrics=(
            Metric("acc", recognition="acc"),
            Metric("acc_norm", recognition="acc_norm"),
            Metric("invalid", higher_is_better=False),
            Metric("gold_rank", "optional", aggregation=metrics.median_rank, higher_is_better=False),
            Metric("gold_first_logprob", "unused"),
            Metric("gold_logprob", "optional"),
            Metric("top_logprobs", "tokens", aggregation=next_tokens.mean_top_probability),
        ),
        outcome_metric="acc",
        is_core=True,
        gives_gold_scores=True,
    ),
    View(
        name="mc_letters",
        description="the options listed after letters, the letters scored, as leaderboards do.",
        label="letters",
        request_type="multiple_choice",
        role="recognition",
        prompt=prompts.letters_prompt,
        score=metrics.score_letters,
        metrics=(Metric("acc", recognition="letters"), Metric("invalid", higher_is_better=False)),
        outcome_metric="acc",
        choices=prompts.LETTERS,
    ),
    View(
        name=GENERATED_LETTERS,
        description=(
            "the prompt of `mc_letters`, answered greedily, for servers that give no scores. `recognised_by_letter`: the answer is the"
            " letter of the gold option. `invalid`: it is no letter."
        ),
        label="letter generated",
        request_type="generate_until",
        role="recognition",
        prompt=prompts.letters_prompt,
        score=metrics.score_generated_letter,
        metrics=(
            Metric("recognised_by_letter", recognition="recognised_by_letter"),
            Metric("invalid", higher_is_better=False),
        ),
        outcome_metric="recognised_by_letter",
        decoding=_GREEDY,
        replaces_scores=True,
    ),
    View(
        name="gen",
        description="the open prompt, answered greedily.",
        label="greedy",
        request_type="generate_until",
        role="production",
        prompt=prompts.open_prompt,
        score=metrics.score_answer,
        metrics=_ANSWER_METRICS,
        fields=_ANSWER_FIELDS,
        outcome_metric="match",
        decoding=_GREEDY,
        is_core=True,
    ),
    View(
        name="beam",
        description="the five best beams. A backend that can return only its best beam returns it five times; `distinct` is then 1.",
        label="beams",
        request_type="generate_until",
        role="recovery",
        prompt=prompts.open_prompt,
        score=metrics.score_beams,
        metrics=(Metric("match_any"), Metric("match_top1"), Metric("distinct", "unused", aggregation=metrics.mean_distinct)),
        fields=(MATCH_VERSION,),
        outcome_metric="match_any",
        decoding=DecodingSettings(num_beams=5, length_penalty=1.0, early_stopping=False),
        repeats=5,
        filter_name="beams",
        single_beam_metric="match_top1",
        explanation="one of the best beams has the answer",
    ),
    View(
        name="sample",
        description="ten samples.",
        label="samples",
        request_type="generate_until",
        role="recovery",
        prompt=prompts.open_prompt,
        score=metrics.score_answers_any,
        metrics=(Metric("match_any"), Metric("match_mean", "unused")),
        fields=(MATCH_VERSION,),
        outcome_metric="match_any",
        decoding=DecodingSettings(do_sample=True, temperature=0.7, top_p=1.0, top_k=TOP_K_OFF),
        repeats=10,
        filter_name="samples",
        is_core=True,
        explanation="one of the samples has the answer",
    ),
    View(
        name="oneshot",
        description=(
            "as `gen`, after the item's fixed example. The example is part of the prompt and not drawn by lm_eval's few-shot"
            " sampler: --num_fewshot cannot change it, and it is never one of the evaluated items. Under a chat template it is a turn of"
            " the user and one of the assistant."
        ),
        label="one-shot",
        request_type="generate_until",
        role="recovery",
        prompt=prompts.oneshot_prompt,
        turns=prompts.oneshot_turns,
        score=metrics.score_answer,
        metrics=_ANSWER_METRICS,
        fields=_ANSWER_FIELDS,
        outcome_metric="match",
        decoding=_GREEDY,
        is_core=True,
        explanation="the greedy answer after one in-context example",
    ),
    View(
        name="candidates",
        description="the four options are shown before the answer, which is generated greedily: a recovery strategy.",
        label="options shown",
        request_type="generate_until",
        role="recovery",
        prompt=prompts.candidates_prompt,
        score=metrics.score_answer,
        metrics=_ANSWER_METRICS,
        fields=_ANSWER_FIELDS,
        outcome_metric="match",
        decoding=_GREEDY,
        shows_answer=True,
        explanation="the greedy answer with the options in the prompt",
    ),
    View(
        name="candidates_without_gold",
        description="as `candidates`, with the three distractors only. The control: the effect of showing options at all.",
        label="options without gold shown",
        request_type="generate_until",
        role="control",
        prompt=prompts.candidates_without_gold_prompt,
        score=metrics.score_answer,
        metrics=_ANSWER_METRICS,
        fields=_ANSWER_FIELDS,
        outcome_metric="match",
        decoding=_GREEDY,
        explanation="the control of candidates: only the three distractors in the prompt",
        heading="without gold",
        narrow_heading="w/o gold",
    ),
    View(
        name="question_blind",
        description=(
            "the options scored as in `mc`, after the word for answer alone. It measures how far the options give away the answer."
            " `in_passage`, for open-book items: the expected accuracy of guessing among the options that occur in the passage."
        ),
        label="question-blind",
        request_type="multiple_choice",
        role="baseline",
        prompt=prompts.blind_prompt,
        score=metrics.score_blind,
        metrics=(
            Metric("acc"),
            Metric("acc_norm"),
            Metric("invalid", higher_is_better=False),
            Metric("in_passage", "optional"),
        ),
        outcome_metric="acc",
        baseline_of="mc",
    ),
)


def view_named(name: str) -> View | None:
    """Return the view of that name, None for an unknown name."""
    return next((view for view in VIEWS if view.name == name), None)


def view_of_task(task: str) -> View | None:
    """Return the view of a task by the task's name (`mqa_illusion_fi_gen`: `gen`), None for a task of another project."""
    named = [view for view in VIEWS if task.endswith(f"_{view.name}")]
    return max(named, key=lambda view: len(view.name), default=None)


def generation_kwargs(view: str) -> dict[str, Any]:
    """Return the decoding settings of a view that generates text.

    Raises:
        KeyError: There is no such view, or it generates nothing.
    """
    found = view_named(view)
    if found is None or found.decoding is None:
        raise KeyError(view)
    return found.decoding.generation_kwargs()
