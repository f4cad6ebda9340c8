"""All views of the real vLLM against pruned-hf in float32: a tiny random model; SmolLM2, dense and pruned in the other environment."""

from __future__ import annotations

import pytest

from lm_eval_illusion.models.hf import PrunedHFLM
from tests.real_vllm.engines import VIEW_NAMES, answers, instance, is_scored, requests_of_views, save_tiny_for_vllm, vllm_model

WANDA = {"pruner": "wanda", "sparsity": 0.5, "calibration": "embedded", "calibration_samples": 8, "calibration_length": 64}


def assert_equal_views(views, found, expected):
    """Scores within 1e-4, equal gold ranks, greedy texts and beams; samples are checked elsewhere."""
    for view in views:
        if is_scored(view):
            assert [score for score, _ in found[view]] == pytest.approx([score for score, _ in expected[view]], abs=1e-4), view
            assert [greedy for _, greedy in found[view]] == [greedy for _, greedy in expected[view]], view
            golds = [
                (one, other) for one, other in zip(found[view], expected[view], strict=True) if one.first_token_rank is not None
            ]
            assert [one.first_token_rank for one, _ in golds] == [other.first_token_rank for _, other in golds], view
            assert bool(golds) == (view == "mc")
        elif view != "sample":
            assert found[view] == expected[view], view
            assert [text.reached_limit for text in found[view]] == [text.reached_limit for text in expected[view]], view


def prompts_of(samples):
    """Cut a list into the parts of each prompt."""
    return [samples[start : start + 10] for start in range(0, len(samples), 10)]


def run_both(folder, requests, vllm_arguments, **settings):
    """The responses of both engines to the requests of each view, and those of vLLM to the views in another order."""
    hf = PrunedHFLM(str(folder), device="cpu", dtype="float32", batch_size=4, **settings)
    expected = {view: answers(hf, of_view) for view, of_view in requests.items()}
    del hf
    with vllm_model(folder, **vllm_arguments, **settings) as model:
        found = {view: answers(model, of_view) for view, of_view in requests.items()}
        # Now the cache has all prompts and options, and the samples of the prompts come in another order.
        again = {view: answers(model, requests[view]) for view in ("mc", "question_blind")}
        backwards = prompts_of(requests["sample"])[::-1]
        samples = answers(model, [each for of_prompt in backwards for each in of_prompt])
        info = model.get_model_info()["illusion"]
    assert_equal_views(again, again, expected)
    by_prompt = prompts_of(found["sample"])
    assert [text for texts in by_prompt[::-1] for text in texts] == samples
    return found, expected, by_prompt, info


def test_every_view_of_a_tiny_model(tmp_path):
    tiny = save_tiny_for_vllm(tmp_path / "tiny")
    requests = requests_of_views("en", VIEW_NAMES, 6)
    # A task of another project that states no temperature is greedy; vLLM's own default is to sample at 1.
    requests["other"] = instance("1 2 3 4", {"until": ["\n"], "max_gen_toks": 8})
    found, expected, samples, info = run_both(tiny, requests, {"max_model_len": 512}, pruner="none")
    assert_equal_views(VIEW_NAMES, found, expected)
    assert found["other"] == expected["other"]
    assert all(len(set(of_prompt)) > 5 for of_prompt in samples)
    assert info["dtype"] == "float32"
    assert info["engine"].startswith("vllm 0.")


@pytest.mark.real_model
@pytest.mark.parametrize("pruning", [{"pruner": "none"}, WANDA], ids=["dense", "wanda"])
def test_every_view_of_smollm2(smollm2, shared_store, prune_elsewhere, pruning):
    settings = {**pruning, "store": str(shared_store)}
    if pruning is WANDA:
        folder = prune_elsewhere(smollm2, dtype="float32", **pruning)
    requests = requests_of_views("en", VIEW_NAMES, 4)
    before = sorted(shared_store.iterdir())
    found, expected, samples, info = run_both(smollm2, requests, {"max_model_len": 2048}, **settings)
    assert_equal_views(VIEW_NAMES, found, expected)
    assert any(len(set(of_prompt)) > 1 for of_prompt in samples)
    # Neither engine pruned here: both used the checkpoint of the other environment.
    assert sorted(shared_store.iterdir()) == before
    if pruning is WANDA:
        assert info["key"] is not None
        assert folder.name in [path.name for path in before]
        assert info["sparsity_measured"] == pytest.approx(0.5, abs=0.005)
