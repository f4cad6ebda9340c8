"""What the views of an item ask and log: the functions that the task YAMLs name.

Each scoring function takes the item and its filtered responses and returns the metrics of one sample row.

Whether one score leads: what recognition rests on, of our views and of other people's tasks alike.
"""

from __future__ import annotations

import logging
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval_illusion.matching import exact_match, f1, matches, stands_in_passage
from lm_eval_illusion.reasoning import without_thoughts
from lm_eval_illusion.views.prompts import (
    blind_prompt,
    candidates_prompt,
    candidates_without_gold_prompt,
    letters_prompt,
    oneshot_prompt,
    open_prompt,
)


def is_strictly_highest(scores: Sequence[float], place: int) -> bool:
    """Whether the score at `place` is above all others. A NaN anywhere leaves no highest score."""
    # A comparison with NaN is false, which alone would let others lead.
    if any(math.isnan(score) for score in scores):
        return False
    return all(scores[place] > score for other, score in enumerate(scores) if other != place)


def has_one_highest(scores: Sequence[float]) -> bool:
    """Whether any score is strictly the highest: not where there is a tie for the top, or a NaN."""
    return any(is_strictly_highest(scores, place) for place in range(len(scores)))


__all__ = [
    "GENERATION_SETTINGS",
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

logger = logging.getLogger(__name__)

_GREEDY = {
    "until": ["\n"],
    "max_gen_toks": 64,
    "do_sample": False,
    "temperature": 0.0,
    "repetition_penalty": 1.0,
}

# The decoding settings that make a view what it is. The YAMLs repeat them (a test compares); nothing may override them.
GENERATION_SETTINGS: dict[str, dict[str, Any]] = {
    "gen": _GREEDY,
    "oneshot": _GREEDY,
    "candidates": _GREEDY,
    "candidates_without_gold": _GREEDY,
    "beam": {**_GREEDY, "num_beams": 5, "length_penalty": 1.0, "early_stopping": False},
    "sample": {**_GREEDY, "do_sample": True, "temperature": 0.7, "top_p": 1.0, "top_k": 0},
}


def score_choices(item: Mapping[str, Any], results: Sequence[Sequence[Any]]) -> dict[str, float]:
    """`mc`: is the gold choice's score strictly the highest of the four?

    `acc` by log-likelihood, `acc_norm` by log-likelihood divided by the choice's characters (lm_eval's rule). `invalid`: a tie for the
    top or a NaN among the log-likelihoods, so that a collapsed model does not "recognise" whatever stands first. `gold_rank`:
    rank of the gold answer's first token after the prompt, where the backend gives it.
    """
    metrics = _recognition(item, results)
    rank = getattr(results[item["gold"]], "first_token_rank", None)
    if rank is not None:
        metrics["gold_rank"] = rank
    return metrics


def score_letters(item: Mapping[str, Any], results: Sequence[Sequence[Any]]) -> dict[str, float]:
    """`mc_letters`: is the gold choice's letter scored strictly highest? All letters are one character, so there is no `acc_norm`."""
    metrics = _recognition(item, results)
    return {name: metrics[name] for name in ("acc", "invalid")}


def score_blind(item: Mapping[str, Any], results: Sequence[Sequence[Any]]) -> dict[str, float]:
    """`question_blind`: as `mc`. `in_passage`, of open-book items: the expected accuracy of who picks an option in the passage."""
    metrics = _recognition(item, results)
    if item["context"]:
        metrics["in_passage"] = guess_in_passage(item)
    return metrics


def guess_in_passage(item: Mapping[str, Any]) -> float:
    """The chance to be right by picking at random among the options that stand in the passage, or among all where none does."""
    choices = enumerate(item["choices"])
    there = [place for place, choice in choices if stands_in_passage(choice, item["context"], item["lang"])]
    guessed = there or range(len(item["choices"]))
    return (item["gold"] in guessed) / len(guessed)


def score_answer(item: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`gen`, `oneshot` and the two views of candidates: does the greedy answer say the answer?"""
    output, answers, lang = without_thoughts(results[0]), _answers(item), item["lang"]
    return {
        "match": float(matches(output, answers, lang)),
        "exact_match": float(exact_match(output, answers, lang)),
        "f1": f1(output, answers, lang),
    }


def score_beams(item: Mapping[str, Any], results: Sequence[Sequence[str]]) -> dict[str, float]:
    """`beam`: does any of the k best beams, and does the best one, say the answer? `distinct`: how many outputs differ."""
    beams = results[0]
    hits = _hits(item, beams)
    return {"match_any": float(any(hits)), "match_top1": float(hits[0]), "distinct": float(len(set(beams)))}


def score_answers_any(item: Mapping[str, Any], results: Sequence[Sequence[str]]) -> dict[str, float]:
    """`sample`: does any of the k samples say the answer, and what share of them does?"""
    hits = _hits(item, results[0])
    return {"match_any": float(any(hits)), "match_mean": sum(hits) / len(hits)}


def median_rank(ranks: Sequence[float]) -> float:
    """The median gold rank of a task. A function of ours, because lm_eval bootstraps its own `median` 100,000 times."""
    return statistics.median(ranks)


def mean_distinct(counts: Sequence[float]) -> float:
    """The mean number of distinct beams; one line is logged where a backend gave its best beam k times."""
    if len(counts) > 1 and set(counts) == {1.0}:
        logger.warning("this backend returned its best beam only: beam recovery is top-1, use --model pruned-hf for all beams")
    return statistics.fmean(counts)


def _recognition(item: Mapping[str, Any], results: Sequence[Sequence[Any]]) -> dict[str, float]:
    scores = [float(result[0]) for result in results]
    per_character = [score / len(choice) for score, choice in zip(scores, item["choices"], strict=True)]
    gold: int = item["gold"]
    return {
        "acc": float(is_strictly_highest(scores, gold)),
        "acc_norm": float(is_strictly_highest(per_character, gold)),
        "invalid": float(not has_one_highest(scores)),
    }


def _hits(item: Mapping[str, Any], outputs: Sequence[str]) -> list[bool]:
    return [matches(without_thoughts(output), _answers(item), item["lang"]) for output in outputs]


def _answers(item: Mapping[str, Any]) -> list[str]:
    return [item["answer"], *item["aliases"]]
