"""Spellings of one folder are one base model within a report."""

from __future__ import annotations

from dataclasses import replace

from lm_eval_illusion.results.base_content import BaseContent
from lm_eval_illusion.results.model_names import named_alike
from lm_eval_illusion.results.variants import Variant

DENSE = Variant(
    base_model="mixed",
    variant="dense",
    pruner="none",
    sparsity_requested=None,
    sparsity_measured=None,
    mask_structure="0:0",
    identity="",
    beams_are_top1=False,
)


def spelled(name):
    return replace(DENSE, base_model=name, base_content=BaseContent(other_model=f"{name}/m.Q4_1.gguf"))


def test_spellings_of_one_folder_are_one_model_and_so_are_their_files():
    found = named_alike([DENSE, spelled("mixed/"), spelled("./mixed"), spelled(".//mixed/.")])
    assert {it.base_model for it in found} == {"mixed"}
    assert {it.base_content.other_model for it in found} == {None, "mixed/m.Q4_1.gguf"}


def test_a_model_that_all_runs_spell_alike_keeps_its_name():
    variants = [spelled("/models/tiny/"), spelled("/models/tiny/"), spelled("org/tiny"), spelled("tiny")]
    assert named_alike(variants) == variants
