"""Small tokenizers of the two kinds that chat models have, and the prompts of their templates, so that tests need no download."""

from __future__ import annotations

from typing import Any

from tests.tiny_models import TEXTS

VOCABULARY = 700
"""More than either tokenizer has."""
SPECIAL = (
    *("<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    *("<start_of_turn>", "<end_of_turn>", "[INST]", "[/INST]", "<|user|>", "<|end|>", "<|assistant|>", "<think>", "</think>"),
)
TEMPLATES = {
    "ChatML": "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    "Llama 3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "Gemma": "<start_of_turn>user\n{}<end_of_turn>\n<start_of_turn>model\n",
    "Mistral": "[INST] {} [/INST]",
    "Mistral, space": "[INST] {} [/INST] ",
    "Phi": "<|user|>\n{}<|end|>\n<|assistant|>\n",
    "Qwen": "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
    "none": "{}",
}
_WORDS = (
    "Paris is the capital of France. ",
    "Parsi Paris France\n\n",
    "東京 日本 巴黎 法国",
    "ปารีส ฝรั่งเศส ",
    "Германия Берлин ",
)


def byte_level_tokenizer() -> Any:
    """Return a byte-level BPE as of Llama 3, Qwen and SmolLM2: white space before a word is mostly part of its token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([*TEXTS, *_WORDS] * 3, trainer)
    return _with_special_tokens(tokenizer)


def metaspace_tokenizer() -> Any:
    """Return a BPE with `▁` for spaces and bytes for unknown characters, as the SentencePiece models of Gemma, Mistral and Phi-3 are.

    `▁` is no part of a merge before "F", so that it is sometimes a token of its own.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, limit_alphabet=120, show_progress=False)
    tokenizer.train_from_iterator([text.replace(" F", " f") for text in (*TEXTS, *_WORDS)] * 3, trainer)
    return _with_special_tokens(tokenizer)


def _with_special_tokens(tokenizer: Any) -> Any:
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    # Phi-3 drops white space after its special tokens.
    tokens = [AddedToken(token, special=True, rstrip=token == "<|assistant|>") for token in SPECIAL]
    wrapped.add_special_tokens({"additional_special_tokens": tokens})
    return wrapped


def save_chat_model(folder: Any, tokenizer: Any) -> Any:
    """Write a seeded random Llama with the tokenizer; return the folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=512,
        initializer_range=0.2,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
