"""The recovery strategies as the report shows them: headings, explanations and rates, derived from the `View` records."""

from __future__ import annotations

from dataclasses import dataclass

from lm_eval_illusion.analysis.records import AnyRate, Row
from lm_eval_illusion.report.format import count_in_words
from lm_eval_illusion.results.outcomes import CONTROL_VIEW, RECOVERY_VIEWS

ANY = "any"
"""The name of the recovery by at least one of the strategies that do not show the answer."""


@dataclass(frozen=True)
class Strategy:
    """A recovery strategy, `any` of them, or the control.

    `name`: its key in `Row.recovery`. `heading`: its name in figures and on the page; `narrow_heading`: in the tables of terminal and
    Markdown. `explanation`: what recovers the answer, without capital letter and full stop. `remark`: a further sentence.
    """

    name: str
    heading: str
    narrow_heading: str
    explanation: str
    remark: str = ""

    @property
    def sentences(self) -> str:
        """The explanation as a sentence, and the remark."""
        sentence = f"{self.explanation[:1].upper()}{self.explanation[1:]}."
        return f"{sentence} {self.remark}" if self.remark else sentence

    def rate(self, row: Row) -> AnyRate | None:
        """Return the share of the recognition-only errors of a row that the strategy recovers; None if it did not run."""
        return row.candidates_without_gold if self.name == CONTROL_VIEW.name else row.recovery.get(self.name)


def _strategies() -> tuple[Strategy, ...]:
    strategies = {
        view.name: Strategy(
            name=view.name,
            heading=view.heading or view.name,
            narrow_heading=view.narrow_heading or view.heading or view.name,
            explanation=view.explanation or view.description.rstrip("."),
            remark=f"Not counted in {ANY}: the prompt contains the answer." if view.shows_answer else "",
        )
        for view in (*RECOVERY_VIEWS, CONTROL_VIEW)
    }
    counted = [strategies[view.name] for view in RECOVERY_VIEWS if not view.shows_answer]
    any_of_them = Strategy(ANY, ANY, ANY, f"any of these {count_in_words(len(counted))}")
    showing = [strategies[view.name] for view in RECOVERY_VIEWS if view.shows_answer]
    return (*counted, any_of_them, *showing, strategies[CONTROL_VIEW.name])


STRATEGIES = _strategies()
"""In the order of the page: the strategies that count for `any`, `any`, the strategies that show the answer, the control."""
COUNTED = STRATEGIES[: [strategy.name for strategy in STRATEGIES].index(ANY)]
"""The strategies that count for `any`."""
