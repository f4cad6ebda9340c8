"""What GGUF files say: names of quantisations, bits by hand, special tokens of published models' metadata."""

from __future__ import annotations

import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from lm_eval_illusion.loading.gguf_facts import chat_template, mean_bits, quantisation_name, special_tokens, vocabulary
from lm_eval_illusion.loading.gguf_header import GgufHeader, TensorEntry


def entry(name, kind, shape=(256, 4)):
    block, size = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    elements = shape[0] * (shape[1] if len(shape) > 1 else 1)
    return TensorEntry(name, shape, kind, elements // block * size)


def header(*kinds, file_type=None):
    """A file whose blocks have one matrix of each type; embedding, head and norms have others."""
    blocks = [entry(f"blk.{number}.ffn_up.weight", kind) for number, kind in enumerate(kinds)]
    others = [entry("token_embd.weight", "Q8_0", (256, 1000)), entry("output.weight", "F16", (256, 1000))]
    norms = [entry("blk.0.attn_norm.weight", "F32", (256,)), entry("blk.0.attn_q.bias", "F32", (256,))]
    return GgufHeader({} if file_type is None else {"general.file_type": file_type}, (*blocks, *others, *norms))


# The numbers are those of llama.cpp's enum llama_ftype.
@pytest.mark.parametrize(
    ("file_type", "kinds", "name"),
    [
        (0, ["F32"], "F32"),
        (1, ["F16"], "F16"),
        (32, ["BF16"], "BF16"),
        (2, ["Q4_0"], "Q4_0"),
        (3, ["Q4_1"], "Q4_1"),
        (7, ["Q8_0"], "Q8_0"),
        (15, ["Q4_K", "Q4_K", "Q6_K"], "Q4_K_M"),
        (14, ["Q4_K", "Q5_K"], "Q4_K_S"),
        (18, ["Q6_K"], "Q6_K"),
        (27, ["IQ3_S"], "IQ3_M"),
        (None, ["Q4_K", "Q4_K", "Q6_K"], "Q4_K"),  # not stated: the type of most weights
        (1024, ["Q5_0"], "Q5_0"),  # "guessed"
        (1, ["Q4_1"], "Q4_1"),  # what is stated contradicts the weights
        (15, ["Q4_1"], "Q4_1"),  # Q4_K_M, without any matrix of Q4_K
        (2, ["Q4_K"], "Q4_K"),
        (99, ["Q4_1"], "Q4_1"),
        ("7", ["Q4_1"], "Q4_1"),
    ],
)
def test_the_name_of_a_quantisation(file_type, kinds, name):
    assert quantisation_name(header(*kinds, file_type=file_type)) == name


def test_bits_are_those_of_whole_blocks_over_the_matrices_of_the_layers():
    # 32 weights of Q4_1: 16 bytes of numbers, and a scale and an offset of 2 bytes. 32 of Q8_0: 32 bytes and a scale.
    assert mean_bits(header("Q4_1")) == 20 * 8 / 32 == 5.0
    assert mean_bits(header("Q8_0")) == 34 * 8 / 32 == 8.5
    # 256 of Q4_K: 128 bytes of numbers, 12 of scales, 4 of scales of scales.
    assert mean_bits(header("Q4_K")) == 144 * 8 / 256 == 4.5
    assert mean_bits(header("Q4_1", "Q8_0")) == (5.0 + 8.5) / 2
    assert mean_bits(GgufHeader({}, (entry("token_embd.weight", "Q8_0"),))) is None


LLAMA_3 = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "llama-bpe",
    "tokenizer.ggml.tokens": ["a", "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"],
    "tokenizer.ggml.token_type": [1, 3, 3, 3],
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.chat_template": "{{ '<|begin_of_text|>' }}{{ message['content'] }}<|eot_id|>",
}


def test_the_end_of_a_turn_ends_an_answer_although_the_file_states_the_end_of_a_text():
    special = special_tokens(LLAMA_3)
    assert (special.bos, special.eos, special.ends, special.adds_bos) == (1, 2, (2, 3), True)
    # The template does not use it: then it ends nothing.
    assert special_tokens({**LLAMA_3, "tokenizer.chat_template": "{{ message }}"}).ends == (2,)
    # A file may state it.
    assert special_tokens({**LLAMA_3, "tokenizer.chat_template": "", "tokenizer.ggml.eot_token_id": 3}).ends == (2, 3)


def test_whether_a_text_gets_a_first_token_is_stated_or_that_of_the_kind_of_vocabulary():
    assert special_tokens({**LLAMA_3, "tokenizer.ggml.add_bos_token": False}).adds_bos is False
    assert special_tokens({"tokenizer.ggml.model": "llama"}).adds_bos is True
    assert special_tokens({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2"}).adds_bos is False
    assert special_tokens({**LLAMA_3, "tokenizer.ggml.add_eos_token": True}).adds_eos is True


@pytest.mark.parametrize("number", [4, -1, 1.0, "1", None, True])
def test_a_number_that_is_no_token_is_not_stated(number):
    assert special_tokens({**LLAMA_3, "tokenizer.ggml.bos_token_id": number}).bos is None


def test_vocabulary_and_template_of_wrong_types_are_missing():
    assert vocabulary({"tokenizer.ggml.tokens": [1, 2]}) == vocabulary({"tokenizer.ggml.tokens": "ab"}) == vocabulary({}) == []
    assert chat_template({"tokenizer.chat_template": ["x"]}) is chat_template({"tokenizer.chat_template": ""}) is None
    assert chat_template(LLAMA_3) == LLAMA_3["tokenizer.chat_template"]
