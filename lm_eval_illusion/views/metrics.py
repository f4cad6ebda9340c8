"""The metrics of the views: functions that score the responses of a model to one item.

Each `score_*` function takes an item and its filtered responses, as lm_eval's `process_results` does, and returns the metrics of one
row of a samples file: name -> number, 0.0 or 1.0 for a truth value. Views with answers also log by which rules they were judged.
"""

from __future__ import annotations

import logging
import math
import re
import statistics
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval_illusion.matching import RULES_VERSION, exact_match, explain, f1, matches, occurs_in_passage
from lm_eval_illusion.reasoning import without_thoughts
from lm_eval_illusion.views.logged_fields import MATCH_RULE, MATCH_VERSION, LoggedRow
from lm_eval_illusion.views.next_tokens import LoggedTokens, next_tokens_text
from lm_eval_illusion.views.prompts import LETTERS, answer_word

logger = logging.getLogger(__name__)

_LETTER = re.compile(r"(?P<letter>[A-D])(?:[\s.,:;()\-–—、。*_]+(?P<text>.*))?")
"""A letter, and after signs what may stand behind it. The answer is one line, in NFKC, where a letter of full width is one of ASCII."""
_AROUND = " \t*_`~\"'“”„‘’«»「」『』()[]{}<>$.。"
"""Marks around an answer: emphasis, quotes, brackets, a full stop."""


def is_strictly_highest(scores: Sequence[float], index: int) -> bool:
    """Return whether the score at `index` is above all others. A NaN anywhere means that there is no highest score."""
    # Every comparison with NaN is false, so NaN needs a check of its own.
    if any(math.isnan(score) for score in scores):
        return False
    return all(scores[index] > score for other, score in enumerate(scores) if other != index)


def has_one_highest(scores: Sequence[float]) -> bool:
    """Return whether one score is strictly the highest: false for a tie at the top, for a NaN and for no scores."""
    return any(is_strictly_highest(scores, index) for index in range(len(scores)))


def score_choices(item: Mapping[str, Any], results: Sequence[Sequence[Any]]) -> dict[str, float | str]:
    """Score the view `mc`: is the score of the gold choice strictly the highest of the four?

    `results`: for each choice its log-likelihood in nats and whether it is the greedy continuation.
    `acc` uses the log-likelihood, `acc_norm` the log-likelihood divided by the number of characters of the choice (lm_eval's rule).
    `invalid`: a tie at the top or a NaN among the log-likelihoods, so that a collapsed model does not "recognise" the first choice.

    Only where the backend provides them: `gold_rank`, the rank of the gold answer's first token (1: greedy choice; tied tokens share the
    mean of their ranks, so it may end in .5); `gold_first_logprob`, the log-probability of that token; `gold_logprob`, the
    log-likelihood of the gold answer from that token on, without white space before it; `top_logprobs`, the likeliest next tokens at the
    end of the prompt (`next_tokens_text`).
    """
    metrics: dict[str, float | str] = {**_recognition(item, results)}
    gold = results[item["gold"]]
    for name, attribute in _OF_GOLD.items():
        value = getattr(gold, attribute, None)
        if value is not None:
            metrics[name] = value
    top = getattr(gold, "top_tokens", None)
    if top is not None and top.ids:
        metrics["top_logprobs"] = LoggedTokens(next_tokens_text(top.ids, top.logprobs))
    return metrics


# Metric -> the attribute of the gold choice's result.
_OF_GOLD = {
    "gold_rank": "first_token_rank",
    "gold_first_logprob": "first_token_logprob",
    "gold_logprob": "answer_logprob",
}


def score_letters(item: Mapping[str, Any], results: Sequence[Sequence[Any]]) -> dict[str, float]:
    """Score the view `mc_letters`: `acc` and `invalid` as in `mc`. All letters have one character, so there is no `acc_norm`."""
    metrics = _recognition(item, results)
    return {name: metrics[name] for name in ("acc", "invalid")}


def score_generated_letter(item: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Score the view `mc_letters_generated`: is the answer the letter of the gold choice?

    An answer is a letter if it is nothing else, or the line of that option in the prompt: "B", "(B)", "**B**", "B. Oslo". The word for
    answer, with which the prompt ends, may be repeated: "Answer: B". Everything else is `invalid`, also two letters, a small letter, a
    letter of another alphabet or a sentence with one: "A" is a word of some languages, and a sentence may deny what it names.
    """
    index = _letter_index(without_thoughts(results[0]), item["choices"], answer_word(item))
    return {"recognised_by_letter": float(index == item["gold"]), "invalid": float(index is None)}


def _letter_index(answer: str, choices: Sequence[str], word: str) -> int | None:
    """Return the index of the letter that an answer is, None for any other answer. `word`: the word for answer."""
    line = _plain(answer)
    start = _plain(word)
    if line.casefold().startswith(start.casefold()):
        repeated = re.match(r"[\s*_]*[:：፦՝։]", line[len(start) :])
        line = line[len(start) + repeated.end() :].strip(_AROUND) if repeated else line
    found = _LETTER.fullmatch(line)
    if found is None:
        return None
    index = LETTERS.index(found["letter"])
    text = (found["text"] or "").strip(_AROUND)
    return index if not text or text == _plain(choices[index]) else None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip(_AROUND)


def score_blind(item: Mapping[str, Any], results: Sequence[Sequence[Any]]) -> dict[str, float]:
    """Score the view `question_blind`: as `mc`, and for open-book items `in_passage`, see `guess_in_passage`."""
    metrics = _recognition(item, results)
    if item["context"]:
        metrics["in_passage"] = guess_in_passage(item)
    return metrics


def guess_in_passage(item: Mapping[str, Any]) -> float:
    """Return the expected accuracy of a random guess among the options that occur in the passage, or among all if none does."""
    in_passage = [
        index for index, choice in enumerate(item["choices"]) if occurs_in_passage(choice, item["context"], item["lang"])
    ]
    guessed = in_passage or range(len(item["choices"]))
    return (item["gold"] in guessed) / len(guessed)


def score_answer(item: Mapping[str, Any], results: Sequence[str]) -> LoggedRow:
    """Score `gen`, `oneshot` and the two views with candidates: does the greedy answer match the gold answer or an alias?

    `truncated`: whether the answer was cut at the token limit, only where the backend tells. `match_rule` and `match_version` are fields of
    the row.
    """
    output, answers, lang = without_thoughts(results[0]), _answers(item), item["lang"]
    found = explain(output, answers, lang)
    metrics = {
        "match": float(found.matched),
        "exact_match": float(exact_match(output, answers, lang)),
        "f1": f1(output, answers, lang),
    }
    reached_limit = getattr(results[0], "reached_limit", None)
    if reached_limit is not None:
        metrics["truncated"] = float(reached_limit)
    return LoggedRow(metrics, {MATCH_RULE: found.rule, MATCH_VERSION: RULES_VERSION})


def score_beams(item: Mapping[str, Any], results: Sequence[Sequence[str]]) -> LoggedRow:
    """Score the view `beam`: does any of the k beams match, does the best one? `distinct`: the number of different outputs."""
    beams = results[0]
    hits = _hits(item, beams)
    metrics = {"match_any": float(any(hits)), "match_top1": float(hits[0]), "distinct": float(len(set(beams)))}
    return LoggedRow(metrics, {MATCH_VERSION: RULES_VERSION})


def score_answers_any(item: Mapping[str, Any], results: Sequence[Sequence[str]]) -> LoggedRow:
    """Score the view `sample`: does any of the k samples match, and which share of them does?"""
    hits = _hits(item, results[0])
    return LoggedRow({"match_any": float(any(hits)), "match_mean": sum(hits) / len(hits)}, {MATCH_VERSION: RULES_VERSION})


def median_rank(ranks: Sequence[float]) -> float:
    """Return the median gold rank of a task. lm_eval's own `median` is not used because it is bootstrapped 100,000 times."""
    return statistics.median(ranks)


def mean_distinct(counts: Sequence[float]) -> float:
    """Return the mean number of distinct beams, and log a warning if the backend returned its best beam k times for every item."""
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
