"""Which version of the matching rules judged the answers of a report. Verdicts of two versions are not compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.results.outcomes import Outcome
from lm_eval_illusion.results.sample_file import read_rows
from lm_eval_illusion.views.logged_fields import RULES_VERSION

TODAYS_VERSION = RULES_VERSION
"""The version of the rules of this package."""
FIRST_VERSION = 1
"""The version of the rules before rows stated one."""
_REMEDY = "judge all by the rules of today: lm-eval-illusion rescore RUNS"


@dataclass
class OneVersion:
    """The version that all added files and outcomes have. `first`: where it was found first, with the version."""

    first: tuple[int, str] | None = field(default=None)

    def add(self, version: int, place: str) -> None:
        """Add a file or a run that was judged by a version. `place`: its name for the message.

        Raises:
            UserError: Another one was judged by another version.
        """
        first, other = self.first or (version, place)
        if first != version:
            update = "update lm-eval-illusion, then " if max(first, version) > TODAYS_VERSION else ""
            raise UserError(
                f"{cut(other, 300)} was judged by version {first} of the matching rules, {cut(place, 300)} by version {version}:"
                f" {update}{_REMEDY}"
            )
        self.first = first, other


def versions_of_file(samples_file: Path) -> set[int]:
    """Return the versions of the rules that judged the rows of a samples file with answers; the first version if it is empty.

    Raises:
        UserError: A row can't be read.
    """
    return {row.match_version or FIRST_VERSION for row in read_rows(samples_file, ())} or {FIRST_VERSION}


def rules_version_of(outcomes: Iterable[Outcome]) -> int | None:
    """Return the version of the rules that judged the answers; None if lm_eval judged them all, as in paired tasks.

    Raises:
        UserError: There are two versions.
    """
    versions = OneVersion()
    for outcome in outcomes:
        if outcome.match_version is not None:
            versions.add(outcome.match_version, outcome.run)
    return versions.first[0] if versions.first else None
