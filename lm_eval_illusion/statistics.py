"""Intervals for rates and for the difference of two rates of the same items."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: all intervals are 95 %."""


def wilson_interval(successes: int, n: int) -> tuple[float, float] | None:
    """Wilson's score interval of a proportion (Wilson 1927, JASA 22, 209; Newcombe 1998, Stat. Med. 17, 857, method 3).

    The p with |successes/n - p| <= z sqrt(p (1 - p) / n). None for n = 0: no interval of nothing.
    """
    if n == 0:
        return None
    share = successes / n
    spread = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n))
    centre = share + Z_95**2 / (2 * n)
    scale = 1 + Z_95**2 / n
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return low, high


def paired_difference_interval(both: int, first_only: int, second_only: int, neither: int) -> tuple[float, float] | None:
    """The interval of P(first) - P(second) over the same items (Newcombe 1998, Stat. Med. 17, 2635, method 10).

    Combines the two Wilson intervals, with the correlation phi of the two outcomes (continuity-corrected where positive).
    None without items. Items are taken as independent: parallel items in a row that pools languages are not, and its
    interval is too narrow there (the clustered bootstrap is issue C).
    """
    n = both + first_only + second_only + neither
    first = wilson_interval(both + first_only, n)
    second = wilson_interval(both + second_only, n)
    if first is None or second is None:
        return None
    share_first, share_second = (both + first_only) / n, (both + second_only) / n
    phi = _phi(both, first_only, second_only, neither)
    difference = share_first - share_second
    low = _distance(share_first - first[0], second[1] - share_second, phi)
    high = _distance(first[1] - share_first, share_second - second[0], phi)
    return difference - low, difference + high


def _distance(one: float, other: float, phi: float) -> float:
    # The square is never negative, for |phi| <= 1; rounding may make it -1e-18.
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _phi(both: int, first_only: int, second_only: int, neither: int) -> float:
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    if margins == 0:
        return 0.0
    association: float = both * neither - first_only * second_only
    if association > 0:
        association = max(0.0, association - (both + first_only + second_only + neither) / 2)
    return association / math.sqrt(margins)
