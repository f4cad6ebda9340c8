"""Which failures are tried again, and when. Pure functions: time and chance are arguments."""

from __future__ import annotations

import math
from datetime import timezone
from email.utils import parsedate_to_datetime

from lm_eval_illusion.option_values import number_in

LONGEST_WAIT = 60.0
"""Seconds between two tries, unless the endpoint asks for more."""
LONGEST_ASKED = 600.0
"""Seconds that an endpoint may ask to wait; if it asks for more, the answer is left unjudged."""


def is_tried_again(status: int) -> bool:
    """Return whether a request with this HTTP status may succeed later: the endpoint is overloaded, late or broken.

    Any other status, such as 401 or 404, says that each request is wrong.
    """
    return status in (408, 409, 425, 429) or status >= 500


def wait_before(attempt: int, chance: float) -> float:
    """Return the seconds before the next try. `attempt`: the number of failed tries, from 1. `chance`: uniform from 0 to 1.

    Doubles from one second up to `LONGEST_WAIT`, and half of it is random, so that requests that failed together do not come together.
    """
    return min(2.0 ** (min(attempt, 30) - 1), LONGEST_WAIT) * (0.5 + 0.5 * chance)


def asked_wait(retry_after: str | None, now: float) -> float:
    """Return the seconds that a `Retry-After` header asks for (RFC 9110: seconds, or a date); 0 without one that can be read.

    `now`: seconds since the epoch.
    """
    if retry_after is None:
        return 0.0
    seconds = number_in(retry_after.strip())
    if seconds is None:
        try:
            date = parsedate_to_datetime(retry_after)
            seconds = (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - now
        except (ValueError, TypeError, OverflowError, IndexError):
            return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0
