"""What a GGUF file says about its model: the name of its quantisation, the bits of its weights, its special tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.loading.gguf_header import GgufHeader, TensorEntry
from lm_eval_illusion.loading.quantized_config import variant_word

CONTROL = 3
"""The token type of control tokens, such as the end of a turn; ggml's enum llama_token_type."""
_GUESSED = 1024
# Vocabularies of this model, and pre-tokenisers, for which llama.cpp adds the first token of a text where the file does not say so.
_ADDS_BOS_MODELS = ("llama",)
_ADDS_BOS_SPLITTERS = ("llama3", "llama-v3", "llama-bpe", "falcon3", "tekken", "pixtral", "chameleon")
# Ends of a turn in the chat templates of published models. Files state one token that ends a text, and not always this one.
_ENDS_OF_TURN = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<|end_of_turn|>",
    "<turn|>",
    "<|endoftext|>",
)


@dataclass(frozen=True)
class SpecialTokens:
    """The special tokens that the metadata state, by number; None for one that is not there.

    `ends`: every token that ends an answer, the end of a text first. `adds_bos`, `adds_eos`: whether a text gets these tokens.
    """

    bos: int | None
    eos: int | None
    unknown: int | None
    padding: int | None
    ends: tuple[int, ...]
    adds_bos: bool
    adds_eos: bool


def quantisation_name(header: GgufHeader) -> str:
    """Return the name of a file's quantisation, such as `Q4_1`, `Q4_K_M` or `F16`.

    It is that of `general.file_type`. Where this is not stated, or contradicts the weights, it is the type of most weights.
    """
    from gguf import LlamaFileType

    counts: Counter[str] = Counter()
    for tensor in linear_tensors(header) or header.tensors:
        counts[tensor.kind] += tensor.elements
    stated = header.metadata.get("general.file_type")
    names = {kind.value: kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in LlamaFileType}
    name = names.get(stated) if type(stated) is int and stated != _GUESSED else None
    if name is not None and any(_has_type(name, kind) for kind in counts):
        return variant_word(name)
    return variant_word(counts.most_common(1)[0][0]) if counts else "unknown"


def _has_type(name: str, kind: str) -> bool:
    """Return whether a quantisation has weights of a type: Q4_K_M mixes Q4_K with larger types, IQ2_M is made of IQ2_S."""
    return f"{name}_".startswith(f"{kind}_") or (name.startswith("IQ") and name.split("_")[0] == kind.split("_")[0])


def mean_bits(header: GgufHeader) -> float | None:
    """Return the mean bits per weight of the linear layers, scales and offsets of the blocks included; None without such layers."""
    tensors = linear_tensors(header)
    count = sum(tensor.elements for tensor in tensors)
    return sum(8 * tensor.size for tensor in tensors) / count if count else None


def linear_tensors(header: GgufHeader) -> list[TensorEntry]:
    """Return the matrices of the transformer blocks: neither the embedding and the output head nor norms and biases."""
    return [tensor for tensor in header.tensors if re.match(r"blk\.\d+\..*\.weight$", tensor.name) and len(tensor.shape) > 1]


def special_tokens(metadata: Mapping[str, Any]) -> SpecialTokens:
    """Return the special tokens of a vocabulary; a number that is none of its tokens counts as not stated."""
    tokens = vocabulary(metadata)

    def token(name: str) -> int | None:
        number = metadata.get(f"tokenizer.ggml.{name}_token_id")
        return number if type(number) is int and 0 <= number < len(tokens) else None

    eos = token("eos")
    ends = [eos, token("eot"), token("eom"), *_ends_of_turn(metadata, tokens)]
    model, splitter = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre")
    adds_bos = metadata.get("tokenizer.ggml.add_bos_token", model in _ADDS_BOS_MODELS or splitter in _ADDS_BOS_SPLITTERS)
    return SpecialTokens(
        bos=token("bos"),
        eos=eos,
        unknown=token("unknown"),
        padding=token("padding"),
        ends=tuple(dict.fromkeys(end for end in ends if end is not None)),
        adds_bos=bool(adds_bos),
        adds_eos=bool(metadata.get("tokenizer.ggml.add_eos_token", False)),
    )


def vocabulary(metadata: Mapping[str, Any]) -> list[str]:
    """Return the tokens in the order of their numbers; empty if the file has none."""
    tokens = metadata.get("tokenizer.ggml.tokens")
    return tokens if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens) else []


def chat_template(metadata: Mapping[str, Any]) -> str | None:
    """Return the chat template; None if there is none. Further templates with a name of their own are left out."""
    text = metadata.get("tokenizer.chat_template")
    return text if isinstance(text, str) and text else None


def _ends_of_turn(metadata: Mapping[str, Any], tokens: list[str]) -> Iterator[int]:
    """Yield the control tokens with which a chat template ends a turn."""
    kinds = metadata.get("tokenizer.ggml.token_type")
    if not isinstance(kinds, list):
        return
    text = chat_template(metadata) or ""
    for number, (token, kind) in enumerate(zip(tokens, kinds, strict=False)):
        if kind == CONTROL and token in _ENDS_OF_TURN and token in text:
            yield number
