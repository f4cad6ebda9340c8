"""Random models of real architectures and a small tokenizer, so that the tests need no download."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

ARCHITECTURES = ("llama", "qwen3", "mistral", "phi3", "gemma", "gpt_neox", "gpt2")

# Multiples of 10, so that 60 % of a row is a whole number of weights; multiples of 8, so that 2:4 and 4:8 masks fit.
HIDDEN, INNER = 80, 160
TEXTS = (
    "Question: In which country is the city of Paris?\nAnswer: France\n\n",
    "Вопрос: В какой стране находится город Берлин?\nОтвет: Германия\n\n",
    "问题：东京这座城市位于哪个国家？\n答案：日本\n\n",
    "السؤال: في أي بلد تقع مدينة القاهرة؟\nالجواب: مصر\n\n",
)


def make_tiny_tokenizer() -> Any:
    """Return a byte-level BPE tokenizer of 340 tokens that adds <s> before a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<pad>"]
    trainer = trainers.BpeTrainer(
        vocab_size=340, special_tokens=special, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")


def make_tiny_model(arch: str, tie: bool | None = None) -> Any:
    """Return a seeded random model of two layers; `tie`: whether input and output embeddings share their weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    common: dict[str, Any] = {
        "vocab_size": 340,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 1024,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 2,
        "initializer_range": 0.2,
    }
    if arch == "gpt2":
        common = {
            key: common[key] for key in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id", "initializer_range")
        } | {"n_embd": HIDDEN, "n_inner": INNER, "n_layer": 2, "n_head": 4, "n_positions": 1024}
    elif arch != "gpt_neox":
        common |= {"num_key_value_heads": 2}
    if arch in ("qwen3", "gemma"):
        common |= {"head_dim": 20}
    if tie is not None:
        common |= {"tie_word_embeddings": tie}
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(arch, **common), dtype=torch.float32).eval()


def save_tiny(arch: str, folder: Path, tie: bool | None = None) -> Path:
    """Write a tiny model and the tokenizer as a Hugging Face folder; return the folder. Takes about 15 ms."""
    make_tiny_model(arch, tie).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    return make_tiny_tokenizer()
