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


# Small enough that a test may build each: hidden size 64, two layers, four experts of which two are chosen.
_SMALL = {
    "vocab_size": 340,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
    "initializer_range": 0.2,
}
_EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
_ROUTED = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_group": 1, "topk_group": 1}
_LATENT = {
    "num_key_value_heads": 4,
    "q_lora_rank": 32,
    "kv_lora_rank": 32,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 16,
    "v_head_dim": 16,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
# Model type -> fields that differ from `_SMALL`; None removes a field.
EXPERT_MODELS: dict[str, dict[str, Any]] = {
    "mixtral": _EXPERTS,
    "qwen2_moe": {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 32,
        "head_dim": None,
    },
    "gpt_oss": _EXPERTS | {"layer_types": ["full_attention"] * 2},
    "nemotron_h": _ROUTED
    | {
        "num_hidden_layers": None,
        "layers_block_type": ["moe", "full_attention"],
        "moe_shared_expert_intermediate_size": 32,
    },
    "llama4_text": _EXPERTS | {"intermediate_size_mlp": 64, "moe_layers": [0, 1], "num_experts_per_tok": 1},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 1e4},
        "ffn_config": {"ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2},
        "d_model": 64,
        "n_heads": 4,
        "n_layers": 2,
        "max_seq_len": 256,
        "hidden_size": None,
        "num_attention_heads": None,
        "num_hidden_layers": None,
    },
    "longcat_flash": _LATENT
    | {
        "num_hidden_layers": None,
        "num_layers": 1,
        "ffn_hidden_size": 64,
        "expert_ffn_hidden_size": 32,
        "n_routed_experts": 4,
        "moe_topk": 2,
        "zero_expert_num": 2,
    },
    "jetmoe": _EXPERTS | {"kv_channels": 16},
    "aria_text": {"moe_num_experts": 4, "moe_topk": 2, "moe_num_shared_experts": 1},
    "deepseek_v3": _LATENT | _ROUTED | {"n_shared_experts": 1, "first_k_dense_replace": 1},
    "gemma4_text": {
        "num_experts": 4,
        "top_k_experts": 2,
        "moe_intermediate_size": 32,
        "enable_moe_block": True,
        "layer_types": ["full_attention"] * 2,
        "num_kv_shared_layers": 0,
        "hidden_size_per_layer_input": 0,
        "global_head_dim": 16,
    },
}
OTHER_MODELS: dict[str, dict[str, Any]] = {
    "mamba": {"state_size": 16, "time_step_rank": 4, "intermediate_size": 128},
    "gemma3n_text": {
        "num_hidden_layers": 4,
        "intermediate_size": [64] * 4,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 2,
        "activation_sparsity_pattern": [0.0] * 4,
        "hidden_size_per_layer_input": 16,
        "vocab_size_per_layer_input": 340,
        "laurel_rank": 16,
    },
    "gemma3": {
        "text_config": {name: value for name, value in _SMALL.items() if name != "initializer_range"}
        | {"layer_types": ["full_attention"] * 2, "initializer_range": 0.2},
        "vision_config": VISION,
        "mm_tokens_per_image": 1,
    },
    "rwkv": {"attention_hidden_size": 64},
}


def make_small_model(model_type: str, **fields: Any) -> Any:
    """Return a seeded random model of a type in `EXPERT_MODELS` or `OTHER_MODELS`."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    differences = (EXPERT_MODELS | OTHER_MODELS)[model_type] | fields
    common = {} if "text_config" in differences else _SMALL
    values = {name: value for name, value in (common | differences).items() if value is not None}
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **values), dtype=torch.float32).eval()
    for parameter in model.parameters():
        # Some classes leave routers and biases at zero: then all experts were alike.
        if not parameter.any() or not parameter.isfinite().all():
            torch.nn.init.normal_(parameter, std=0.2)
    return model


def save_small(model_type: str, folder: Path, **fields: Any) -> Path:
    """Write a model of `make_small_model` and the tokenizer as a Hugging Face folder; return the folder."""
    make_small_model(model_type, **fields).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder
