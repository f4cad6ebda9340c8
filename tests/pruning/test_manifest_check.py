"""A manifest is refused if a measurement is impossible, contradicts another, or is not what was asked for."""

from __future__ import annotations

import hashlib

import pytest
from msgspec.structs import replace

from lm_eval_illusion.pruning.base_identity import BaseIdentity
from lm_eval_illusion.pruning.manifest import BlockRecord, CalibrationRecord, ChangeRecord, Manifest
from lm_eval_illusion.pruning.manifest_check import Asked, fault_in, fault_of_request

INITIAL = Manifest(
    base_model="a",
    base_revision="0",
    base_identity=BaseIdentity("w", "t"),
    variant="wanda-0.6",
    pruner="wanda",
    sparsity_requested=0.6,
    mask_structure="0:0",
    owl_lambda=None,
    owl_m=None,
    pruning_seed=0,
    versions={"torch": "2"},
)
ASKED = Asked(INITIAL, sparsity=0.6, calibration=("sha", 8, 64), allows_code=False)
STORED = replace(
    INITIAL,
    sparsity_measured=0.54,
    sparsity_of_layer={"q": 0.6, "conv": 0.0},
    # A tenth of the weights is dense: 0.9 * 0.6 of all are zeros.
    left_dense={"conv": 0.1},
    bits_measured=32.0,
    bits_of_layer={"q": 32.0, "conv": 32.0},
    recipe="r",
    recipe_sha256=hashlib.sha256(b"r").hexdigest(),
    calibration=CalibrationRecord("embedded", "all", 8, 64, "sha"),
)


def fault(**changes):
    stored = replace(STORED, **changes)
    return fault_in(stored) or fault_of_request(stored, ASKED)


def test_the_manifest_of_an_honest_checkpoint_has_no_fault():
    assert fault() is None
    # Other names of the same content, and a text that gave fewer samples than were asked for.
    record = CalibrationRecord("b.txt", "en", 7, 64, "sha")
    assert fault(base_model="copy", variant="recipe", pruner="recipe", calibration=record) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"sparsity_measured": 1e308},
        {"sparsity_measured": -0.1},
        {"sparsity_measured": float("nan")},
        {"sparsity_of_layer": {"q": 1.5, "conv": 0.0}},
        {"left_dense": {"a": 0.7, "b": 0.7}},
        {"left_dense": {"a": float("inf")}},
        {"bits_measured": 0.0},
        {"bits_measured": 4.0},
        {"bits_of_layer": {"q": 1e300}},
        {"recipe": "another"},
        {"owl_of_block": {"layers.0": BlockRecord(0.1, 2.0)}},
        {"owl_of_block": {"layers.0": BlockRecord(0.1, 0.5)}},
        {"sparsity_measured": 0.61},  # above every layer
    ],
)
def test_impossible_measurements_are_found(changes):
    assert fault_in(replace(STORED, **changes)) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"base_revision": "1"},
        {"base_identity": BaseIdentity("other", "t")},
        {"base_identity": None},
        {"sparsity_requested": 0.5},
        {"sparsity_requested": None},
        {"mask_structure": "2:4"},
        {"owl_lambda": 0.08, "owl_of_block": {}},
        {"owl_m": 5.0},
        {"pruning_seed": 1},
        {"pruning_seed": None},
        {"changes": [ChangeRecord("peft", "x", None)]},
        {"recipe": None},
        {"bits_measured": None},
        {"sparsity_measured": None},
        {"sparsity_of_layer": {}},
        {"calibration": None},
        {"calibration": CalibrationRecord("embedded", "all", 9, 64, "sha")},
        {"calibration": CalibrationRecord("embedded", "all", 0, 64, "sha")},
        {"calibration": CalibrationRecord("embedded", "all", 8, 65, "sha")},
        {"calibration": CalibrationRecord("embedded", "all", 8, 64, "other")},
        # 0.9 * (0.6 - 0.005) = 0.5355 is the least; without dense weights 0.595.
        {"sparsity_measured": 0.535},
        {"sparsity_measured": 0.59, "left_dense": {}},
    ],
)
def test_what_was_not_asked_for_is_found(changes):
    assert fault(**changes) is not None


def test_the_versions_of_the_libraries_are_not_asked_for():
    assert fault(versions={"torch": "3"}) is None


@pytest.mark.parametrize(
    ("measured", "dense", "bits", "fits"),
    [
        # The dense tenth may be all zeros: 0.9 * 0.605 + 0.1 = 0.6445.
        (0.5356, 0.1, 32.0, True),
        (0.644, 0.1, 32.0, True),
        (0.645, 0.1, 32.0, False),
        (0.605, 0.0, 16.0, True),
        (0.606, 0.0, 16.0, False),
        # Rounding to 4 bits makes more zeros, never fewer.
        (0.9, 0.0, 4.0, True),
        (0.594, 0.0, 4.0, False),
    ],
)
def test_the_sparsity_must_be_what_pruning_itself_accepts(measured, dense, bits, fits):
    stored = replace(
        STORED,
        sparsity_measured=measured,
        sparsity_of_layer={"q": 1.0, "conv": 0.0},
        left_dense={"conv": dense} if dense else {},
        bits_measured=bits,
        bits_of_layer={"q": bits},
    )
    assert fault_in(stored) is None
    found = fault_of_request(stored, ASKED)
    assert found is None if fits else found == f"sparsity_measured {measured:.4f} is not the requested 0.6000"


def test_a_base_model_that_is_not_at_hand_and_a_method_without_calibration_are_not_compared():
    asked = ASKED._replace(manifest=replace(INITIAL, base_identity=None), calibration=None, sparsity=None)
    assert fault_of_request(replace(STORED, calibration=None, sparsity_measured=0.1), asked) is None
    assert fault_of_request(STORED, asked) == "the calibration is not that of the request"
