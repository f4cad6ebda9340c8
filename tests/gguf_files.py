"""Tiny GGUF files, written by gguf's own writer and quantiser from a random Llama."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize

from tests.tiny_models import make_tiny_tokenizer

HIDDEN, INNER, HEADS, KEY_HEADS, LAYERS = 64, 128, 4, 2, 2
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
CONTROL, NORMAL = 3, 1
TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}:{{ m['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<s>A:{% endif %}"
)


@lru_cache(maxsize=2)
def tiny_llama(tie: bool = False) -> Any:
    """A random model whose rows are whole blocks of 32 numbers."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=340,
        hidden_size=HIDDEN,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KEY_HEADS,
        max_position_embeddings=1024,
        initializer_range=0.2,
        tie_word_embeddings=tie,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


def gguf_name(name: str) -> str:
    """The name that llama.cpp gives a tensor of transformers' Llama."""
    plain = {"model.embed_tokens.weight": "token_embd", "model.norm.weight": "output_norm", "lm_head.weight": "output"}
    if name in plain:
        return f"{plain[name]}.weight"
    _, _, layer, *parts, _ = name.split(".")
    return f"blk.{layer}.{NAMES['.'.join(parts)]}.weight"


def rotated(name: str, weight: Any) -> Any:
    """The rows of queries and keys in the order of llama.cpp's rotary embedding: real and imaginary parts in turn."""
    heads = {"q_proj": HEADS, "k_proj": KEY_HEADS}.get(name.split(".")[-2])
    if heads is None:
        return weight
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(
    path: Path,
    kind: str = "F32",
    *,
    tie: bool = False,
    metadata: Mapping[str, Any] | None = None,
    leave_out: str = "",
    tensors: Mapping[str, Any] | None = None,
) -> Any:
    """Write a file whose matrices have the type `kind`, and return the model that it should be: dequantised by gguf itself.

    `metadata`: further numbers, texts and truth values, which replace those of the same key; None leaves a key out.
    `leave_out`: a tensor. `tensors`: further ones of float32.
    """
    quantisation = gguf.GGMLQuantizationType[kind]
    file_type = gguf.LlamaFileType["ALL_F32" if kind == "F32" else f"MOSTLY_{kind}"]
    model = copy.deepcopy(tiny_llama(tie))
    path.parent.mkdir(parents=True, exist_ok=True)
    fields: dict[str, Any] = {
        "general.architecture": "llama",
        "general.file_type": int(file_type),
        "llama.block_count": LAYERS,
        "llama.context_length": 1024,
        "llama.embedding_length": HIDDEN,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KEY_HEADS,
        "llama.attention.layer_norm_rms_epsilon": float(model.config.rms_norm_eps),
        "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": 340,
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": TEMPLATE,
        **(metadata or {}),
    }
    # The writer adds the architecture itself.
    writer = gguf.GGUFWriter(path, fields.pop("general.architecture"))
    for key, value in fields.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
    _add_vocabulary(writer)
    for name, parameter in model.named_parameters():
        weight = parameter.detach().numpy()
        to = quantisation if weight.ndim == 2 else gguf.GGMLQuantizationType.F32
        if gguf_name(name) != leave_out:
            writer.add_tensor(gguf_name(name), quantize(rotated(name, weight), to), raw_dtype=to)
        plain = dequantize(quantize(weight, to), to)
        parameter.data = torch.from_numpy(np.array(plain, dtype=np.float32).reshape(weight.shape))
    for name, tensor in (tensors or {}).items():
        writer.add_tensor(name, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    model = json.loads(make_tiny_tokenizer().backend_tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if number < 3 else NORMAL for number in range(len(tokens))])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
