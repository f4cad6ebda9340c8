"""Scores, answers, samples and beams do not depend on fast=, --batch_size or the other prompts, whatever the model's own code does."""

from __future__ import annotations

import pytest
from lm_eval.api.instance import Instance

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models import hf
from lm_eval_illusion.models.hf import PrunedHFLM
from tests.inference.special_models import DYNAMIC, LONG_ROPE, make_gpt_neo, make_long_rope, make_model, make_rwkv
from tests.tiny_models import make_tiny_tokenizer

# In tokens of the tiny tokenizer: 2, 29, 46 and about 300.
PROMPTS = ["x", "Question: which country?\nAnswer:", "why? " * 11, "why? " * 75]
GREEDY = {"until": ["\n"], "max_gen_toks": 5, "do_sample": False}
SETTINGS = {
    "greedy": (GREEDY, 1),
    "beams": ({**GREEDY, "num_beams": 3, "length_penalty": 1.0}, 3),
    "samples": ({**GREEDY, "do_sample": True, "temperature": 0.7, "top_p": 1.0, "top_k": 0}, 3),
}


def load(folder, **arguments):
    return PrunedHFLM(str(folder), pruner="none", device="cpu", max_length=400, **arguments)


def results(model, kinds=tuple(SETTINGS), prompts=PROMPTS):
    """Scores with ranks, and the answers of each kind, by prompt."""
    choices = [" France", "x", " Germany"]
    scoring = [Instance("loglikelihood", {}, (prompt, choice), 0) for prompt in prompts for choice in choices]
    scores = model.loglikelihood(scoring, disable_tqdm=True)
    answers = {"scores": [(round(value, 3), greedy, score.first_token_rank) for score in scores for value, greedy in [score]]}
    for kind in kinds:
        settings, repeats = SETTINGS[kind]
        requests = [
            request
            for request in [Instance("generate_until", {}, (prompt, settings), 0) for prompt in prompts]
            for _ in range(repeats)
        ]
        answers[kind] = model.generate_until(requests, disable_tqdm=True)
    return answers


@pytest.mark.parametrize(
    ("make", "shared", "batched"),
    [
        (make_gpt_neo, 0, 400),
        (make_long_rope, 32, 0),
        (lambda: make_model("llama", **DYNAMIC), 64, 0),
        (lambda: make_model("doge", keep_window_size=16), 0, 0),
    ],
    ids=["gpt_neo", "phi3-longrope", "llama-dynamic", "doge"],
)
def test_one_prompt_alone_gives_the_results_of_any_batch(tmp_path, caplog, make, shared, batched):
    make().save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    alone = load(tmp_path, batch_size=1, fast="off")
    expected = results(alone)
    single = [results(alone, prompts=[prompt]) for prompt in PROMPTS]
    assert {kind: [value for part in single for value in part[kind]] for kind in expected} == expected
    assert not [record for record in caplog.records if record.name.startswith("lm_eval_illusion")]
    for fast in ("auto", "off"):
        caplog.clear()
        model = load(tmp_path, batch_size=8, fast=fast)
        assert results(model) == expected
        assert (model.max_shared_length, model.max_batched_length) == (shared if fast == "auto" else 0, batched)
        # One line in the log for the whole run.
        assert sum("depends on the other sequences" in record.message for record in caplog.records) == (batched == 0)


def test_a_recurrent_model_runs_alone_and_its_missing_beams_are_one_line(tmp_path, capsys):
    make_rwkv().save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    alone, batch = load(tmp_path, batch_size=1), load(tmp_path, batch_size=8)
    kinds = ("greedy", "samples")
    assert results(batch, kinds) == results(alone, kinds)
    with pytest.raises(UserError, match="RwkvForCausalLM can't be run"):
        results(batch, ("beams",))
    assert capsys.readouterr().err.count("lm-eval-illusion: error") == 1


@pytest.mark.parametrize(
    # The prompts have about 2, 15, 46 and 300 tokens, and answers of 5 follow.
    ("limit", "expected"),
    [(400, [4]), (100, [1, 3]), (40, [1, 1, 2]), (5, [1, 1, 1, 1]), (0, [1, 1, 1, 1])],
)
def test_prompts_and_answers_beyond_the_limit_run_alone(tmp_path, monkeypatch, limit, expected):
    make_model("llama").save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    model = load(tmp_path, batch_size=8, fast="off")
    model.max_batched_length = limit
    batches, decode = [], hf.decode_batch
    monkeypatch.setattr(hf, "decode_batch", lambda *arguments: batches.append(len(arguments[4])) or decode(*arguments))
    requests = [Instance("generate_until", {}, (prompt, GREEDY), 0) for prompt in PROMPTS]
    model.generate_until(requests, disable_tqdm=True)
    assert batches == expected


def test_an_automatic_batch_size_changes_nothing(tmp_path):
    make_long_rope().save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    kinds = ("greedy",)
    assert results(load(tmp_path, batch_size="auto"), kinds) == results(load(tmp_path, batch_size=1), kinds)


def test_a_model_whose_code_fails_is_one_line_when_it_is_loaded(tmp_path, capsys):
    model = make_model(
        "xlstm", embedding_dim=64, num_blocks=2, num_heads=4, chunk_size=16, num_hidden_layers=2
    )  # keys half as wide as values: its cache does not fit
    model.save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="xLSTMForCausalLM can't be run") as caught:
        PrunedHFLM.create_from_arg_obj({"pretrained": str(tmp_path), "pruner": "none"}, {"device": "cpu"})
    assert [line for line in capsys.readouterr().err.splitlines() if "rror" in line] == [
        f"lm-eval-illusion: error: {caught.value}"
    ]


def test_the_trained_length_of_longrope_is_the_one_of_the_test():
    assert LONG_ROPE["original_max_position_embeddings"] == 32
    lengths = [len(make_tiny_tokenizer().encode(prompt)) for prompt in PROMPTS]
    assert lengths[0] < 9 < lengths[1] < 32 < lengths[2] < 64 < 256 < lengths[3] < 390


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_results_say_which_dtype_the_ranks_come_from(tmp_path, dtype):
    make_model("llama").save_pretrained(tmp_path)
    make_tiny_tokenizer().save_pretrained(tmp_path)
    assert load(tmp_path, dtype=dtype).get_model_info()["illusion"]["dtype"] == dtype
    if dtype == "float32":
        mixed = load(tmp_path, dtype=dtype, mixed_precision_dtype="bfloat16")
        assert mixed.get_model_info()["illusion"]["dtype"] == "bfloat16"
