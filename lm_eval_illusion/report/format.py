"""Numbers as text for people: per cent, points, counts and p values. What is undefined is an en dash; no zero has a minus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNDEFINED = "–"
MINUS = "−"


def percent(value: float | None, digits: int = 1) -> str:
    """0.2784 -> '27.8'."""
    return UNDEFINED if value is None else decimal(100 * value, digits)


def points(value: float | None, digits: int = 1) -> str:
    """A change of a share with its sign: -0.172 -> '−17.2', 0.03 -> '+3.0', -0.0001 -> '0.0'."""
    if value is None:
        return UNDEFINED
    text = decimal(100 * value, digits)
    return text if text.startswith(MINUS) or not float(text) else f"+{text}"


def decimal(value: float | None, digits: int = 1) -> str:
    """A number with a fixed count of digits behind the point, a true minus sign and never '−0.0'."""
    if value is None:
        return UNDEFINED
    rounded = round(value, digits) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{rounded:,.{digits}f}".replace("-", MINUS)


def count(value: float | None) -> str:
    """3571 -> '3,571'; a median may end in .5."""
    if value is None:
        return UNDEFINED
    return decimal(value, 1).removesuffix(".0")


def signed(value: float | None) -> str:
    """A count that may go either way: 2 -> '+2', 0 -> '0'."""
    return f"+{count(value)}" if value and value > 0 else count(value)


def p_value(value: float | None) -> str:
    """Three digits behind the point; below 0.001 only that it is below."""
    if value is None:
        return UNDEFINED
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def share_with_interval(rate: Mapping[str, Any] | None) -> str:
    """{"value": 0.278, "ci": [0.25, 0.31]} -> '27.8 [25.0, 31.0]'."""
    return _with_interval(rate, percent)


def change_with_interval(rate: Mapping[str, Any] | None) -> str:
    """The same with signs, for a difference of two shares."""
    return _with_interval(rate, points)


def decimal_with_interval(rate: Mapping[str, Any] | None) -> str:
    """The same for what is no share: two digits behind the point."""
    return _with_interval(rate, lambda value: decimal(value, 2))


def span(values: Sequence[int]) -> str:
    """[200, 200] -> '200'; [198, 200] -> '198 to 200'; of nothing a dash."""
    if not values:
        return UNDEFINED
    low, high = min(values), max(values)
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def _with_interval(rate: Mapping[str, Any] | None, shown: Any) -> str:
    if rate is None or rate.get("value") is None:
        return UNDEFINED
    if rate.get("ci") is None:
        return str(shown(rate["value"]))
    low, high = rate["ci"]
    return f"{shown(rate['value'])} [{shown(low)}, {shown(high)}]"
