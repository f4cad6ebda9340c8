"""Names of GGUF files with the same quantisation within one report."""

from __future__ import annotations

from lm_eval_illusion.results.base_content import BaseContent
from lm_eval_illusion.results.file_names import named_apart
from lm_eval_illusion.results.variants import Variant


def variant(name, file, weights, model="two"):
    return Variant(
        base_model=model,
        variant=name,
        pruner="gguf",
        sparsity_requested=None,
        sparsity_measured=None,
        mask_structure="0:0",
        identity=f"{name} {weights}",
        base_content=BaseContent(weights, other_model=file and f"{model}/{file}"),
        beams_are_top1=False,
    )


def names(*variants):
    return [it.variant for it in named_apart(variants)]


def test_files_of_one_quantisation_are_named_by_the_file_pruned_ones_too():
    assert names(
        variant("Q4_1", "plain.Q4_1.gguf", "a"),
        variant("Q4_1+wanda-0.5,samples=4", "plain.Q4_1.gguf", "a"),
        variant("Q4_1", "im a.Q4_1.GGUF", "b"),
        variant("Q8_0", "plain.Q8_0.gguf", "c"),
        variant("dense", None, "d"),
    ) == ["plain.Q4_1", "plain.Q4_1+wanda-0.5,samples=4", "im-a.Q4_1", "Q8_0", "dense"]


def test_files_of_one_name_in_two_folders_are_named_by_the_path():
    assert names(variant("Q4_1", "a/x.gguf", "a"), variant("Q4_1", "b/x.gguf", "b")) == ["a-x", "b-x"]


def test_two_copies_of_one_file_are_named_by_the_file():
    assert names(variant("Q4_1", "x.gguf", "a"), variant("Q4_1", "y.gguf", "a")) == ["x", "y"]


def test_another_model_and_a_renamed_and_a_changed_file_keep_the_name():
    first = variant("Q4_1", "x.gguf", "a")
    others = [
        variant("Q4_1", "y.gguf", "b", model="other"),
        variant("Q4_1+wanda-0.5", "y.gguf", "a"),
        variant("Q4_1", "x.gguf", "b"),
    ]
    assert [names(first, other)[1] for other in others] == ["Q4_1", "Q4_1+wanda-0.5", "Q4_1"]
    assert {names(first, other)[0] for other in others} == {"Q4_1"}
