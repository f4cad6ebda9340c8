"""The work of a sweep: which views a task stands for, the tokens of an item by hand, and the tokens of a real run."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.sweep.workload import (
    TOKENS_ALONE,
    TOKENS_WITH_PASSAGE,
    evaluated_views,
    gpu_seconds,
    loads_from_hub,
    prompt_tokens,
    pruning_tokens,
    tokens_of,
    tokens_per_item,
)

# The embedded family has 18 languages, XQuAD twelve, TyDi QA nine.
LANGUAGES = {"mqa_illusion": 18, "mqa_illusion_xquad": 12, "mqa_illusion_tydiqa": 9, "mqa_illusion_xquad_closed": 12}


@pytest.mark.parametrize("family", LANGUAGES)
def test_a_family_is_all_its_languages_and_views(family):
    views, others = evaluated_views([family])
    assert others == []
    assert {view.family for view in views} == {family}
    assert len({view.lang for view in views}) == LANGUAGES[family]
    assert {"mc", "mc_letters", "gen", "beam", "sample", "oneshot", "candidates"} <= {view.view for view in views}
    # Every language has every view.
    assert len(views) == LANGUAGES[family] * len({view.view for view in views})


@pytest.mark.parametrize(
    ("task", "lang", "view"),
    [
        ("mqa_illusion_xquad_en", {"en"}, None),
        ("mqa_illusion_xquad_closed_zh", {"zh"}, None),
        ("mqa_illusion_en_candidates_without_gold", {"en"}, {"candidates_without_gold"}),
        ("mqa_illusion_tydiqa_gen", set("ar bn en fi id ko ru sw te".split()), {"gen"}),
        ("mqa_illusion_tydiqa_core", set("ar bn en fi id ko ru sw te".split()), {"mc", "gen", "oneshot", "sample"}),
    ],
)
def test_groups_and_tasks_are_found_by_name(task, lang, view):
    views, others = evaluated_views([task])
    assert (others, {entry.lang for entry in views}) == ([], lang)
    assert view is None or {entry.view for entry in views} == view


def test_other_tasks_are_named():
    views, others = evaluated_views(["hellaswag", "mqa_illusion_en_gen", "mqa_illusion_xx", "mqa_illusion_en_gen"])
    assert (len(views), others) == (1, ["hellaswag", "mqa_illusion_xx"])


def test_the_tokens_of_an_item_by_hand():
    # One prompt, four options of 6 tokens.
    assert tokens_per_item(["mc"], 100) == 100 + 4 * 6
    # One prompt, then 64 tokens for one greedy answer, five beams, ten samples, which share the prompt.
    assert tokens_per_item(["gen"], 100) == 100 + 64
    assert tokens_per_item(["gen", "beam", "sample"], 100) == 100 + 16 * 64
    # Scoring and generating are two requests, so the same prompt is read twice.
    assert tokens_per_item(["mc", "gen"], 100) == 200 + 4 * 6 + 64
    # Letters: a prompt of its own, one token an option. The example doubles the prompt.
    assert tokens_per_item(["mc_letters"], 100) == 100 + 4
    assert tokens_per_item(["oneshot"], 100) == 200 + 64
    # The twin asks both at once.
    assert tokens_per_item(["twin"], 100) == tokens_per_item(["mc", "gen"], 100) == tokens_per_item(["twin", "mc", "gen"], 100)


def test_items_are_counted_up_to_the_limit():
    embedded, _ = evaluated_views(["mqa_illusion_en_gen"])
    assert tokens_of(embedded, None) == tokens_of(embedded, 1000) == 200 * (TOKENS_ALONE + 64)
    assert tokens_of(embedded, 7) == 7 * (TOKENS_ALONE + 64)
    passages, _ = evaluated_views(["mqa_illusion_xquad_en_gen", "mqa_illusion_xquad_fi_gen", "mqa_illusion_xquad_de_gen"])
    # XQuAD has no Finnish.
    assert tokens_of(passages, 10) == 2 * 10 * (TOKENS_WITH_PASSAGE + 64)


def test_which_families_have_passages_and_come_from_the_hub():
    families = ("mqa_illusion", "mqa_illusion_xquad", "mqa_illusion_xquad_closed")
    assert [prompt_tokens(family) for family in families] == [TOKENS_ALONE, TOKENS_WITH_PASSAGE, TOKENS_ALONE]
    assert [loads_from_hub(family) for family in families] == [False, True, True]


@pytest.mark.parametrize(("pruner", "passes"), [("none", 0), ("magnitude", 0), ("wanda", 2), ("sparsegpt", 3)])
def test_pruning_reads_the_calibration_text_once_or_more_before_and_after(pruner, passes):
    settings = read_settings(pruner, calibration="embedded", calibration_samples=10, calibration_length=20)
    assert pruning_tokens(settings) == passes * 200


def test_seconds_by_hand():
    # 1e9 parameters, 1e6 tokens: 2e15 FLOPs; a tenth of an H100 is 98.9e12 a second.
    assert gpu_seconds(1_000_000, 1_000_000_000) == pytest.approx(2e15 / 98.9e12)


def test_a_real_run_has_about_so_many_tokens(tmp_path, monkeypatch):
    import torch

    from lm_eval_illusion.evaluation import evaluate
    from tests.tiny_models import save_tiny

    tasks, limit, counted = ["mqa_illusion_en_gen", "mqa_illusion_en_beam", "mqa_illusion_en_sample"], 20, 0
    plain = torch.nn.Embedding.forward

    def counting(self, ids):
        nonlocal counted
        counted += ids.numel()
        return plain(self, ids)

    model = save_tiny("llama", tmp_path / "model")
    monkeypatch.setattr(torch.nn.Embedding, "forward", counting)
    evaluate({"pretrained": str(model), "pruner": "none"}, tasks, tmp_path / "out", limit=limit, batch_size=8, metadata={})
    # A random model ends few of its answers, and its prompts have about 60 tokens.
    assert 0.7 < counted / tokens_of(evaluated_views(tasks)[0], limit) < 1.1
