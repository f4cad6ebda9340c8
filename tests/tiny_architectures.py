"""Random tiny models of the architectures that people evaluate, built from transformers configurations, without a download.

Each has a hidden size of 64, every kind of layer of its architecture, the embedded tokenizer, and windows of 16 to 64 tokens, so that a
prompt beyond the window costs little. `initializer_range` is 0.2: with the usual 0.02 attention is uniform and a wrong mask is hard to see.
"""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tiny_models import VISION

HIDDEN, INNER, EXPERT_INNER, HEADS, KEY_VALUE_HEADS, HEAD_DIM = 64, 128, 32, 4, 2, 16
WINDOW = 16
"""Tokens of a sliding window or a chunk of attention."""
ORIGINAL_LENGTH = 32
"""Tokens up to which a growing rotary embedding is constant."""
MAX_LENGTH = 256
"""Tokens of a prompt and its answer."""
INITIALIZER_RANGE = 0.2

# What every configuration class gets, as far as it has such a field.
COMMON: Mapping[str, Any] = {
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "moe_intermediate_size": EXPERT_INNER,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEY_VALUE_HEADS,
    "head_dim": HEAD_DIM,
    "max_position_embeddings": MAX_LENGTH,
    "vocab_size": 8000,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
    "initializer_range": INITIALIZER_RANGE,
}
WITHOUT_END: Mapping[str, Any] = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
SLIDING_AND_FULL: Mapping[str, Any] = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
LINEAR_AND_FULL: Mapping[str, Any] = {"layer_types": ["linear_attention", "full_attention"]}
DELTA_NET: Mapping[str, Any] = LINEAR_AND_FULL | {
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
}
SHARED_EXPERTS: Mapping[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "shared_expert_intermediate_size": 32}
LOCAL_EXPERTS: Mapping[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2}
LATENT_ATTENTION: Mapping[str, Any] = {
    "num_key_value_heads": HEADS,
    "q_lora_rank": 32,
    "kv_lora_rank": 32,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 16,
    "v_head_dim": 16,
}
ROUTED_EXPERTS: Mapping[str, Any] = {
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
}
DENSE_AND_ROUTED: Mapping[str, Any] = LATENT_ATTENTION | ROUTED_EXPERTS | {"first_k_dense_replace": 1}
INDEXED: Mapping[str, Any] = DENSE_AND_ROUTED | {
    "mlp_layer_types": ["dense", "sparse"],
    "index_topk": WINDOW,
    "index_head_dim": 32,
    "index_n_heads": 2,
}
LLAMA_4: Mapping[str, Any] = LOCAL_EXPERTS | {
    "num_experts_per_tok": 1,
    "intermediate_size": EXPERT_INNER,
    "intermediate_size_mlp": INNER,
    "moe_layers": [1],
    "no_rope_layers": [1, 0],
    "layer_types": ["chunked_attention", "full_attention"],
    "attention_chunk_size": WINDOW,
    "floor_scale": 32,
}
GEMMA_4_E2B: Mapping[str, Any] = SLIDING_AND_FULL | {
    "num_hidden_layers": 4,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "num_kv_shared_layers": 2,
    "vocab_size_per_layer_input": 8000,
    "hidden_size_per_layer_input": 16,
    "use_double_wide_mlp": True,
}
MAMBA_2: Mapping[str, Any] = {
    "mamba_n_heads": 8,
    "mamba_d_head": 16,
    "mamba_d_state": 16,
    "mamba_n_groups": 1,
    "mamba_expand": 2,
    "mamba_chunk_size": WINDOW,
}
LONG_ROPE: Mapping[str, Any] = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0] * 8,
    "long_factor": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
    "factor": 8.0,
    "original_max_position_embeddings": ORIGINAL_LENGTH,
}
YARN: Mapping[str, Any] = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "original_max_position_embeddings": ORIGINAL_LENGTH,
}


@dataclass(frozen=True)
class TinyArchitecture:
    """One row of the table.

    `name`: as people call the models. `model_type`: the key of transformers' configuration. `config`: fields that differ from `COMMON`.
    What is expected: `shares`: most tokens of a prompt and its answer with which the prompt is prefilled once for all its requests, 0
    for never. `alone`: the model's own code gives other numbers in a batch, so it gets one prompt at a time. `not_run`, `no_beams`,
    `not_pruned`: words of the error that refuses to run the model, its beam search, or to prune it; empty if it can be done.
    """

    name: str
    model_type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    shares: int = MAX_LENGTH
    alone: bool = False
    not_run: str = ""
    no_beams: str = ""
    not_pruned: str = ""

    @property
    def id(self) -> str:
        """The name for a test: lower case, hyphens for spaces, without brackets."""
        return self.name.lower().translate({ord(" "): "-", ord("("): None, ord(")"): None})


ARCHITECTURES: tuple[TinyArchitecture, ...] = (
    TinyArchitecture("Llama", "llama"),
    TinyArchitecture(
        "Llama (dynamic RoPE)", "llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}
    ),
    TinyArchitecture("Llama 4", "llama4_text", LLAMA_4, shares=WINDOW, alone=True),
    TinyArchitecture(
        "Llama 4 with vision",
        "llama4",
        {
            "text_config": COMMON | LLAMA_4,
            "vision_config": VISION
            | {"intermediate_size": 128, "vision_output_dim": 32, "projector_input_dim": 32, "projector_output_dim": 32},
            "image_token_index": 7999,
            "boi_token_index": 7998,
            "eoi_token_index": 7997,
        },
        shares=WINDOW,
        alone=True,
    ),
    TinyArchitecture("Qwen2", "qwen2"),
    TinyArchitecture(
        "Qwen2 (sliding window)",
        "qwen2",
        SLIDING_AND_FULL | {"use_sliding_window": True, "max_window_layers": 1},
        shares=WINDOW,
    ),
    TinyArchitecture("Qwen2-MoE", "qwen2_moe", SHARED_EXPERTS),
    TinyArchitecture("Qwen3", "qwen3"),
    TinyArchitecture("Qwen3-MoE", "qwen3_moe", LOCAL_EXPERTS | {"mlp_only_layers": [0]}),
    TinyArchitecture("Qwen3-Next", "qwen3_next", DELTA_NET | SHARED_EXPERTS | {"mlp_only_layers": [0]} | WITHOUT_END, shares=0),
    TinyArchitecture("Qwen3.5", "qwen3_5_text", DELTA_NET, shares=0),
    TinyArchitecture("Qwen3.5-MoE", "qwen3_5_moe_text", DELTA_NET | SHARED_EXPERTS, shares=0),
    TinyArchitecture(
        "Qwen3.5 with vision",
        "qwen3_5",
        {
            "text_config": COMMON | DELTA_NET,
            "vision_config": {
                "hidden_size": 32,
                "intermediate_size": 64,
                "depth": 1,
                "num_heads": 2,
                "out_hidden_size": HIDDEN,
            },
            "image_token_id": 7999,
            "video_token_id": 7998,
            "vision_start_token_id": 7997,
            "vision_end_token_id": 7996,
        },
        shares=0,
    ),
    TinyArchitecture("Gemma", "gemma"),
    TinyArchitecture("Gemma 2", "gemma2", SLIDING_AND_FULL | {"query_pre_attn_scalar": HEAD_DIM}, shares=WINDOW),
    TinyArchitecture("Gemma 3", "gemma3_text", SLIDING_AND_FULL | {"query_pre_attn_scalar": HEAD_DIM}, shares=WINDOW),
    TinyArchitecture(
        "Gemma 3 with vision",
        "gemma3",
        {
            "text_config": COMMON | SLIDING_AND_FULL | {"query_pre_attn_scalar": HEAD_DIM},
            "vision_config": VISION,
            "mm_tokens_per_image": 4,
            "image_token_index": 7999,
            "boi_token_index": 7998,
            "eoi_token_index": 7997,
        },
        shares=WINDOW,
    ),
    TinyArchitecture(
        "Gemma 3n",
        "gemma3n_text",
        SLIDING_AND_FULL
        | {
            "num_hidden_layers": 4,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "num_kv_shared_layers": 2,
            "intermediate_size": [INNER] * 4,
            "activation_sparsity_pattern": [0.5, 0.0, 0.0, 0.0],
            "vocab_size_per_layer_input": 8000,
            "hidden_size_per_layer_input": 16,
            "altup_num_inputs": 2,
            "laurel_rank": 8,
        },
        shares=WINDOW,
    ),
    TinyArchitecture(
        "Gemma 4",
        "gemma4_text",
        SLIDING_AND_FULL | {"vocab_size_per_layer_input": 8000, "hidden_size_per_layer_input": 0},
        shares=WINDOW,
    ),
    TinyArchitecture("Gemma 4 E2B", "gemma4_text", GEMMA_4_E2B, shares=WINDOW),
    TinyArchitecture(
        "Gemma 4 E2B with vision",
        "gemma4",
        {
            "text_config": COMMON | GEMMA_4_E2B,
            "vision_config": {
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "head_dim": 16,
                "patch_size": 4,
                "position_embedding_size": 64,
            },
            "image_token_id": 7999,
            "video_token_id": 7998,
            "boi_token_id": 7997,
            "eoi_token_id": 7996,
            "audio_token_id": 7995,
            "boa_token_id": 7994,
            "eoa_token_index": 7993,
        },
        shares=WINDOW,
    ),
    TinyArchitecture(
        "Gemma 4 MoE",
        "gemma4_text",
        SLIDING_AND_FULL
        | {
            "vocab_size_per_layer_input": 8000,
            "hidden_size_per_layer_input": 0,
            "enable_moe_block": True,
            "num_experts": 4,
            "top_k_experts": 2,
        },
        shares=WINDOW,
    ),
    TinyArchitecture("Mistral", "mistral", {"sliding_window": None}),
    TinyArchitecture("Mistral (sliding window)", "mistral", {"sliding_window": WINDOW}, shares=WINDOW),
    TinyArchitecture("Ministral", "ministral", SLIDING_AND_FULL, shares=WINDOW),
    TinyArchitecture("Ministral 3", "ministral3", {"rope_parameters": YARN | {"llama_4_scaling_beta": 0.1}}),
    TinyArchitecture(
        "Mistral 3 with vision",
        "mistral3",
        {
            "text_config": COMMON | {"model_type": "ministral3"},
            "vision_config": VISION | {"model_type": "pixtral", "head_dim": 16},
        },
        not_run="Mistral3Config",
        not_pruned="Mistral3Config",
    ),
    TinyArchitecture("Mixtral", "mixtral", LOCAL_EXPERTS),
    TinyArchitecture("Phi-2", "phi"),
    TinyArchitecture("Phi-3", "phi3", {"original_max_position_embeddings": MAX_LENGTH}),
    TinyArchitecture(
        "Phi-3 (longrope)",
        "phi3",
        {"rope_parameters": LONG_ROPE, "original_max_position_embeddings": ORIGINAL_LENGTH},
        shares=ORIGINAL_LENGTH,
        alone=True,
    ),
    TinyArchitecture(
        "Phi-4",
        "phi3",
        {"original_max_position_embeddings": MAX_LENGTH, "num_key_value_heads": 1, "tie_word_embeddings": False},
    ),
    TinyArchitecture(
        "Phi-4-mini",
        "phi3",
        {
            "rope_parameters": LONG_ROPE
            | {"partial_rotary_factor": 0.75, "short_factor": [1.0] * 6, "long_factor": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]},
            "original_max_position_embeddings": ORIGINAL_LENGTH,
            "tie_word_embeddings": True,
        },
        shares=ORIGINAL_LENGTH,
        alone=True,
    ),
    TinyArchitecture(
        "Phi-4-multimodal",
        "phi4_multimodal",
        {
            "original_max_position_embeddings": MAX_LENGTH,
            "vision_config": VISION | {"crop_size": 28, "image_token_id": 7999},
            "audio_config": {
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_blocks": 1,
                "num_attention_heads": 2,
                "ext_pw_out_channel": 32,
                "depthwise_separable_out_channel": 32,
                "nemo_conv_channels": 16,
                "bias_max_distance": 8,
                "audio_token_id": 7998,
            },
        },
    ),
    TinyArchitecture("Phi-3.5-MoE", "phimoe", LOCAL_EXPERTS),
    TinyArchitecture("OLMo", "olmo"),
    TinyArchitecture("OLMo 2", "olmo2"),
    TinyArchitecture("OLMo 3", "olmo3", SLIDING_AND_FULL, shares=WINDOW),
    TinyArchitecture("OLMo Hybrid", "olmo_hybrid", DELTA_NET, shares=0),
    TinyArchitecture("OLMoE", "olmoe", {"num_experts": 4, "num_experts_per_tok": 2, "intermediate_size": EXPERT_INNER}),
    TinyArchitecture("SmolLM3", "smollm3", {"no_rope_layers": [1, 0]}),
    TinyArchitecture("Granite", "granite"),
    TinyArchitecture("Granite MoE", "granitemoe", LOCAL_EXPERTS | {"intermediate_size": EXPERT_INNER}),
    TinyArchitecture(
        "Granite 4",
        "granitemoehybrid",
        LOCAL_EXPERTS | MAMBA_2 | LINEAR_AND_FULL | {"intermediate_size": EXPERT_INNER, "shared_intermediate_size": INNER},
        shares=0,
    ),
    TinyArchitecture(
        "GPT-OSS",
        "gpt_oss",
        SLIDING_AND_FULL | LOCAL_EXPERTS | {"intermediate_size": EXPERT_INNER, "rope_parameters": YARN},
        shares=WINDOW,
    ),
    TinyArchitecture("DeepSeek-V2", "deepseek_v2", DENSE_AND_ROUTED | {"head_dim": 16}),
    TinyArchitecture("DeepSeek-V3", "deepseek_v3", DENSE_AND_ROUTED | {"rope_parameters": YARN}),
    TinyArchitecture("DeepSeek-V3.2", "deepseek_v32", INDEXED, shares=0, alone=True),
    TinyArchitecture(
        "DeepSeek-V4",
        "deepseek_v4",
        {
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "num_hidden_layers": 3,
            "layer_types": ["sliding_attention", "compressed_sparse_attention", "heavily_compressed_attention"],
            "mlp_layer_types": ["hash_moe", "moe", "moe"],
            "compress_rates": {"compressed_sparse_attention": 4, "heavily_compressed_attention": 8},
            "num_key_value_heads": 1,
            "head_dim": 32,
            "q_lora_rank": 32,
            "partial_rotary_factor": 0.5,
            "sliding_window": WINDOW,
            "o_groups": 2,
            "o_lora_rank": 16,
            "index_n_heads": 2,
            "index_head_dim": 32,
            "index_topk": 4,
            "hc_mult": 2,
        },
        shares=0,
        alone=True,
    ),
    TinyArchitecture("GLM-4", "glm4"),
    TinyArchitecture("GLM-4.5", "glm4_moe", ROUTED_EXPERTS | {"first_k_dense_replace": 1, "use_qk_norm": True}),
    TinyArchitecture("GLM-5", "glm_moe_dsa", INDEXED | {"indexer_types": ["full", "shared"]}, shares=0, alone=True),
    TinyArchitecture("EXAONE 4", "exaone4", SLIDING_AND_FULL | {"sliding_window_pattern": 2}, shares=WINDOW),
    TinyArchitecture("Ernie 4.5", "ernie4_5"),
    TinyArchitecture(
        "Ernie 4.5 MoE",
        "ernie4_5_moe",
        {"moe_num_experts": 4, "moe_k": 2, "moe_num_shared_experts": 1, "moe_layer_start_index": 1, "moe_layer_end_index": 1},
    ),
    TinyArchitecture("Hunyuan", "hunyuan_v1_dense"),
    TinyArchitecture("Hunyuan MoE", "hunyuan_v1_moe", {"num_experts": 4, "moe_topk": 2, "intermediate_size": EXPERT_INNER}),
    TinyArchitecture("Falcon", "falcon", {"num_kv_heads": 1, "ffn_hidden_size": INNER}, shares=0),
    TinyArchitecture(
        "Falcon (ALiBi)",
        "falcon",
        {"alibi": True, "num_kv_heads": HEADS, "multi_query": False, "ffn_hidden_size": INNER},
        shares=0,
    ),
    TinyArchitecture("Falcon-H1", "falcon_h1", MAMBA_2 | {"mamba_d_ssm": 128}, shares=0),
    TinyArchitecture("Falcon-Mamba", "falcon_mamba", {"state_size": 8, "time_step_rank": 4}, shares=0),
    TinyArchitecture(
        "LFM2",
        "lfm2",
        {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False, "block_multiple_of": 16},
        shares=0,
    ),
    TinyArchitecture(
        "LFM2-MoE",
        "lfm2_moe",
        {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1, "num_experts": 4, "num_experts_per_tok": 2},
        shares=0,
    ),
    TinyArchitecture("Mamba", "mamba", {"state_size": 8, "time_step_rank": 4}, shares=0),
    TinyArchitecture(
        "Mamba 2", "mamba2", {"num_heads": 8, "head_dim": 16, "state_size": 16, "n_groups": 1, "chunk_size": WINDOW}, shares=0
    ),
    TinyArchitecture(
        "Jamba",
        "jamba",
        {
            "num_hidden_layers": 2,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "mamba_d_state": 8,
            "mamba_dt_rank": 4,
        },
        shares=0,
    ),
    TinyArchitecture("Bamba", "bamba", MAMBA_2 | {"attn_layer_indices": [1]}, shares=0),
    TinyArchitecture(
        "Nemotron-H",
        "nemotron_h",
        {
            "layers_block_type": ["linear_attention", "moe", "full_attention", "mlp"],
            "ssm_state_size": 16,
            "mamba_num_heads": 8,
            "mamba_head_dim": 16,
            "n_groups": 1,
            "chunk_size": WINDOW,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "moe_shared_expert_intermediate_size": EXPERT_INNER,
        },
        shares=0,
    ),
    TinyArchitecture("Nemotron", "nemotron"),
    TinyArchitecture(
        "MiniMax",
        "minimax",
        LOCAL_EXPERTS | LINEAR_AND_FULL | {"intermediate_size": EXPERT_INNER, "block_size": WINDOW},
        shares=0,
        alone=True,
    ),
    TinyArchitecture("MiniMax-M2", "minimax_m2", LOCAL_EXPERTS | {"intermediate_size": EXPERT_INNER}),
    TinyArchitecture(
        "Kimi Linear",
        "kimi_linear",
        LATENT_ATTENTION
        | LINEAR_AND_FULL
        | {
            "q_lora_rank": None,
            "model_max_length": MAX_LENGTH,
            "linear_head_dim": 16,
            "linear_num_heads": 4,
            "num_experts": 4,
            "num_experts_per_token": 2,
            "mlp_layer_types": ["dense", "sparse"],
        },
        shares=0,
    ),
    TinyArchitecture("Cohere", "cohere", {"logit_scale": 1.0}),
    TinyArchitecture("Cohere 2", "cohere2", SLIDING_AND_FULL | {"logit_scale": 1.0}, shares=WINDOW),
    TinyArchitecture("StarCoder2", "starcoder2"),
    TinyArchitecture("StableLM", "stablelm"),
    TinyArchitecture("Apertus", "apertus"),
    TinyArchitecture("Seed-OSS", "seed_oss"),
    TinyArchitecture(
        "RecurrentGemma",
        "recurrent_gemma",
        {
            "num_hidden_layers": 3,
            "lru_width": HIDDEN,
            "attention_window_size": WINDOW,
            "w_init_variance_scale": 1.0,
        },
        shares=0,
        alone=True,
    ),
    TinyArchitecture("JetMoE", "jetmoe", LOCAL_EXPERTS | {"kv_channels": HEAD_DIM, "intermediate_size": EXPERT_INNER}),
    TinyArchitecture("Doge", "doge", {"keep_window_size": WINDOW}, shares=0, alone=True),
    TinyArchitecture("GPT-2", "gpt2"),
    TinyArchitecture("GPT-Neo", "gpt_neo", {"attention_types": [[["global", "local"], 1]], "window_size": WINDOW}, shares=0),
    TinyArchitecture("GPT-J", "gptj", {"rotary_dim": HEAD_DIM}, shares=0),
    TinyArchitecture("GPT-NeoX", "gpt_neox"),
    TinyArchitecture("OPT", "opt", {"ffn_dim": INNER, "word_embed_proj_dim": HIDDEN, "init_std": INITIALIZER_RANGE}),
    TinyArchitecture("Bloom", "bloom", shares=0),
    TinyArchitecture("MPT", "mpt", WITHOUT_END | {"expansion_ratio": 2, "max_seq_len": MAX_LENGTH}, shares=0),
    TinyArchitecture("CTRL", "ctrl", WITHOUT_END | {"dff": INNER}),
    TinyArchitecture("StarCoder", "gpt_bigcode", {"n_inner": INNER}),
    TinyArchitecture("CodeGen", "codegen", {"rotary_dim": 8, "n_ctx": MAX_LENGTH}, shares=0),
    TinyArchitecture("XGLM", "xglm", {"ffn_dim": INNER, "init_std": INITIALIZER_RANGE}, shares=0),
    TinyArchitecture("DiffLlama", "diffllama"),
    TinyArchitecture(
        "ModernBERT decoder",
        "modernbert-decoder",
        {"layer_types": SLIDING_AND_FULL["layer_types"], "local_attention": 2 * WINDOW},
        shares=WINDOW,
    ),
    TinyArchitecture(
        "AFMoE",
        "afmoe",
        SLIDING_AND_FULL | {"num_dense_layers": 1, "num_experts": 4, "num_experts_per_tok": 2, "num_shared_experts": 1},
        shares=WINDOW,
    ),
    TinyArchitecture(
        "MiMo-V2-Flash",
        "mimo_v2_flash",
        SLIDING_AND_FULL
        | {"mlp_layer_types": ["dense", "sparse"], "n_routed_experts": 4, "num_experts_per_tok": 2, "v_head_dim": 8},
        shares=WINDOW,
    ),
    TinyArchitecture(
        "LongCat-Flash",
        "longcat_flash",
        LATENT_ATTENTION
        | {
            "num_layers": 1,
            "ffn_hidden_size": INNER,
            "expert_ffn_hidden_size": EXPERT_INNER,
            "n_routed_experts": 4,
            "moe_topk": 2,
            "zero_expert_num": 2,
        },
    ),
    TinyArchitecture(
        "Zamba2",
        "zamba2",
        {
            "layers_block_type": ["linear_attention", "hybrid"],
            "mamba_d_state": 16,
            "mamba_expand": 2,
            "n_mamba_heads": 8,
            "chunk_size": WINDOW,
            "num_key_value_heads": HEADS,
            "adapter_rank": 8,
        },
        shares=0,
    ),
    TinyArchitecture(
        "RWKV",
        "rwkv",
        {"attention_hidden_size": HIDDEN},
        shares=0,
        alone=True,
        no_beams="cache cannot be reordered",
        not_pruned="changes its own weights",
    ),
    TinyArchitecture(
        "xLSTM",
        "xlstm",
        {"embedding_dim": HIDDEN, "num_blocks": 2, "num_heads": 4, "chunk_size": WINDOW},
        not_run="wrong shape",
    ),
    TinyArchitecture(
        "xLSTM (wide keys)",
        "xlstm",
        {"embedding_dim": HIDDEN, "num_blocks": 2, "num_heads": 4, "chunk_size": WINDOW, "qk_dim_factor": 1.0},
        shares=0,
        alone=True,
        no_beams="cache cannot be reordered",
    ),
    TinyArchitecture("HRM", "hrm_text", {"num_hidden_layers": 1, "H_cycles": 1, "L_cycles": 2}, shares=0),
)


def make_config(architecture: TinyArchitecture) -> Any:
    """Return the transformers configuration of a row.

    Raises:
        ValueError: The row names a field that the configuration class lacks.
    """
    from transformers import AutoConfig

    cls = type(AutoConfig.for_model(architecture.model_type))
    # An attribute map renames fields: both names are taken.
    fields = {field.name for field in dataclasses.fields(cls)} | cls.attribute_map.keys() | set(cls.attribute_map.values())
    if unknown := architecture.config.keys() - fields:
        raise ValueError(f"{architecture.name}: {cls.__name__} has no {sorted(unknown)}")
    common = {} if "text_config" in architecture.config else {key: value for key, value in COMMON.items() if key in fields}
    return cls(**(common | dict(architecture.config)))


def make_model(architecture: TinyArchitecture) -> Any:
    """Return the seeded random float32 model of a row; with its vision tower if it has one, as published checkpoints do."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    config = make_config(architecture)
    auto = AutoModelForImageTextToText if "text_config" in architecture.config else AutoModelForCausalLM
    torch.manual_seed(0)
    model = auto.from_config(config, dtype=torch.float32).eval()
    for parameter in model.parameters():
        # Biases and gates of a trained model are not zero. Doge's attention would depend on ties.
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=INITIALIZER_RANGE)
    return model


def save(architecture: TinyArchitecture, folder: Path) -> Path:
    """Write a row's model and the embedded tokenizer as a Hugging Face folder; return the folder."""
    from lm_eval_illusion.embedded import model_folder

    make_model(architecture).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(model_folder() / name, folder)
    return folder


def limits() -> str:
    """Return the list of architectures for the section "Limits" of the README, as Markdown."""
    runs = [row for row in ARCHITECTURES if not row.not_run]
    groups = {
        "Share the prefill of a prompt among all its requests": [row for row in runs if row.shares == MAX_LENGTH],
        "Share it while prompt and answer fit into a sliding window, a chunk, or the original length of a growing rotary embedding": [
            row for row in runs if 0 < row.shares < MAX_LENGTH
        ],
        "Prefill the prompt for each request": [row for row in runs if not row.shares],
        "Run one prompt at a time where they do not share it, because their own code gives other numbers in a batch": [
            row for row in runs if row.alone
        ],
        "Can't be pruned": [row for row in runs if row.not_pruned],
        "Have no beam search": [row for row in runs if row.no_beams],
        "Are refused, because transformers can't run them as a causal language model": [
            row for row in ARCHITECTURES if row.not_run
        ],
    }
    return "\n".join(line for heading, rows in groups.items() if rows for line in _item(heading, rows))


def _item(heading: str, rows: list[TinyArchitecture]) -> list[str]:
    # A line does not end within a name.
    names = ", ".join(row.name.replace(" ", "\N{NO-BREAK SPACE}") for row in sorted(rows, key=lambda row: row.name.casefold()))
    lines = textwrap.wrap(f"{heading}: {names}.", 124, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


if __name__ == "__main__":
    print(limits())
