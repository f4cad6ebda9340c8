"""Rotary embeddings of transformers that keep the longest length they have seen."""

from __future__ import annotations

from typing import Any

# The attribute that holds the frequencies of short sequences, behind the name of a kind of layers where each kind has its own.
ORIGINAL = "original_inv_freq"


def forget_lengths(model: Any) -> None:
    """Set dynamic rotary embeddings back, so that earlier, longer sequences do not change the results of the next ones.

    transformers' dynamic embedding (NTK scaling by the longest sequence) goes back by itself only for a sequence shorter than the trained
    length; a longer one would take the frequencies of the longest before it.
    """
    for module in model.modules():
        names = [*vars(module), *(name for name, _ in module.named_buffers(recurse=False))]
        for name in [name for name in names if name.endswith(ORIGINAL)]:
            kind = name.removesuffix(ORIGINAL)
            rope_type = module.rope_type[kind.removesuffix("_")] if isinstance(module.rope_type, dict) else module.rope_type
            if "dynamic" in rope_type:
                frequencies = getattr(module, f"{kind}inv_freq")
                module.register_buffer(f"{kind}inv_freq", getattr(module, name).to(frequencies.device), persistent=False)
                setattr(module, f"{kind}max_seq_len_cached", module.original_max_seq_len)
