"""Numbers that could be windows are found whatever their names are; common models have none; lengths of trials."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, LlamaConfig

from lm_eval_illusion.inference.context_lengths import (
    TRIAL_BUDGET,
    TrialLengths,
    possible_windows,
    rope_limit,
    trial_lengths,
    window_of_masks,
)
from tests.inference.special_models import DYNAMIC, LONG_ROPE, make_gpt_neo, make_model
from tests.tiny_models import ARCHITECTURES, make_tiny_model


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_common_model_has_no_possible_window(arch):
    assert [window for window in possible_windows(make_tiny_model(arch)) if 16 < window < 1024] == []


def test_the_default_configuration_of_common_models_has_no_possible_window_but_the_sliding_one():
    for model_type in ("llama", "qwen2", "qwen3", "olmo2", "granite", "smollm3", "deepseek_v3", "gpt2"):
        config = AutoConfig.for_model(model_type)
        assert [number for number in possible_windows(Configured(config)) if 24 < number < 100_000] == []
    assert 4096 in possible_windows(Configured(AutoConfig.for_model("mistral")))


class Configured(torch.nn.Module):
    """A module with a configuration and without layers: no weights of the default size are made."""

    def __init__(self, config):
        super().__init__()
        self.config = config


@pytest.mark.parametrize(
    "fields",
    [
        {"window_size": 300},
        {"some_new_name": 300},
        {"layers": [{"kind": "full"}, {"kind": "near", "span": 300}]},
        {"attention_plan": [[["near", 300], 2]]},
    ],
)
def test_a_number_counts_under_any_name_and_at_any_depth(fields):
    assert 300 in possible_windows(Configured(LlamaConfig(**fields)))


def test_sizes_token_ids_and_quantization_do_not_count():
    config = LlamaConfig(new_hidden_size=300, eos_token_id=300, quantization_config={"group_size": 300})
    assert 300 not in possible_windows(Configured(config))


def test_a_number_that_only_a_module_has_counts():
    model = make_tiny_model("llama")
    model.model.layers[0].self_attn.reach = 300
    assert 300 in possible_windows(model)


def test_gpt_neo_has_its_window():
    assert 256 in possible_windows(make_gpt_neo())


def test_windows_of_masks_are_the_smallest():
    assert window_of_masks(LlamaConfig()) is None
    assert window_of_masks(LlamaConfig(sliding_window=100, attention_chunk_size=70)) == 70


@pytest.mark.parametrize(
    ("rope", "limit"),
    [
        ({"rope_type": "default", "rope_theta": 1e4}, None),
        ({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}, None),
        ({"rope_type": "yarn", "factor": 8.0}, None),
        (LONG_ROPE, 32),
        (DYNAMIC["rope_parameters"], 512),
        ({"rope_type": "of the year 2030", "rope_theta": 1e4}, 512),
    ],
)
def test_rotary_embeddings_that_may_grow_are_constant_up_to_the_trained_length(rope, limit):
    config = LlamaConfig(max_position_embeddings=512)
    config.rope_parameters = rope
    assert rope_limit(config) == limit


def test_each_kind_of_layers_may_have_its_rotary_embedding():
    config = LlamaConfig(max_position_embeddings=512)
    config.rope_parameters = {"full_attention": {"rope_type": "default"}, "sliding_attention": LONG_ROPE}
    assert rope_limit(config) == 32


@pytest.mark.parametrize(
    ("windows", "max_length", "expected"),
    [
        ([], 2048, TrialLengths(24, 2048)),
        ([8, 12], 2048, TrialLengths(24, 2048)),
        ([8, 256], 2048, TrialLengths(264, 2048)),
        ([TRIAL_BUDGET], 4096, TrialLengths(TRIAL_BUDGET + 8, 4096)),
        # Beyond the budget: the window may be half of the number.
        ([4000], 8192, TrialLengths(24, 2000)),
        ([256, 4000], 8192, TrialLengths(264, 2000)),
        # No sequence is longer than the number.
        ([2048, 4000], 2048, TrialLengths(24, 2048)),
        # The trial would not fit into the window.
        ([50], 55, TrialLengths(21, 25)),
        ([], 16, TrialLengths(12, 16)),
        ([], 1, TrialLengths(1, 1)),
    ],
)
def test_lengths_of_a_trial(windows, max_length, expected):
    assert trial_lengths(windows, max_length) == expected


def test_a_trial_is_longer_than_every_window_below_the_limit_of_sharing():
    model = make_model("modernbert-decoder", local_attention=128)
    assert window_of_masks(model.config) == 64
    lengths = trial_lengths(possible_windows(model), 1024)
    assert lengths.prompt > 128
