"""Which layers the names, classes and expressions of a scheme cover."""

from __future__ import annotations

import pytest

from lm_eval_illusion.loading.quantized_scheme import QuantizedScheme, WeightGroup


@pytest.mark.parametrize(
    ("pattern", "layer", "is_meant"),
    [
        ("lm_head", "model.layers.0.mlp.gate", False),
        ("model.layers.0.mlp.gate", "model.layers.0.mlp.gate", True),
        ("model.layers.1", "model.layers.10.mlp.gate", False),  # a part of a name is another layer
        ("model.layers.1", "model.layers.1.mlp.gate", True),
        ("gate", "model.layers.0.mlp.gate", True),
        ("re:.*gate$", "model.layers.0.mlp.gate", True),
        ("re:.*gate$", "model.layers.0.mlp.gate_proj", False),
        ("model.layers.*.self_attn", "model.layers.3.self_attn.q_proj", True),  # as gpt-oss writes it
        ("*gate*", "model.layers.0.mlp.gate", True),  # as Model Optimizer writes it: no valid expression
        ("*lm_head", "model.layers.0.mlp.gate", False),
        ("Linear", "model.layers.0.mlp.gate", True),
    ],
)
def test_a_pattern_means_layers_both_as_target_and_as_ignored(pattern, layer, is_meant):
    everywhere = (WeightGroup(("Linear",), 4),)
    left_out = QuantizedScheme("w4a16", "mxfp4", everywhere, (pattern,)).covers(layer, "Linear")
    only = QuantizedScheme("w4a16", "mxfp4", (WeightGroup((pattern,), 4),)).covers(layer, "Linear")
    assert (left_out is None, only is not None) == (is_meant, is_meant)


def test_the_first_group_that_matches_holds_and_different_bits_have_no_common_number():
    scheme = QuantizedScheme("mixed", "gptq", (WeightGroup(("q",), 8), WeightGroup(("Linear",), 4)))
    assert [scheme.covers(name, "Linear").bits for name in ("layers.0.q", "layers.0.k")] == [8, 4]
    assert scheme.covers("layers.0.conv", "Conv1d") is None
    assert scheme.bits is None
    assert QuantizedScheme("w4a16", "gptq", (WeightGroup(("Linear",), 4), WeightGroup(("q",), 4))).bits == 4
