"""The tokenizer of a GGUF file: transformers' conversion of its vocabulary, with the special tokens that the file's metadata state.

The conversion takes some of these from other places: it exchanges the first and the last token of Llama's vocabularies, and treats only
some control tokens as one token.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.gguf_facts import CONTROL, SpecialTokens, chat_template, special_tokens, vocabulary
from lm_eval_illusion.loading.gguf_header import REMEDY

_USER_DEFINED = 4
_BYTE_LEVEL = "gpt2"
"""The kind of vocabulary whose tokens are made of bytes."""


def gguf_tokenizer(file: Path, metadata: Mapping[str, Any], shown: str) -> Any:
    """Return the tokenizer of a GGUF file. `metadata`: of its header. `shown`: the file's name for messages.

    Raises:
        UserError: The file has no vocabulary, or a special token of it is not one token of the conversion.
        Exception: Whatever transformers raises for a vocabulary that it can't convert.
    """
    from tokenizers import decoders
    from transformers import AutoTokenizer

    tokens = vocabulary(metadata)
    if not tokens:
        raise UserError(f"{shown} has no vocabulary (tokenizer.ggml.tokens): {REMEDY}")
    special = special_tokens(metadata)
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=str(file))
    _add_marked_tokens(tokenizer, metadata, tokens)
    named = {"bos": special.bos, "eos": special.eos, "unk": special.unknown, "pad": special.padding}
    for name, number in named.items():
        setattr(tokenizer, f"{name}_token", None if number is None else tokens[number])
    tokenizer.chat_template = chat_template(metadata)
    # The conversion asks for a cleaning that would remove blanks before punctuation, and which transformers then refuses for BPE.
    tokenizer.clean_up_tokenization_spaces = False
    _frame(tokenizer, tokens, special)
    if metadata.get("tokenizer.ggml.model") == _BYTE_LEVEL:
        # The conversion would take a blank from the beginning of every text, unless the file says that none is added there.
        tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    _check(tokenizer, tokens, special, shown)
    return tokenizer


def _add_marked_tokens(tokenizer: Any, metadata: Mapping[str, Any], tokens: list[str]) -> None:
    """Let each token that the file marks as a control token, or as the user's own, be one token wherever its text occurs."""
    from tokenizers import AddedToken

    kinds = metadata.get("tokenizer.ggml.token_type")
    known = set(tokenizer.get_added_vocab())
    marked = [
        (token, kind)
        for token, kind in zip(tokens, kinds if isinstance(kinds, list) else (), strict=False)
        if kind in (CONTROL, _USER_DEFINED) and token and token not in known
    ]
    for kind in (CONTROL, _USER_DEFINED):
        is_control = kind == CONTROL
        added = [AddedToken(token, normalized=False, special=is_control) for token, of_kind in marked if of_kind == kind]
        if added:
            tokenizer.add_tokens(added, special_tokens=is_control)


def _frame(tokenizer: Any, tokens: list[str], special: SpecialTokens) -> None:
    """Let the tokenizer add the tokens before and after a text that the file asks for, and no others."""
    from tokenizers import processors

    before = special.bos if special.adds_bos else None
    after = special.eos if special.adds_eos else None
    wanted = [[] if number is None else [number] for number in (before, after)]
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    if tokenizer("a")["input_ids"] == [*wanted[0], *plain, *wanted[1]]:
        return
    parts = [tokens[number] for number in (before, after) if number is not None]
    template = [*(tokens[number] for number in wanted[0]), "$A", *(tokens[number] for number in wanted[1])]
    numbers = [(token, tokenizer.convert_tokens_to_ids(token)) for token in dict.fromkeys(parts)]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=template,
        pair=[*template, *("$B:1" if part == "$A" else f"{part}:1" for part in template)],
        special_tokens=numbers,
    )


def _check(tokenizer: Any, tokens: list[str], special: SpecialTokens, shown: str) -> None:
    numbers = {special.bos, special.eos, special.padding, *special.ends} - {None}
    for number in sorted(number for number in numbers if number is not None):
        found = tokenizer.convert_tokens_to_ids(tokens[number])
        if found != number:
            raise UserError(
                f"{shown}: its special token {tokens[number][:100]!r} is number {number}, in the tokenizer {found}: {REMEDY}"
            )
