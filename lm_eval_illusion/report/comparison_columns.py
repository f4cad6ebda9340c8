"""Columns of comparisons: pruned variants with the dense model, two dense runs, calibration languages with evaluation languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any

from lm_eval_illusion.analysis.records import DenseComparison, InducedAtKl, NoiseRow, Rate, Row
from lm_eval_illusion.report.calibration_measures import CALIBRATION_MEASURES, CalibrationRow
from lm_eval_illusion.report.column_formats import (
    CHANGE,
    COUNT,
    DECIMAL,
    DECIMAL_RATE,
    EFFECT,
    FLIPS,
    LANGUAGE,
    NATS,
    P_VALUE,
    SHARE,
    SHARE_BRIEF,
    WORD,
)
from lm_eval_illusion.report.columns import BASE_MODEL, CSV, FAMILY, PAGE, TEXT, VALIDITY, VARIANT, Column, Output
from lm_eval_illusion.report.validity import mark_of


def _versus(read: Callable[[DenseComparison], Any]) -> Callable[[Row], Any]:
    """Return a function that reads from a row's comparison with the dense model; it returns None if the row has none."""
    return lambda row: None if row.vs_dense is None else read(row.vs_dense)


def _within_noise(name: str) -> Callable[[Row], str]:
    """Return a function for `Column.note`: it marks a change that does not exceed the noise floor."""

    def note(row: Row) -> str:
        verdict = row.vs_dense and row.vs_dense.clears_noise
        return "within noise" if verdict and getattr(verdict, name) is False else ""

    return note


def _cleared(comparison: DenseComparison) -> str:
    """Return the initials of the changes that exceed the noise floor: 'RPG' if recognition, production and gap all do."""
    names = ("recognition", "production", "gap") if comparison.clears_noise else ()
    return "".join(name[0].upper() for name in names if getattr(comparison.clears_noise, name))


def _change(name: str, explanation: str, read: Callable[[DenseComparison], Rate]) -> Column[Row]:
    return Column(
        f"{name}_change", f"{name} ±", explanation, _versus(read), CHANGE, Output.ALL, name, "change", _within_noise(name)
    )


def _tests(name: str) -> tuple[Column[Row], ...]:
    """Return the columns of one accuracy's McNemar test."""
    test = attrgetter(f"mcnemar_{name}")
    flips = "items right under the dense model only : under the compressed model only"
    holm = "the same, corrected over the languages by Holm's method"
    return (
        Column(f"{name}_flips", "flips", flips, _versus(test), FLIPS, PAGE, name),
        Column(f"{name}_p", "p", "p-value of McNemar's test", _versus(lambda vs: test(vs).p), P_VALUE, PAGE, name),
        Column(f"{name}_p_holm", "Holm p", holm, _versus(lambda vs: test(vs).p_holm), P_VALUE, PAGE, name),
    )


def _best_p(name: str, explanation: str) -> Column[Row]:
    """Return the column for narrow tables: the Holm-corrected p-value if there is one, else the uncorrected one."""

    def read(comparison: DenseComparison) -> float | None:
        test = getattr(comparison, f"mcnemar_{name}")
        p: float | None = test.p if test.p_holm is None else test.p_holm
        return p

    return Column(f"p_{name}", f"p {name}", explanation, _versus(read), P_VALUE, TEXT)


KNOWN = "known items, %"
MEDIAN_RANK = "median gold rank"
DROP = "log-probability drop"
NEXT_TOKEN = "next token"
THIRDS = ("smallest", "middle", "largest")
"""The thirds of the known items by their divergence, in the order of `DenseComparison.induced_by_kl`."""

DENSE_COLUMNS: tuple[Column[Row], ...] = (
    VALIDITY,
    Column("known", "known", "number of items that the dense model produces", _versus(lambda vs: vs.known), COUNT, group=KNOWN),
    Column(
        "retained",
        "retained",
        "share of the known items that are still produced",
        _versus(lambda vs: vs.retained_rate),
        SHARE_BRIEF,
        group=KNOWN,
    ),
    Column(
        "induced",
        "induced",
        "induced recognition-only errors: share of the known items no longer produced but still recognised, with its interval",
        _versus(lambda vs: vs.induced_rate),
        SHARE,
        group=KNOWN,
    ),
    Column(
        "lost",
        "lost",
        "share of the known items neither produced nor recognised",
        _versus(lambda vs: vs.lost_rate),
        SHARE_BRIEF,
        group=KNOWN,
    ),
    _change(
        "recognition",
        "change of the recognition accuracy, compressed minus dense, in points, with its interval",
        lambda vs: vs.recognition_change,
    ),
    _change("production", "change of the production accuracy, the same", lambda vs: vs.production_change),
    _change("gap", "change of the illusion gap, the same", lambda vs: vs.gap_change),
    _best_p(
        "recognition",
        "McNemar's test of the change of recognition (over languages for clustered pairs; by language, Holm-corrected)",
    ),
    _best_p("production", "the same for the change of production"),
    *_tests("recognition"),
    *_tests("production"),
    Column(
        "smallest_production",
        "smallest",
        "the smallest change of production, in points, that a test on these items finds with 80 % power",
        _versus(lambda vs: vs.smallest_effect.production),
        EFFECT,
        group="production",
        group_heading="detectable",
    ),
    Column(
        "smallest_recognition",
        "detectable",
        "the smallest change of recognition, in points, that a test on these items finds with 80 % power",
        _versus(lambda vs: vs.smallest_effect.recognition),
        EFFECT,
        PAGE,
        "recognition",
    ),
    Column(
        "noise",
        "noise",
        "changes that clear the noise floor: R recognition, P production, G gap; a dash if none does or --noise was not given",
        _versus(_cleared),
        WORD,
        TEXT,
    ),
    Column(
        "rank_dense", "dense", "of the known items", _versus(lambda vs: vs.gold_rank.dense.median), COUNT, PAGE, MEDIAN_RANK
    ),
    Column(
        "rank_pruned",
        "compressed",
        "of the known items",
        _versus(lambda vs: vs.gold_rank.pruned.median),
        COUNT,
        PAGE,
        MEDIAN_RANK,
    ),
    Column(
        "drop_mean",
        "mean",
        "of the answer, on known items, nats",
        _versus(lambda vs: vs.logprob_drop.mean),
        DECIMAL_RATE,
        PAGE,
        DROP,
    ),
    Column(
        "drop_median",
        "median",
        "of the answer, on known items, nats",
        _versus(lambda vs: vs.logprob_drop.median),
        DECIMAL,
        PAGE,
        DROP,
    ),
    Column(
        "kl",
        "KL",
        "mean KL divergence of the next token at the end of the open prompt, dense to compressed, in nats, at least (see docs/concepts.md)",
        _versus(lambda vs: vs.kl),
        NATS,
        group=NEXT_TOKEN,
    ),
    Column(
        "top1_agreement",
        "same top 1",
        "share of the items on which both models have the same likeliest next token",
        _versus(lambda vs: vs.top1_agreement),
        SHARE_BRIEF,
        group=NEXT_TOKEN,
    ),
)
"""A pruned variant against the dense model."""


def _kl_of(transition: str, name: str) -> Column[Row]:
    explanation = f"mean KL divergence over the {name} items, in nats"
    read = _versus(lambda vs: vs.kl_by_transition.get(transition))
    return Column(
        f"kl_{transition}", f"KL of {name}", explanation, read, NATS, group="mean KL of known items, nats", group_heading=name
    )


def _induced_in(third: int, name: str) -> Column[Row]:
    explanation = f"share of induced recognition-only errors in the third of the known items with the {name} KL divergence"

    def read(comparison: DenseComparison) -> InducedAtKl | None:
        return comparison.induced_by_kl[third] if comparison.induced_by_kl else None

    return Column(
        f"induced_{name}",
        f"induced, {name} KL",
        explanation,
        _versus(read),
        SHARE_BRIEF,
        group="induced by thirds of the KL, %",
        group_heading=name,
    )


DIVERGENCE_COLUMNS: tuple[Column[Row], ...] = (
    _kl_of("retained", "retained"),
    _kl_of("induced_recognition_only", "induced"),
    _kl_of("lost", "lost"),
    *(_induced_in(place, name) for place, name in enumerate(THIRDS)),
)
"""The divergence of the next token and what became of the known items."""


def _noise_flips(name: str) -> tuple[Column[NoiseRow], ...]:
    first, second = (f"items right only in the {run} run" for run in ("first", "second"))
    read = attrgetter(name)
    return (
        Column(
            f"{name}_flips",
            f"flips of {name}",
            f"share of the items whose {name} differs",
            lambda row: read(row).flips,
            SHARE,
            group=name,
            group_heading="flips",
        ),
        Column(f"{name}_first_only", "first only", first, lambda row: read(row).first_only, COUNT, PAGE, name),
        Column(f"{name}_second_only", "second only", second, lambda row: read(row).second_only, COUNT, PAGE, name),
    )


NOISE_COLUMNS: tuple[Column[NoiseRow], ...] = (
    Column("n", "items", "items in both runs", lambda row: row.n, COUNT),
    *_noise_flips("recognition"),
    *_noise_flips("production"),
    Column(
        "gap_flips",
        "flips of the gap",
        "share of the items whose recognition minus production differs",
        lambda row: row.gap.flips,
        SHARE,
        TEXT,
    ),
    Column("gap_change", "change", "of the illusion gap, points", lambda row: row.gap_change, CHANGE, PAGE, "gap"),
)


def _setting(name: str) -> Column[CalibrationRow]:
    """Return the CSV column of a pruning setting that all entries of a table share. On terminal and page the table's name contains it."""
    return Column(name, name, "pruning setting", attrgetter(f"table.{name}"), WORD, CSV)


CALIBRATION_COLUMNS: tuple[Column[CalibrationRow], ...] = (
    replace(BASE_MODEL, outputs=CSV),
    replace(FAMILY, outputs=CSV),
    *map(_setting, ("pruner", "sparsity_requested", "mask_structure", "owl_lambda", "owl_m", "pruning_seed")),
    *map(_setting, ("calibration_samples", "calibration_length")),
    Column(
        "calibration_source",
        "calibration text",
        "source of the calibration text, if all languages of the table have the same",
        lambda row: row.table.calibration_source,
        WORD,
        CSV,
    ),
    Column(
        "calibration_language",
        "calibrated",
        "language of the calibration text",
        lambda row: row.entry.calibration_language,
        LANGUAGE,
    ),
    Column("language", "evaluated", "language of question and answer", lambda row: row.entry.language, LANGUAGE),
    replace(VARIANT, outputs=CSV),
    Column("n", "n", "items of both variant and dense model", lambda row: row.entry.n, COUNT),
    Column("known", "known", "number of items that the dense model produces", lambda row: row.entry.known, COUNT),
    *(measure.column for measure in CALIBRATION_MEASURES),
    replace(VALIDITY, read=lambda row: mark_of(row.entry)),
)
"""Calibration language against evaluation language; terminal and Markdown show the measures as matrices."""
