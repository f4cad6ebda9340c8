"""What a score function logs of an item: the metrics, and fields that only stand in the row of the samples file.

`match_rule` is the rule of `matching.explain` that found the answer, or why a mention of it does not count. `match_version` is the version
of the rules that judged the row.
"""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping

from lm_eval_illusion.matching import RULES_VERSION

__all__ = ["MATCH_RULE", "MATCH_VERSION", "RULES_VERSION", "Logged", "LoggedRow"]

MATCH_RULE, MATCH_VERSION = "match_rule", "match_version"

Logged = float | int | str
"""A value in a row."""


class LoggedRow(dict[str, Logged]):
    """The values of one row, of which only the metrics are counted.

    lm_eval copies the dictionary as a whole into the row of the samples file, and calculates a mean and a line in its tables of what
    `items` returns. A text has no mean, and that of a version says nothing. So the task YAMLs do not name these fields, and rows of a task
    folder that was made before they existed have them, too.
    """

    def __init__(self, metrics: Mapping[str, Logged], fields: Mapping[str, Logged]) -> None:
        super().__init__({**metrics, **fields})
        self._metrics: dict[str, Logged] = dict(metrics)

    def items(self) -> ItemsView[str, Logged]:  # type: ignore[override]
        """Return the metrics."""
        return self._metrics.items()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """Return the names of the metrics, which lm_eval lists in the row."""
        return self._metrics.keys()
