"""Lengths at which a model's attention or positions may change: windows, chunks, and any other number that could be one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch

# Rotary embeddings that are the same for all lengths of a sequence. Others may change with the longest position of a batch.
CONSTANT_ROPES = ("default", "linear", "llama3", "proportional", "yarn")
# Names of windows that transformers' own attention masks apply.
WINDOW_NAMES = ("sliding_window", "attention_chunk_size")

# Names of numbers that are no length of attention, in configurations and modules. A number with any other name may be one.
HARMLESS_ENDINGS = (
    "_dim", "_dims", "_rank", "_token_id", "_token_ids", "_token_index", "vocab_size", "hidden_size", "intermediate_size", "embedding_size",
    "_heads", "_layers", "_experts", "_experts_per_tok", "_experts_per_token", "_layer_idx", "_layer_indices", "_layer_index", "_head_size",
)  # fmt: skip
HARMLESS_NAMES = frozenset(
    # Configurations: sizes.
    "d_model d_ff d_kv d_inner d_head d_rel dff dim_ff dim_head dim_model_base emb_dim embed_dim expert_dim ffn_dim head_dim hidden_dim"
    " hidden_size_per_layer_input vocab_size_per_layer_input inner_dim intermediate_dim intermediate_size_mlp kv_channels lru_width"
    " mamba_d_head mamba_d_ssm mamba_d_state n_embd n_inner rotary_dim rotary_ndims state_size ssm_state_size block_multiple_of"
    " mamba_headdim hidden_size_global kdim vdim"
    # Configurations: counts.
    " n_group n_groups n_head n_heads n_kv_heads n_layer n_layers num_group num_kv_heads num_layers num_hidden_layers"
    " num_heads num_attention_heads_per_layer num_experts num_experts_per_tok num_labels num_local_experts n_langs topk_group top_k moe_k"
    " moe_topk top_k_experts zero_expert_num mm_tokens_per_image"
    # Configurations: the window of the whole model, which bounds every sequence anyway.
    " max_position_embeddings n_positions n_ctx max_seq_len max_seq_length max_seqlen max_target_positions num_positions"
    " model_max_length seq_length context_length max_seq_len_cached original_max_seq_len original_max_position_embeddings"
    # Configurations: scales and layers by number.
    " query_pre_attn_scalar logits_scaling bos eos pad beta_fast beta_slow factor rope_theta moe_layers no_rope_layers full_attn_idxs"
    " mlp_only_layers max_window_layers moe_layer_start_index moe_layer_end_index hybrid_layer_ids"
    # Modules: shapes.
    " all_head_size embedding_dim groups head_k_dim head_size head_v_dim in_channels in_features input_size key_dim kv_dim kv_heads"
    " kv_projection_size gate_projection_size layer_id layer_idx layer_number nf num_embeddings num_k_heads num_key_value_groups"
    " num_v_heads nx out_channels out_features output_size padding_idx split_size value_dim d_model_size n_total_experts".split()
)
# Parts of a configuration that say nothing about the attention of text.
HARMLESS_PARTS = frozenset(
    "audio_config audio_encoder_config audio_processor id2label label2id quantization_config speech_config task_specific_params"
    " vision_config".split()
)

# Parts of the names of modules that do not process text.
HARMLESS_MODULES = ("audio", "image", "multi_modal", "vision")


def possible_windows(model: Any) -> list[int]:
    """Return all whole numbers above 1 in a model's configuration and modules that could be lengths of attention, ascending.

    Every number counts, whatever its name and however deep it lies, but those known to be something else (`HARMLESS_NAMES`, ...).
    """
    named = [*_whole_numbers(model.config.to_dict(), ""), *_numbers_of_modules(model)]
    return sorted({number for name, number in named if number > 1 and not _is_harmless(name)})


def _is_harmless(name: str) -> bool:
    return name in HARMLESS_NAMES or name.endswith(HARMLESS_ENDINGS)


def _whole_numbers(value: Any, name: str) -> Iterator[tuple[str, int]]:
    """Yield (name, number) of all whole numbers in a value and below; the elements of a list have the list's name."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key not in HARMLESS_PARTS:
                yield from _whole_numbers(part, str(key))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _whole_numbers(part, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, value


def _numbers_of_modules(model: torch.nn.Module) -> Iterator[tuple[str, int]]:
    for path, module in model.named_modules():
        if any(part in path for part in HARMLESS_MODULES):
            continue
        for name, value in vars(module).items():
            if isinstance(value, int) and not isinstance(value, bool):
                yield name, value


def window_of_masks(config: Any) -> int | None:
    """Return the smallest window or chunk of attention that transformers' own masks apply; None if there is none. `config`: of the text."""
    windows = [getattr(config, name, None) for name in WINDOW_NAMES]
    return min((int(window) for window in windows if window), default=None)


def rope_limit(config: Any) -> int | None:
    """Return the length up to which rotary embeddings are the same for all sequences; None without a limit. `config`: of the text."""
    settings = [part for name in ("rope_parameters", "rope_scaling") for part in _rope_settings(getattr(config, name, None))]
    if all(part.get("rope_type", part.get("type", "default")) in CONSTANT_ROPES for part in settings):
        return None
    lengths = [part.get("original_max_position_embeddings") for part in settings]
    lengths += [getattr(config, name, None) for name in ("original_max_position_embeddings", "max_position_embeddings")]
    # A growing embedding without any length is unknown from the first token on.
    return min((int(length) for length in lengths if length), default=0)


def _rope_settings(rope: Any) -> list[Mapping[str, Any]]:
    """Return the parameters of all layers, or those of each kind of layers."""
    if not isinstance(rope, Mapping):
        return []
    return [part for part in (rope, *rope.values()) if isinstance(part, Mapping) and ("rope_type" in part or "type" in part)]


class TrialLengths(NamedTuple):
    """`prompt`: tokens of a trial's longest prompt. `limit`: tokens up to which the trial's outcome holds for other sequences."""

    prompt: int
    limit: int


# A trial's prompts are longer than every possible window up to this many tokens.
TRIAL_BUDGET = 1024
# Tokens of the longest prompt without any possible window, and tokens by which it goes beyond one.
SHORTEST, BEYOND = 24, 8
# Tokens after a trial's prompt.
ANSWER = 4


def trial_lengths(windows: Iterable[int], max_length: int) -> TrialLengths:
    """Choose the lengths of a trial for a model with these possible windows, in sequences of at most `max_length` tokens."""
    limit = max_length
    tested = SHORTEST
    for window in sorted(windows):
        prompt = window + BEYOND
        if window >= limit:
            break
        if prompt > TRIAL_BUDGET + BEYOND or prompt + ANSWER > limit:
            # The window itself may be computed from the number, such as half of it on each side.
            limit = max(min(limit, tested), window // 2)
            break
        tested = max(tested, prompt)
    return TrialLengths(max(1, min(tested, limit - ANSWER)), limit)
