"""Numbers as text: per cent, points, counts, p-values, with or without intervals. An undefined value is an en dash; zero has no minus."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lm_eval_illusion.analysis.records import AnyRate

UNDEFINED = "–"
MINUS = "−"


def percent(value: float | None, digits: int = 1) -> str:
    """Format a share in per cent: 0.2784 -> '27.8'."""
    return UNDEFINED if value is None else decimal(100 * value, digits)


def points(value: float | None, digits: int = 1) -> str:
    """Format the change of a share with its sign: -0.172 -> '−17.2', 0.03 -> '+3.0', -0.0001 -> '0.0'."""
    if value is None:
        return UNDEFINED
    text = decimal(100 * value, digits)
    return text if text.startswith(MINUS) or not float(text) else f"+{text}"


def decimal(value: float | None, digits: int = 1) -> str:
    """Format a number with a fixed number of decimals, a true minus sign and never '−0.0'."""
    if value is None:
        return UNDEFINED
    rounded = round(value, digits) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{rounded:,.{digits}f}".replace("-", MINUS)


def count(value: float | None) -> str:
    """Format a count or a rank: 3571 -> '3,571', 1.5 -> '1.5', 2.0 -> '2'. A median of ranks may end in .25 or .75."""
    if value is None:
        return UNDEFINED
    return decimal(value, 2).rstrip("0").rstrip(".")


def count_in_words(value: int) -> str:
    """Format a small count for a sentence: 3 -> 'three'; from 10 on in digits."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[value] if value < len(words) else count(value)


def signed(value: float | None) -> str:
    """Format a signed count: 2 -> '+2', 0 -> '0'."""
    return f"+{count(value)}" if value and value > 0 else count(value)


def p_value(value: float | None) -> str:
    """Format a p-value with three decimals; below 0.001 as '< 0.001'."""
    if value is None:
        return UNDEFINED
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def share_with_interval(rate: AnyRate | None) -> str:
    """Format a share with its interval in per cent: Rate(0.278, (0.25, 0.31)) -> '27.8 [25.0, 31.0]'."""
    return _with_interval(rate, percent)


def change_with_interval(rate: AnyRate | None) -> str:
    """Format a change with its interval in points: Rate(-0.172, (-0.2, -0.1)) -> '−17.2 [−20.0, −10.0]'."""
    return _with_interval(rate, points)


def decimal_with_interval(rate: AnyRate | None) -> str:
    """Format a number with its interval and two decimals: Rate(1.4, (1.2, 1.6)) -> '1.40 [1.20, 1.60]'."""
    return _with_interval(rate, lambda value: decimal(value, 2))


def nats_with_interval(rate: AnyRate | None) -> str:
    """Format a divergence with its interval and three decimals: Rate(0.0214, (0.018, 0.025)) -> '0.021 [0.018, 0.025]'."""
    return _with_interval(rate, lambda value: decimal(value, 3))


def span(values: Sequence[int]) -> str:
    """Format the range of some counts: [200, 200] -> '200'; [198, 200] -> '198 to 200'; no values -> a dash."""
    if not values:
        return UNDEFINED
    low, high = min(values), max(values)
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def _with_interval(rate: AnyRate | None, number: Callable[[float | None], str]) -> str:
    if rate is None or rate.value is None:
        return UNDEFINED
    if rate.ci is None:
        return number(rate.value)
    low, high = rate.ci
    return f"{number(rate.value)} [{number(low)}, {number(high)}]"
