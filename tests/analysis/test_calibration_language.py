"""Calibration language against evaluation language, counted by hand."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import replace

import pytest

from lm_eval_illusion.analysis.calibration_language import MAY_DIFFER, PRUNING_SETTINGS, ordered, setting_name
from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.records import CalibrationTable
from lm_eval_illusion.report.csv_files import calibration_csv
from lm_eval_illusion.results.variants import Variant
from tests.outcome_examples import DENSE, WANDA, outcomes


def calibrated(language, **fields):
    name = "wanda-0.6" if language == "all" else f"wanda-0.6,cal={language}"
    settings = {"calibration_samples": 128, "calibration_length": 256, "pruning_seed": 0, **fields}
    return replace(WANDA, variant=name, identity=f"key {name}", calibration_language=language, **settings)


def evaluated(variant, **letters):
    """Return the outcomes of a variant: language -> a letter for each item."""
    return [item for language, word in letters.items() for item in outcomes(word, variant=variant, language=language)]


DENSE_OUTCOMES = evaluated(DENSE, en="bbbbp", fi="bbbnn")


def report_with(*others):
    return tabulate([*DENSE_OUTCOMES, *(item for part in others for item in part)])


def tables_of(*others):
    return report_with(*others).calibration_languages


def test_by_hand():
    (table,) = tables_of(
        evaluated(calibrated("fi"), en="brnrp", fi="bbrnn"),
        evaluated(calibrated("en"), en="bbbrp", fi="rrrnn"),
        evaluated(calibrated("all"), en="bbbbp", fi="bbnbn"),
    )
    assert (table.base_model, table.family, table.pruner) == ("tiny", "mqa_illusion", "wanda")
    assert table.calibration_languages == table.languages == ["en", "fi", "all"]
    found = {
        (entry.calibration_language, entry.language): (entry.known, entry.production_change, entry.induced_rate)
        for entry in table.cells
    }
    # dense produces b and p: in en 5 of 5, in fi 3 of 5, together 8 of 10. Induced: known, now r.
    expected = {
        ("fi", "en"): (5, 2 / 5 - 1, 2 / 5),
        ("fi", "fi"): (3, 2 / 5 - 3 / 5, 1 / 3),
        ("fi", "all"): (8, 4 / 10 - 8 / 10, 3 / 8),
        ("en", "en"): (5, 4 / 5 - 1, 1 / 5),
        ("en", "fi"): (3, 0 - 3 / 5, 3 / 3),
        ("en", "all"): (8, 4 / 10 - 8 / 10, 4 / 8),
        ("all", "en"): (5, 0, 0),
        # one of the known is lost, one that dense did not know is gained
        ("all", "fi"): (3, 0, 0),
        ("all", "all"): (8, 0, 0),
    }
    assert found.keys() == expected.keys()
    for key, (known, change, induced) in expected.items():
        assert found[key][0] == known
        assert found[key][1].value == pytest.approx(change)
        assert found[key][2].value == pytest.approx(induced)
        low, high = found[key][2].ci
        assert low <= induced + 1e-9
        assert high >= induced - 1e-9


def test_only_variants_that_differ_in_the_calibration_language_alone_are_compared():
    en = evaluated(calibrated("en"), en="bbbbp")
    assert tables_of(en) == []
    assert tables_of(en, evaluated(WANDA, en="bbbbp")) == []  # calibrated with something unknown
    others = {
        "pruning_seed": 1,
        "calibration_length": 512,
        "calibration_samples": 64,
        "sparsity_requested": 0.7,
        "pruner": "sparsegpt",
        "mask_structure": "2:4",
        "owl_lambda": 0.1,
        "owl_m": 7.0,
        "dtype": "bfloat16",
        "base_model": "other",
    }
    assert others.keys() == set(PRUNING_SETTINGS)
    for name, value in others.items():
        assert tables_of(en, evaluated(calibrated("fi", **{name: value}), en="bbbbp")) == []
    measured = {"sparsity_measured": 0.61, "bits_measured": 8.0}
    assert len(tables_of(en, evaluated(calibrated("fi", **measured), en="bbbbp"))) == 1
    assert len(tables_of(en, evaluated(calibrated("fi"), en="bbbbp"))) == 1


def test_every_field_of_a_variant_is_a_setting_or_may_differ():
    fields = {field.name: field.metadata.get("column", True) for field in dataclasses.fields(Variant)}
    assert {name for name, is_column in fields.items() if not is_column} == {
        "identity",
        "settings",
        "base_content",
        "server",
        "engine",
        "beams_are_top1",
    }
    assert {"variant", "sparsity_measured", "bits_measured", "calibration_language", "calibration_source"} == MAY_DIFFER
    assert {name for name, is_column in fields.items() if is_column} == MAY_DIFFER.union(PRUNING_SETTINGS)
    # A table names every setting that distinguishes it from the others.
    assert set(CalibrationTable.__struct_fields__) == {
        *PRUNING_SETTINGS,
        "calibration_source",
        "family",
        "calibration_languages",
        "languages",
        "cells",
    }


def test_without_a_dense_run_there_is_nothing_to_compare():
    both = [*evaluated(calibrated("en"), en="bb"), *evaluated(calibrated("fi"), en="bb")]
    assert tabulate(both).calibration_languages == []


def test_a_table_for_each_family_and_pruning_setting():
    other = {"mask_structure": "2:4", "sparsity_requested": None, "pruning_seed": 3}
    tables = tables_of(
        *(evaluated(calibrated(language), en="bbbbp") for language in ("en", "fi")),
        *(
            [replace(item, variant=replace(item.variant, variant=f"{item.variant.variant} b")) for item in part]
            for part in (evaluated(calibrated(language, **other), en="bbbbp") for language in ("en", "fi"))
        ),
    )
    assert sorted(map(setting_name, tables)) == ["wanda-0.6", "wanda-2:4, seed 3"]


def test_the_name_of_a_pruning_setting_has_owls_numbers():
    owl = {"pruner": "owl", "owl_lambda": 0.1, "owl_m": 5.0}
    (table,) = tables_of(*(evaluated(calibrated(language, **owl), en="bbbbp") for language in ("en", "fi")))
    assert setting_name(table) == "owl-0.6, lambda 0.1, m 5"


def from_source(source, language, word, **letters):
    variant = calibrated(language, calibration_source=source)
    return evaluated(replace(variant, variant=f"{variant.variant},text={word}", identity=source + language), **letters)


def test_each_language_may_have_its_own_file():
    (table,) = tables_of(from_source("en.txt", "en", "en", en="bbbbp"), from_source("fi.txt", "fi", "fi", en="bbbrp"))
    assert (table.calibration_languages, table.calibration_source, setting_name(table)) == (["en", "fi"], None, "wanda-0.6")


def test_two_sources_of_one_language_are_not_mixed():
    # A matrix has one place for each calibration and evaluation language: with both sources in one table, one would hide the other.
    tables = tables_of(
        *(from_source("embedded", language, "", en="bbbbp") for language in ("en", "fi")),
        *(from_source("hub:wiki", language, "wiki", en="bnnnn") for language in ("en", "fi")),
    )
    assert [setting_name(table) for table in tables] == ["wanda-0.6", "wanda-0.6, text hub:wiki"]
    for table, change in zip(tables, (0, -0.8), strict=True):
        keys = [(entry.calibration_language, entry.language) for entry in table.cells]
        assert sorted(keys) == sorted(set(keys)) == [("en", "all"), ("en", "en"), ("fi", "all"), ("fi", "en")]
        assert all(entry.production_change.value == pytest.approx(change) for entry in table.cells)


def test_the_csv_file_has_a_line_for_each_entry():
    report = report_with(evaluated(calibrated("fi"), fi="nnnnn"), evaluated(calibrated("en"), en="rrrrr"))
    lines = list(csv.DictReader(io.StringIO(calibration_csv(report))))
    found = {(line["calibration_language"], line["language"]): line for line in lines}
    # Calibrated and evaluated in fi: of three known items none is retained, all are lost and none is induced.
    assert float(found["fi", "fi"]["production_change"]) == pytest.approx(-0.6)
    assert float(found["fi", "fi"]["induced_rate"]) == 0
    assert found["en", "en"]["variant"] == "wanda-0.6,cal=en"
    assert (found["en", "en"]["known"], found["en", "en"]["induced_rate"]) == ("5", "1.0")
    assert ("en", "fi") not in found


def test_all_languages_come_last():
    assert ordered({"zh", "all", "ar"}) == ["ar", "zh", "all"]
