"""How far the next-token distribution of a compressed model is from the dense model's: KL divergence and top-1 agreement.

Of each distribution only the likeliest tokens are known (`NextTokens`), so the divergence is a lower bound. Let p be the dense and q the
compressed distribution, A and B the tokens that are kept of each. Each token of A or B is an outcome of its own, and all other tokens
together are the tail, one more outcome. Such a coarsening makes KL(p || q) no larger (the data-processing inequality; Cover & Thomas 2006,
Elements of Information Theory, 2.7 and 2.8). Known are p in A, q in B, and the mass that each leaves to the other tokens, P = 1 - p(A)
and Q = 1 - q(B). Unknown are q in A without B, p in B without A, and the tail; but a token that is not kept is at most as likely as
the least likely kept one: q <= c = min q(B) there, and p <= a = min p(A). For every v > 0, log x >= 1 - 1/x gives the tail's term

    p_t log(p_t / q_t)  >=  (1 + log v) p_t - v q_t,      p_t = P - p(B without A),   q_t = Q - q(A without B)

In the sum of all terms each unknown number then stands in a convex function of its own, whose smallest value within its limits is known:
at q = min(c, p / v) and at p = min(a, v q). So for every v the result is at most KL(p || q), whatever the unknown numbers are. v is chosen
so that it is as large as possible. With complete distributions it is KL(p || q) itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_eval_illusion.results.next_tokens import NextTokens
from lm_eval_illusion.results.outcomes import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

TAIL_ROUNDING = 1e-6
"""The kept log-probabilities have seven digits: a smaller tail can't be told from none. The compressed tail is taken so much larger."""
STEPS = 30
"""Bisections of log v within +-LARGEST. The error of the bound is quadratic in that of log v."""
LARGEST = 40.0
CHUNK = 512
"""Pairs of distributions that are compared at a time: 2 million comparisons of tokens."""


def divergences(dense: Sequence[NextTokens | None], pruned: Sequence[NextTokens | None]) -> Numbers:
    """Return a lower bound of KL(dense || pruned) in nats for each pair [n]; NaN where a distribution is unknown.

    The kept numbers are rounded: it is at most 1e-6 (1 + H) above the true divergence, where H is the cross-entropy of the two.
    """
    import numpy as np

    found = np.full(len(dense), np.nan)
    pairs = [(place, p, q) for place, (p, q) in enumerate(zip(dense, pruned, strict=True)) if p is not None and q is not None]
    for start in range(0, len(pairs), CHUNK):
        places, before, after = zip(*pairs[start : start + CHUNK], strict=True)
        found[list(places)] = _lower_bounds(_padded(before), _padded(after))
    return found


def divergence_from_dense(outcomes: Sequence[Outcome]) -> list[float | None]:
    """Return for each outcome the divergence from the dense model of its base model on the same item, as `divergences` has it.

    None for a dense outcome, for one without a dense counterpart, and where next tokens are unknown.
    """
    import numpy as np

    dense = {_item(outcome): outcome.next_tokens for outcome in outcomes if outcome.variant.is_dense}
    before = [None if outcome.variant.is_dense else dense.get(_item(outcome)) for outcome in outcomes]
    found = divergences(before, [outcome.next_tokens for outcome in outcomes])
    return [None if np.isnan(value) else float(value) for value in found]


def _item(outcome: Outcome) -> tuple[str, str, str, str]:
    return outcome.variant.base_model, outcome.family, outcome.language, outcome.id


def agreements(dense: Sequence[NextTokens | None], pruned: Sequence[NextTokens | None]) -> Numbers:
    """Return 1 for each pair [n] whose likeliest tokens are the same, else 0; NaN where a distribution is unknown."""
    import numpy as np

    return np.array([np.nan if p is None or q is None else p.ids[0] == q.ids[0] for p, q in zip(dense, pruned, strict=True)])


def _padded(distributions: Sequence[NextTokens]) -> tuple[NDArray[np.int64], Numbers]:
    """Return ids and probabilities [n, k]; the padding has the id -1 and the probability 0."""
    import numpy as np

    shape = len(distributions), max(len(tokens.ids) for tokens in distributions)
    ids, logprobs = np.full(shape, -1, dtype=np.int64), np.full(shape, -np.inf)
    for row, tokens in enumerate(distributions):
        ids[row, : len(tokens.ids)] = tokens.ids
        logprobs[row, : len(tokens.ids)] = tokens.logprobs
    return ids, np.exp(logprobs)


def _lower_bounds(dense: tuple[NDArray[np.int64], Numbers], pruned: tuple[NDArray[np.int64], Numbers]) -> Numbers:
    """Return the bounds [n] of pairs of padded distributions; the module's docstring has the names p, q, P, Q, a, c and v."""
    import numpy as np

    (ids, p), (other_ids, q) = dense, pruned
    same = (ids[:, :, None] == other_ids[:, None, :]) & (ids[:, :, None] >= 0)
    q_of_dense = np.einsum("nij,nj->ni", same, q)
    only_dense = np.where(same.any(axis=2), 0.0, p)
    only_pruned = np.where(same.any(axis=1), 0.0, q)
    dense_tail = np.maximum(1 - p.sum(axis=1), 0.0)
    pruned_tail = np.maximum(1 - q.sum(axis=1), 0.0) + TAIL_ROUNDING
    most_dense, most_pruned = _least(p), _least(q)

    def unknown(v: Numbers) -> tuple[Numbers, Numbers]:
        """Return q of the tokens that only dense keeps, and p of those that only pruned keeps."""
        return (
            np.minimum(most_pruned[:, None], only_dense / v[:, None]),
            np.minimum(most_dense[:, None], only_pruned * v[:, None]),
        )

    low, high = np.full(len(p), -LARGEST), np.full(len(p), LARGEST)
    for _ in range(STEPS):
        middle = (low + high) / 2
        v = np.exp(middle)
        q_unknown, p_unknown = unknown(v)
        # The derivative of the bound by log v.
        rises = dense_tail - p_unknown.sum(axis=1) > v * (pruned_tail - q_unknown.sum(axis=1))
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    v = np.exp((low + high) / 2)
    q_unknown, p_unknown = unknown(v)
    shared = _terms(np.where(q_of_dense > 0, p, 0.0), q_of_dense)
    tail = (1 + np.log(v)) * (dense_tail - p_unknown.sum(axis=1)) - v * (pruned_tail - q_unknown.sum(axis=1))
    bounds = shared + _terms(only_dense, q_unknown) + _terms(p_unknown, only_pruned) + tail
    # No divergence is negative; rounding may make the bound so.
    return np.asarray(np.maximum(bounds, 0.0))


def _least(probabilities: Numbers) -> Numbers:
    """Return the smallest kept probability of each row [n]."""
    import numpy as np

    return np.asarray(np.where(probabilities > 0, probabilities, np.inf).min(axis=1))


def _terms(p: Numbers, q: Numbers) -> Numbers:
    """Return the sums over each row of p log(p / q), where p is above 0."""
    import numpy as np

    ratio = np.divide(p, q, out=np.ones_like(p), where=(p > 0) & (q > 0))
    return np.asarray((p * np.log(ratio)).sum(axis=1))
