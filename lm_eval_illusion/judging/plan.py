"""Which answers the judge is asked about, what is known already, and what the rest costs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.judging.cache import CacheEntry, cached, request_key
from lm_eval_illusion.judging.endpoint import Endpoint
from lm_eval_illusion.judging.prompt import PROMPT_VERSION, judge_prompt, response_of
from lm_eval_illusion.matching import exact_match
from lm_eval_illusion.matching.text.cldr import is_known
from lm_eval_illusion.results.greedy_answers import GreedyAnswer

CHARACTERS_PER_TOKEN = 3
"""To estimate tokens: English has about 4 characters per token, most other scripts have fewer."""


@dataclass(frozen=True)
class Price:
    """The price of a million tokens, in and out, in any currency."""

    tokens_in: float
    tokens_out: float

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """Return the price of so many tokens."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


@dataclass(frozen=True)
class JudgingPlan:
    """The answers to judge, each with the key of its request (None for an empty answer, which is not asked about).

    `requests`: by key; equal answers to equal questions have one. `known`: the entries of the cache by key.
    """

    answers: list[tuple[GreedyAnswer, str | None]]
    requests: dict[str, dict[str, Any]]
    known: dict[str, CacheEntry]

    @property
    def to_ask(self) -> list[tuple[str, dict[str, Any]]]:
        """The requests that are not in the cache."""
        return [(key, request) for key, request in self.requests.items() if key not in self.known]


def plan_of(answers: Iterable[GreedyAnswer], endpoint: Endpoint, cache: Path) -> JudgingPlan:
    """Return the plan for these answers."""
    planned: list[tuple[GreedyAnswer, str | None]] = []
    requests: dict[str, dict[str, Any]] = {}
    for answer in answers:
        response = response_of(answer.output)
        if not response:
            planned.append((answer, None))
            continue
        request = endpoint.request(judge_prompt(answer.file.language, answer.question, answer.answers, response))
        key = request_key(PROMPT_VERSION, request)
        requests.setdefault(key, request)
        planned.append((answer, key))
    known = {key: entry for key in requests if (entry := cached(cache, key)) is not None}
    return JudgingPlan(planned, requests, known)


def sampled(answers: Sequence[GreedyAnswer], limit: int | None, seed: int) -> list[GreedyAnswer]:
    """Return at most `limit` answers of a samples file, in their order; all without a limit.

    The ids with the smallest hashes are taken: always the same, the same in each variant and language that has them, and those of a
    smaller limit are among those of a larger one.
    """
    if limit is None or len(answers) <= limit:
        return list(answers)
    hashes = {answer.id: hashlib.sha256(f"{seed} {answer.id}".encode("utf-8", "surrogatepass")).digest() for answer in answers}
    taken = set(sorted(hashes, key=hashes.__getitem__)[:limit])
    return [answer for answer in answers if answer.id in taken]


def overview(plan: JudgingPlan, endpoint: Endpoint, price: Price | None) -> str:
    """Return what is asked and what it costs, in one line."""
    answers, variants = len(plan.answers), len({answer.file.variant.key for answer, _ in plan.answers})
    asked = [answer for answer, key in plan.answers if key is not None]
    equal = sum(_is_exact(answer) for answer in asked)
    produced = sum(answer.produced for answer in asked)
    by_rule = f"of the others {produced:,} are right by the rules, {equal:,} equal to a reference answer"
    to_ask = plan.to_ask
    tokens_in = sum(estimated_tokens(request) for _, request in to_ask)
    most_out = endpoint.max_tokens * len(to_ask)
    parts = [
        f"{answers:,} answers of {variants:,} {'variant' if variants == 1 else 'variants'}",
        f"{answers - len(asked):,} of them empty, which is not asked about",
        by_rule,
        f"{len(plan.requests):,} different requests, {len(plan.known):,} cached, {len(to_ask):,} to send",
        f"about {tokens_in:,} tokens in (characters / {CHARACTERS_PER_TOKEN}), at most {most_out:,} out",
    ]
    if price is not None:
        parts.append(
            f"cost about {money(price.of(tokens_in, 0))} for the tokens in, at most {money(price.of(0, most_out))} for those out"
        )
    return "; ".join(parts)


def estimated_tokens(request: dict[str, Any]) -> int:
    """Return about how many tokens the messages of a request have."""
    return sum(-(-len(message["content"]) // CHARACTERS_PER_TOKEN) for message in request["messages"])


def money(amount: float) -> str:
    """Return an amount with two digits after the point, or with two digits that are not 0."""
    return f"{amount:.2f}" if amount >= 0.095 or amount == 0 else f"{amount:.2g}"


def _is_exact(answer: GreedyAnswer) -> bool:
    lang = answer.file.language
    return is_known(lang) and bool(exact_match(response_of(answer.output), list(answer.answers), lang))
