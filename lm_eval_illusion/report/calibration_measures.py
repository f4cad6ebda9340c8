"""The measures of a calibration table. A measure is defined once for the columns of page and CSV, the matrices and the maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lm_eval_illusion.analysis.records import CalibrationEntry, CalibrationTable
from lm_eval_illusion.report.column_formats import CHANGE_BRIEF, SHARE_BRIEF
from lm_eval_illusion.report.columns import Column
from lm_eval_illusion.report.format import percent, points


@dataclass(frozen=True)
class CalibrationRow:
    """An entry of a calibration table, with the table, which holds the names that all its entries share."""

    table: CalibrationTable
    entry: CalibrationEntry

    @property
    def base_model(self) -> str:
        """The base model of the table."""
        return self.table.base_model

    @property
    def family(self) -> str:
        """The task family of the table."""
        return self.table.family

    @property
    def variant(self) -> str:
        """The variant of the entry."""
        return self.entry.variant


@dataclass(frozen=True)
class CalibrationMeasure:
    """A measure: the rate of a variant that was calibrated in one language and evaluated in another.

    `title`: of its matrices, with the unit. `map_heading`: of its maps. `map_text`: formats the value of a tile. `strength`: maps a value
    to the strength of the tile's colour. `role`: selects the colour.
    """

    column: Column[CalibrationRow]
    title: str
    map_heading: str
    map_text: Callable[[float | None], str]
    strength: Callable[[float], float]
    role: str


CALIBRATION_MEASURES = (
    CalibrationMeasure(
        Column(
            "production_change",
            "production",
            "change of the production accuracy against the dense model, in points",
            lambda row: row.entry.production_change,
            CHANGE_BRIEF,
        ),
        title="production against dense, points",
        map_heading="production against the dense model, points",
        map_text=lambda value: points(value, 0),
        # The colour shows what was lost: a gain is as faint as no change.
        strength=lambda change: max(0.0, -change),
        role="retained",
    ),
    CalibrationMeasure(
        Column(
            "induced_rate",
            "induced",
            "induced recognition-only errors: share of the known items no longer produced but still recognised, in per cent",
            lambda row: row.entry.induced_rate,
            SHARE_BRIEF,
        ),
        title="induced recognition-only errors, %",
        map_heading="induced recognition-only errors, % of known",
        map_text=lambda value: percent(value, 0),
        strength=lambda rate: rate,
        role="illusion",
    ),
)
