"""An answer ends at the end tokens of the generation config and of the tokenizer; models without an end token."""

from __future__ import annotations

import json

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import AutoTokenizer

from lm_eval_illusion.models.hf import PrunedHFLM
from tests.inference.special_models import WITHOUT_END, make_model
from tests.tiny_models import make_tiny_tokenizer, save_tiny

PROMPTS = ["Q:", "1 2 3", "Wh"]
# Greedy tokens of the tiny Llama after the first prompt before the one that becomes the tokenizer's end token.
BEFORE = 3
GREEDY = {"until": ["\n"], "max_gen_toks": 16, "do_sample": False, "temperature": 0.0}
BEAM = {**GREEDY, "num_beams": 4, "length_penalty": 1.0}
SAMPLE = {**GREEDY, "do_sample": True, "temperature": 0.7, "top_p": 1.0, "top_k": 0}
TURN = "{% for message in messages %}{{ message.content }}{% endfor %}"


def answers(model, settings, repeats, prompts=PROMPTS):
    requests = [
        request
        for request in [Instance("generate_until", {}, (prompt, settings), 0) for prompt in prompts]
        for _ in range(repeats)
    ]
    return model.generate_until(requests, disable_tqdm=True)


def load(folder, **arguments):
    return PrunedHFLM(str(folder), pruner="none", device="cpu", batch_size=4, **arguments)


def greedy_ids(model, prompt):
    """The greedy tokens after a prompt, by transformers' own generate."""
    ids = torch.tensor([model.tok_encode(prompt)])
    out = model.model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=16, pad_token_id=2
    )
    return out[0, ids.shape[1] :].tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model whose generation config ends at token 1, and whose tokenizer ends at a token that greedy answers come to."""
    folder = save_tiny("llama", tmp_path_factory.mktemp("endings"))
    model = load(folder)
    output = greedy_ids(model, PROMPTS[0])
    end = output[BEFORE]
    assert end not in output[:BEFORE]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)
    tokenizer.chat_template = TURN
    tokenizer.save_pretrained(folder)
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == 1
    return folder


def test_a_greedy_answer_is_the_one_of_stock_hflm(folder):
    stock = HFLM(str(folder), device="cpu", batch_size=1)
    expected = answers(stock, GREEDY, 1)
    model = load(folder)
    # The end token itself is no text.
    assert expected[0] == model.tok_decode(greedy_ids(load(folder), PROMPTS[0])[:BEFORE])
    assert answers(model, GREEDY, 1) == expected
    assert answers(load(folder, fast="off"), GREEDY, 1) == expected


def test_the_model_has_both_end_tokens(folder):
    model = load(folder)
    assert model.model.generation_config.eos_token_id == [1, model.tokenizer.eos_token_id]
    assert model.tokenizer.eos_token_id > 2


@pytest.mark.parametrize(("settings", "repeats"), [(BEAM, 4), (SAMPLE, 10)])
def test_beams_and_samples_end_at_either_token(folder, settings, repeats):
    fast, off = load(folder), load(folder, fast="off")
    found = answers(fast, settings, repeats)
    assert found == answers(off, settings, repeats)
    assert not any(fast.tokenizer.eos_token in answer for answer in found)


def test_beams_are_those_of_transformers_with_both_end_tokens(folder):
    model = load(folder)
    expected = []
    for prompt in PROMPTS:
        ids = torch.tensor([model.tok_encode(prompt)])
        out = model.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            num_beams=4,
            num_return_sequences=4,
            do_sample=False,
            max_new_tokens=16,
            stop_strings=["\n"],
            tokenizer=model.tokenizer,
            eos_token_id=[1, model.tokenizer.eos_token_id],
            pad_token_id=2,
        )
        expected += [model.tok_decode(row[ids.shape[1] :].tolist()).split("\n")[0] for row in out]
    assert answers(model, BEAM, 4) == expected


@pytest.mark.parametrize("fast", ["auto", "off"])
def test_a_chat_answer_does_not_run_on_into_the_next_turn(folder, fast):
    model = load(folder, fast=fast)
    prompt = model.apply_chat_template([{"role": "user", "content": PROMPTS[0]}])
    assert prompt in model.chat_prompts
    unlimited = {**GREEDY, "until": []}
    (answer,) = answers(model, unlimited, 1, [prompt])
    assert answer == model.tok_decode(greedy_ids(model, PROMPTS[0])[:BEFORE]).lstrip()
    (best, *_) = answers(model, {**BEAM, "until": []}, 4, [prompt])
    assert best == answers(load(folder, fast="off"), {**BEAM, "until": []}, 4, [prompt])[0]


def test_the_text_of_the_end_token_ends_an_answer_as_in_hflm(tmp_path):
    # A pruned model may spell the end token out of ordinary tokens: here "ance" of "an" and "ce".
    folder = save_tiny("llama", tmp_path)
    output = greedy_ids(load(folder), PROMPTS[0])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = tokenizer.decode(output)
    assert tokenizer.decode(output[BEFORE - 1 : BEFORE + 1]) == "ance"
    tokenizer.add_special_tokens({"eos_token": "ance"})
    assert tokenizer.eos_token_id == 340
    tokenizer.save_pretrained(folder)
    expected = answers(HFLM(str(folder), device="cpu", batch_size=1), GREEDY, 1, PROMPTS[:1])
    assert expected == [text.split("ance")[0]]
    for fast in ("auto", "off"):
        assert answers(load(folder, fast=fast), GREEDY, 1, PROMPTS[:1]) == expected


def save_without_end(model_type, folder, pad, **fields):
    """A model and a tokenizer without an end token; `pad`: the padding token."""
    make_model(model_type, **WITHOUT_END, **fields).save_pretrained(folder)
    tokenizer = make_tiny_tokenizer()
    tokenizer.eos_token = tokenizer.bos_token = None
    tokenizer.pad_token = pad
    tokenizer.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).eos_token_id is None
    return folder


MODELS = {
    "llama": {},
    "mpt": {"d_model": 64, "n_heads": 4, "n_layers": 2, "expansion_ratio": 2, "max_seq_len": 512},
    "ctrl": {"n_embd": 64, "dff": 96, "n_layer": 2, "n_head": 4, "n_positions": 512},
    "qwen3_next": {
        "layer_types": ["linear_attention", "full_attention"],
        "head_dim": 16,
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 32,
    },
}


# The padding tokens have the ids 2 and 0.
@pytest.mark.parametrize(("model_type", "pad"), [*((name, "<pad>") for name in MODELS), ("llama", "<s>"), ("mpt", "<s>")])
def test_a_model_without_end_token_decodes_in_all_ways(tmp_path, model_type, pad):
    folder = save_without_end(model_type, tmp_path, pad, **MODELS[model_type])
    fast, off = load(folder, max_length=200), load(folder, max_length=200, fast="off")
    assert off.model.generation_config.eos_token_id is None
    assert off.tokenizer.pad_token_id == (0 if pad == "<s>" else 2)
    # Frequent letters end outputs at different steps, so that beams are filled behind their ends.
    for settings, repeats in ((GREEDY, 1), (BEAM, 4), (SAMPLE, 5)):
        settings = {**settings, "until": [*"aeinort", "\n"]}
        found = answers(off, settings, repeats)
        assert found == answers(fast, settings, repeats)
        assert len(found) == len(PROMPTS) * repeats
