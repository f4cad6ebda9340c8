"""Tables of calibration language by evaluation language, for variants that differ in their calibration language only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lm_eval_illusion.analysis.records import CalibrationEntry, CalibrationTable, Row, VariantEntry
from lm_eval_illusion.results.outcomes import POOLED
from lm_eval_illusion.results.variants import EMBEDDED_TEXT, Variant

MAY_DIFFER = frozenset({"variant", "sparsity_measured", "bits_measured", "calibration_language", "calibration_source"})
"""The columns of `Variant` that may differ within a table: the calibration language, its text, and what follows from them."""
PRUNING_SETTINGS = tuple(name for name in Variant.column_names() if name not in MAY_DIFFER)
"""The columns of `Variant` that are equal within a table; each is a field of `CalibrationTable`."""


def by_calibration_language(rows: Sequence[Row], variants: Sequence[VariantEntry]) -> list[CalibrationTable]:
    """Return a table for each family and pruning setting that has variants with at least two calibration languages.

    An entry holds `production_change` and `induced_rate` against the dense model for one calibration and one evaluation language. A row
    without a comparison with a dense model has no entry.
    """
    tables = []
    for group in _by_settings(variants):
        languages = {entry.variant: entry.calibration_language or "" for entry in group}
        compared = [row for row in rows if row.base_model == group[0].base_model and row.variant in languages and row.vs_dense]
        for family in dict.fromkeys(row.family for row in compared):
            entries = _entries([row for row in compared if row.family == family], languages)
            calibrated = ordered({entry.calibration_language for entry in entries})
            if len(calibrated) > 1:
                evaluated = ordered({entry.language for entry in entries})
                tables.append(_table(group, family, calibrated, evaluated, entries))
    return tables


def setting_name(table: CalibrationTable) -> str:
    """Return the pruner with sparsity or mask, OWL's numbers, a seed other than 0 and the source of a calibration text of the user.

    Examples: 'wanda-2:4', 'owl-0.6, lambda 0.1, m 5, seed 1', 'wanda-0.6, text hub:org/set'.
    """
    if table.sparsity_requested is not None:
        amount = f"-{table.sparsity_requested:g}"
    else:
        amount = f"-{table.mask_structure}" if table.mask_structure not in (None, "", "0:0") else ""
    owl = "" if table.owl_lambda is None else f", lambda {table.owl_lambda:g}, m {table.owl_m:g}"
    seed = f", seed {table.pruning_seed}" if table.pruning_seed else ""
    text = f", text {table.calibration_source}" if table.calibration_source not in (None, EMBEDDED_TEXT) else ""
    return f"{table.pruner}{amount}{owl}{seed}{text}"


def ordered(languages: Iterable[str]) -> list[str]:
    """Return language codes in alphabetical order, "all" last."""
    return sorted(languages, key=lambda code: (code == POOLED, code))


def _by_settings(variants: Sequence[VariantEntry]) -> list[list[VariantEntry]]:
    """Group the calibrated variants that differ in their calibration language only.

    The source of the calibration text may differ, because a file or a hub dataset usually has one language. If a language has several
    sources, each source is a group of its own: a table has one variant for each language.
    """
    groups: dict[tuple[object, ...], list[VariantEntry]] = defaultdict(list)
    for entry in variants:
        if entry.calibration_language is not None:
            groups[tuple(_settings(entry).values())].append(entry)
    return [part for group in groups.values() for part in _by_source(group)]


def _by_source(group: list[VariantEntry]) -> list[list[VariantEntry]]:
    if len({entry.calibration_language for entry in group}) == len(group):
        return [group]
    sources = dict.fromkeys(entry.calibration_source for entry in group)
    return [[entry for entry in group if entry.calibration_source == source] for source in sources]


def _settings(entry: VariantEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in PRUNING_SETTINGS}


def _table(
    group: Sequence[VariantEntry], family: str, calibrated: list[str], evaluated: list[str], entries: list[CalibrationEntry]
) -> CalibrationTable:
    return CalibrationTable(
        **_settings(group[0]),
        calibration_source=group[0].calibration_source if len({entry.calibration_source for entry in group}) == 1 else None,
        family=family,
        calibration_languages=calibrated,
        languages=evaluated,
        cells=entries,
    )


def _entries(rows: Sequence[Row], calibration_languages: Mapping[str, str]) -> list[CalibrationEntry]:
    return [
        CalibrationEntry(
            calibration_language=calibration_languages[row.variant],
            language=row.language,
            variant=row.variant,
            n=row.vs_dense.n,
            known=row.vs_dense.known,
            production_change=row.vs_dense.production_change,
            induced_rate=row.vs_dense.induced_rate,
            validity=row.validity,
        )
        for row in rows
        if row.vs_dense
    ]
